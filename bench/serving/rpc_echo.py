"""A bare grpc.aio server: `python rpc_echo.py PORT FILE` answers every call with the bytes of the file, unread."""

import sys
from pathlib import Path

import grpc
import grpc.aio
import uvloop


async def serve(port, answer):
    async def infer(message, context):
        return answer

    server = grpc.aio.server()
    methods = {"ModelInfer": grpc.unary_unary_rpc_method_handler(infer)}
    handler = grpc.method_handlers_generic_handler("inference.GRPCInferenceService", methods)
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes()))
