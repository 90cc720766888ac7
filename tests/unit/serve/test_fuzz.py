"""Bodies, frames, headers and paths that nobody meant: each is answered or refused in words, and recorded.

`SETPOINT_FUZZ_CASES` sets the cases of each of the 30 tests.
"""

import copy
import gzip
import json
import os
import re
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from setpoint.serve.wire import DATATYPES, DTYPES, to_raw

CASES = int(os.environ.get("SETPOINT_FUZZ_CASES", "20"))
# one door serves all cases of a test, as a worker does; the usual few cases are the same each time
fuzz = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    suppress_health_check=[*HealthCheck],
    derandomize="SETPOINT_FUZZ_CASES" not in os.environ,
)
REFUSED = {400, 404, 405, 413, 415, 422}
# what was expected, or what there is instead
HELP = re.compile(r"(?i)expected|known:|served:|needs|takes|lists those|are taken|is taken|is not JSON")

ROW = [20.5, 7, True, 0.5]
NAMES = ("temp", "hour", "holiday", "wind")
NAMED = dict(zip(NAMES, ROW, strict=True))
MIXED = {**NAMED, "sky": "clear", "key": "k-1", "at": "2024-05-01T12:00:00Z"}
KINDS = {"temp": "FP32", "hour": "INT64", "holiday": "BOOL", "wind": "FP64", "sky": "BYTES"}
TENSORS = [{"name": n, "shape": [1], "datatype": kind, "data": [MIXED[n]]} for n, kind in KINDS.items()]
MATRIX = [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": ROW}]
SPLIT = {"columns": list(NAMES), "index": [0], "data": [ROW]}
DOCUMENTS = {
    "/v1/models/demand:predict": [
        {"instances": [ROW, ROW]},
        {"instances": [NAMED]},
        {"inputs": {n: [v] for n, v in NAMED.items()}},
    ],
    "/v1/models/risk:predict": [{"instances": [MIXED]}, {"inputs": [MIXED, MIXED]}],
    "/v1/models/risk:outcome": [
        {"outcomes": [{"id": "k-1", "value": "yes", "known": 1.7e9}]},
        {"id": 7, "value": "no"},
    ],
    "/v2/models/demand/infer": [
        {"id": "q", "inputs": MATRIX, "outputs": [{"name": "prediction", "parameters": {"binary_data": True}}]}
    ],
    "/v2/models/risk/versions/v1/infer": [{"inputs": TENSORS, "parameters": {"binary_data_output": True}}],
    "/models/demand/invocations": [
        {"dataframe_split": SPLIT, "params": {}},
        {"inputs": [ROW]},
        {"dataframe_records": [NAMED]},
    ],
    "/invocations": [{"instances": {n: [[v]] for n, v in NAMED.items()}}],
}

junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(sorted(DATATYPES)),
    st.sampled_from(
        [
            [],
            {},
            [[]],
            [None],
            "NaN",
            "1e999",
            2**63,
            -(2**64),
            10**400,
            1e308,
            "\ud800",
            "\x00",
            "x" * 3_000,
            [[[]]] * 3,
        ]
    ).map(copy.deepcopy),
)


