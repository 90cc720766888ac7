"""FastAPI by hand with onnxruntime: what people write themselves."""

import os

import numpy as np
import onnxruntime as ort
from fastapi import FastAPI
from pydantic import BaseModel

options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = ort.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
name, wanted = session.get_inputs()[0].name, [session.get_outputs()[-1].name]
app = FastAPI()


class Request(BaseModel):
    inputs: list[list[float]]


@app.post("/predict")
async def predict(request: Request) -> dict[str, list[float]]:
    (raw,) = session.run(wanted, {name: np.array(request.inputs, dtype=np.float32)})
    return {"predictions": raw[:, -1].tolist()}
