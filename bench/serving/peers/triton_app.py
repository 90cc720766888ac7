"""Triton's Python backend, by pytriton, with onnxruntime behind it."""

import os

import numpy as np
import onnxruntime as ort
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

port = int(os.environ["PORT"])


def make():
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
    name, wanted = session.get_inputs()[0].name, [session.get_outputs()[-1].name]

    @batch
    def infer(X):
        (raw,) = session.run(wanted, {name: X})
        return {"probability": raw[:, -1:]}

    return infer


config = TritonConfig(
    http_port=port, grpc_port=port + 1, metrics_port=port + 2, http_address="127.0.0.1", log_verbose=0
)
with Triton(config=config) as triton:
    triton.bind(
        model_name="cancer",
        infer_func=[make() for _ in range(int(os.environ["WORKERS"]))],
        inputs=[Tensor(name="X", dtype=np.float32, shape=(30,))],
        outputs=[Tensor(name="probability", dtype=np.float32, shape=(1,))],
        config=ModelConfig(max_batch_size=64),
    )
    triton.serve()
