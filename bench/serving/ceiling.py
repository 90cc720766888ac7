"""The ceiling: the least code that answers one model on uvicorn: no schema, no record, no errors.

`MODEL` is an ONNX file; `python ceiling.py FD` serves it on an inherited socket.
"""

import asyncio
import os
import socket
import sys

import msgspec
import numpy as np
import onnxruntime as ort
import uvicorn

options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = ort.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
name, wanted = session.get_inputs()[0].name, [session.get_outputs()[-1].name]
decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
queue = []


def flush():
    global queue
    works, queue = queue, []
    (raw,) = session.run(wanted, {name: np.concatenate([x for x, _ in works])})
    answers, start = raw[:, -1].tolist(), 0
    for x, future in works:
        future.set_result(answers[start : start + len(x)])
        start += len(x)


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": kind + ".complete"})
            if kind == "lifespan.shutdown":
                return
    message = await receive()
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    if not queue:
        loop.call_soon(flush)
    queue.append((np.array(decode(message["body"])["instances"], dtype=np.float32), future))
    body = encode({"predictions": await future})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", ws="none", log_config=None, access_log=False, proxy_headers=False,
        server_header=False, date_header=False,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
