"""Frames that are no requests, or nearly: each is refused as the caller's mistake, and the worker goes on."""

import os

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb

CASES = int(os.environ.get("SETPOINT_FUZZ_CASES", "20"))
SERVICE = "inference.GRPCInferenceService"
METHODS = [f"{SERVICE}/{name}" for name in ("ModelReady", "ModelMetadata", "ModelInfer")]
METHODS += [f"{SERVICE}/{name}" for name in ("ServerLive", "ServerReady", "ServerMetadata")]
METHODS += ["grpc.health.v1.Health/Check"]
TAKEN = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
DATATYPES = ["BOOL", "FP16", "FP32", "FP64", "BYTES", "BF16", "", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT64"]

int32s, int64s = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
contents = st.fixed_dictionaries(
    {},
    optional={
        "bool_contents": st.lists(st.booleans(), max_size=6),
        "int_contents": st.lists(int32s, max_size=6),
        "int64_contents": st.lists(int64s, max_size=6),
        "fp32_contents": st.lists(st.floats(width=32), max_size=6),
        "fp64_contents": st.lists(st.floats(), max_size=6),
        "bytes_contents": st.lists(st.binary(max_size=6), max_size=6),
    },
)
tensors = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", "c", "at", "key"]) | st.text(max_size=100),
        "datatype": st.sampled_from(DATATYPES) | st.text(max_size=8),
        "shape": st.lists(st.integers(0, 3), min_size=1, max_size=2) | st.lists(int64s, max_size=12),
    },
    optional={"contents": contents},
)
frames = st.builds(
    lambda **parts: pb.ModelInferRequest(**parts).SerializeToString(),
    model_name=st.sampled_from(["risk", "demand"]) | st.text(max_size=5),
    model_version=st.sampled_from(["", "v1", "v9"]) | st.text(max_size=5),
    id=st.text(max_size=200),
    inputs=st.lists(tensors, max_size=4),
    outputs=st.lists(st.fixed_dictionaries({"name": st.text(max_size=5) | st.just("label")}), max_size=2),
    raw_input_contents=st.lists(st.binary(max_size=64), max_size=4),
    parameters=st.dictionaries(st.text(max_size=3), st.builds(pb.InferParameter, int64_param=int64s), max_size=2),
)


@st.composite
def damaged(draw):
    """Return a frame with a byte changed, or cut short."""
    frame = bytearray(draw(frames))
    at = draw(st.integers(0, len(frame)))
    if at < len(frame):
        frame[at] = draw(st.integers(0, 255))
    return bytes(frame[: draw(st.integers(at, len(frame)))])


@pytest.fixture
def send(start, monkeypatch):
    """Send a frame to a method of a worker; return its status."""
    monkeypatch.setenv("SETPOINT_MAX_BODY_BYTES", "1000000")
    server = start(grpc=True)
    server.serve(demand="v1", risk="v1")
    (pid,) = server.files.running().workers
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:

        def send(method, frame, **options):
            try:
                channel.unary_unary(f"/{method}")(frame, timeout=30, **options)
            except grpc.RpcError as e:
                return e.code()
            return grpc.StatusCode.OK

        yield send
    assert server.files.running().workers == (pid,)
    refused = [record for model in ("demand", "risk") for record in server.records(model) if record.status != 200]
    assert all(record.violations for record in refused)


def test_bytes_of_any_kind_are_taken_or_refused(send):
    @settings(max_examples=15 * CASES, deadline=None)
    @given(st.sampled_from(METHODS), st.binary(max_size=300))
    def check(method, frame):
        assert send(method, frame) in TAKEN

    check()


@pytest.mark.parametrize("kind", [frames, damaged()], ids=["whole", "damaged"])
def test_requests_that_fit_no_schema_are_refused(send, kind):
    @settings(max_examples=20 * CASES, deadline=None)
    @given(kind)
    def check(frame):
        assert send(f"{SERVICE}/ModelInfer", frame) in TAKEN

    check()


def test_what_is_too_large_or_not_there_is_refused(send):
    infer = f"{SERVICE}/ModelInfer"
    for odd_id in ("x" * 129, " ", "a b"):
        assert send(f"{SERVICE}/ServerLive", b"", metadata=[("x-request-id", odd_id)]) is grpc.StatusCode.OK
    assert send(f"{SERVICE}/ModelStreamInfer", b"") is grpc.StatusCode.UNIMPLEMENTED
    assert send(infer, b"x" * 1_000_001) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert send(infer, bytes(100_000_000), compression=grpc.Compression.Gzip) is grpc.StatusCode.RESOURCE_EXHAUSTED
    deep = b"\x2a\xff\xff\xff\xff\x0f"  # a tensor that says it has 4 GiB
    assert send(infer, deep) is grpc.StatusCode.INVALID_ARGUMENT
