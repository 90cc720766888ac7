"""What KServe's own clients make of a server of ours: `python kserve_client.py URL` prints it as JSON.

Run by test_clients.py with the Python of an environment that has kserve, whose pins do not go with ours.
"""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

X = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]])


async def v2(base):
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0, timeout=10))
    found = {
        "live": await client.is_server_live(base),
        "ready": await client.is_server_ready(base),
        "model_ready": await client.is_model_ready(base, "demand"),
    }
    for binary in (False, True):
        tensor = InferInput("x", list(X.shape), "FP64")
        tensor.set_data_from_numpy(X, binary_data=binary)
        answer = await client.infer(base, InferRequest("demand", [tensor], request_id="q"), model_name="demand")
        found[f"binary={binary}"] = [answer.id, *answer.outputs[0].as_numpy().tolist()]
    return found


async def v1(base):
    client = InferenceRESTClient(RESTConfig(protocol="v1", retries=0, timeout=10))
    answer = await client.infer(base, {"instances": X.tolist()}, model_name="demand")
    return {
        "live": await client.is_server_live(base),
        "model_ready": await client.is_model_ready(base, "demand"),
        "predictions": answer["predictions"],
    }


async def main(base):
    sys.stdout.write(json.dumps({"v1": await v1(base), "v2": await v2(base)}))


asyncio.run(main(sys.argv[1]))