@st.composite
def broken(draw, document):
    """A document with some of its parts replaced, removed, doubled or renamed."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 3))):
        at = document
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(at[key], dict | list) and at[key] and draw(st.integers(0, 3)):
                at = at[key]
                continue
            how = draw(st.sampled_from(["replace", "remove", "wrap", "double", "add"]))
            if how == "replace":
                at[key] = draw(junk)
            elif how == "remove":
                del at[key]
            elif how == "wrap":
                at[key] = [at[key]]
            elif how == "double":
                at.insert(0, at[key]) if isinstance(at, list) else at.update({f"{key}2": at[key]})
            else:
                at.append(draw(junk)) if isinstance(at, list) else at.update({draw(st.text(max_size=4)): draw(junk)})
            break
    return document


@st.composite
def damaged(draw, body):
    """Bytes with some cut, changed or put in."""
    body = bytearray(body)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(body)))
        stop = min(len(body), start + draw(st.integers(0, 6)))
        body[start:stop] = draw(
            st.binary(max_size=6) | st.sampled_from([b'"', b"[", b"}", b",", b"NaN", b"9" * 5_000, b"\\u", b"\xff"])
        )
    return bytes(body[: draw(st.integers(0, len(body)))] if draw(st.integers(0, 9)) == 0 else body)


HEADERS = {
    b"content-type": [b"application/json", b"text/csv; charset=utf-8", b"application/xml", b"\xff/;;"],
    b"content-encoding": [b"gzip", b"deflate", b"br"],
    b"inference-header-content-length": [b"0", b"9" * 30, b"-1", b"\xb2"],
    b"x-request-id": [b"mine", b"\xff\n"],
    b"x-setpoint-model": [b"demand", b"\xe4"],
    b"content-length": [b"70000"],
}
headers = st.lists(
    st.sampled_from(list(HEADERS)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(HEADERS[name]) | st.binary(max_size=9))
    ),
    max_size=3,
)


def check(door, method, path, body=b"", given=()):
    """Ask, and hold the door to its promises."""
    before = len(door.tape.records)
    status, headers, answer = door.ask(method, path, body, given)
    assert headers[b"content-length"] == b"%d" % len(answer)
    assert re.fullmatch(rb"[ -~]{1,128}", headers[b"x-request-id"])
    assert door.metrics.in_flight == 0
    if status != 200:
        assert status in REFUSED, answer
        document = json.loads(answer)
        assert HELP.search(document["error"]), document
        assert len(document["error"]) <= 2_001
        assert all(type(code) is str for code in document["violations"])
    known = headers[b"x-model-version"] == b"v1" and method == "POST" and not path.endswith(":outcome")
    if known:
        (record,) = door.tape.records[before:]
        assert (record.status, record.request_id.encode()) == (status, headers[b"x-request-id"])
        assert record.violations or status == 200
    return status


paths = pytest.mark.parametrize("path", DOCUMENTS)


@paths
def test_documents_with_broken_parts(door, path):
    @fuzz
    @given(st.sampled_from(DOCUMENTS[path]).flatmap(broken), st.just([]) | headers)
    def ask(document, headers):
        check(door, "POST", path, json.dumps(document).encode(), headers)

    ask()


@paths
def test_documents_with_broken_bytes(door, path):
    @fuzz
    @given(st.sampled_from([json.dumps(d).encode() for d in DOCUMENTS[path]]).flatmap(damaged), st.just([]) | headers)
    def ask(body, headers):
        check(door, "POST", path, body, headers)

    ask()


@st.composite
def frames(draw):
    """A header and raw tensors that agree more or less."""
    tensors, raws = [], []
    for name, kind in KINDS.items():
        kind = kind if draw(st.integers(0, 9)) else draw(st.sampled_from(sorted(DATATYPES)))
        raw = to_raw(kind, [MIXED[name]]) if kind == "BYTES" or name != "sky" else b"\x01\x00\x00\x00x"
        raw = raw if draw(st.integers(0, 5)) else draw(damaged(raw))
        size = len(raw) if draw(st.integers(0, 9)) else draw(st.integers(-1, 99))
        tensors.append({"name": name, "shape": [1], "datatype": kind, "parameters": {"binary_data_size": size}})
        raws.append(raw)
    text = json.dumps(draw(broken({"inputs": tensors, "outputs": ["label", "probability"]}))).encode()
    length = len(text) if draw(st.integers(0, 5)) else draw(st.integers(0, 2 * len(text)))
    return text + b"".join(raws), [(b"inference-header-content-length", b"%d" % length)]


def test_frames(door):
    @fuzz
    @given(frames(), st.sampled_from([None, "gzip", "deflate"]))
    def ask(frame, packing):
        body, headers = frame
        if packing:
            body = gzip.compress(body) if packing == "gzip" else zlib.compress(body)
            headers = [*headers, (b"content-encoding", packing.encode())]
        check(door, "POST", "/v2/models/risk/infer", body, headers)

    ask()


@pytest.mark.parametrize("datatype", sorted(DATATYPES))
def test_raw_bytes_of_every_datatype(door, datatype):
    @fuzz
    @given(st.lists(st.binary(min_size=8, max_size=8), min_size=4, max_size=4))
    def ask(parts):
        size = 0 if datatype == "BYTES" else DTYPES[datatype].itemsize
        raw = b"".join(part[:size] if size else struct.pack("<I", 8) + part for part in parts)
        text = json.dumps(
            {
                "inputs": [
                    {"name": "x", "shape": [1, 4], "datatype": datatype, "parameters": {"binary_data_size": len(raw)}}
                ]
            }
        )
        status = check(
            door,
            "POST",
            "/v2/models/demand/infer",
            text.encode() + raw,
            [(b"inference-header-content-length", b"%d" % len(text))],
        )
        if datatype in ("FP16", "FP32", "FP64") and not np.isfinite(np.frombuffer(raw, DTYPES[datatype])[:3]).all():
            assert status == 422

    ask()


cells = st.one_of(
    st.text(max_size=5),
    st.sampled_from(["", "1", "-0", "1e999", "nan", "TRUE", '"', '"a,b"', "1_0", "٣", "\r", "9" * 5_000]),
)


def test_csv(door):
    header = st.just([*NAMES, "sky"]) | st.lists(st.sampled_from([*NAMES, "sky", "", "key", "at", "x"]), max_size=6)

    @fuzz
    @given(header, st.lists(st.lists(cells, min_size=4, max_size=6), max_size=3), st.booleans())
    def ask(names, rows, whole):
        text = "\n".join(",".join(row) for row in [names, *rows])
        check(
            door,
            "POST",
            "/models/risk/invocations",
            text.encode("utf-8" if whole else "utf-16"),
            [(b"content-type", b"text/csv")],
        )

    ask()


def test_methods_and_paths(door):
    words = "v1 v2 models demand risk demand:predict infer versions v9 ready invocations ping .. %2e ü :predict"
    parts = st.sampled_from([*words.split(), "a" * 300, ""])

    @fuzz
    @given(
        st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"]),
        st.lists(parts, max_size=5) | st.lists(st.text(max_size=5), max_size=4),
    )
    def ask(method, segments):
        check(door, method, "/" + "/".join(segments), b"{}")

    ask()
