"""A worker's gRPC server, on a port that it shares with the other workers."""

import grpc.aio

from setpoint.errors import Unusable
from setpoint.serve.access import AccessLog
from setpoint.serve.grpc.calls import Calls
from setpoint.serve.plane import DataPlane

CALLS = 1_000  # under way in one worker; those beyond are refused with RESOURCE_EXHAUSTED


async def open_door(
    plane: DataPlane, address: str, *, max_body_bytes: int, access: AccessLog | None = None
) -> grpc.aio.Server:
    """Start to serve gRPC in the running event loop; `stop(grace)` of what is returned ends it.

    Parameters
    ----------
    plane : DataPlane
    address : str
        Host and port. Every worker opens it for itself (SO_REUSEPORT), and the system shares out the connections.
    max_body_bytes : int
        Larger messages are refused with RESOURCE_EXHAUSTED.
    access : AccessLog, optional
        Where to note each answer.

    Raises
    ------
    Unusable
        If the port cannot be opened.
    """
    server = grpc.aio.server(
        options=(("grpc.so_reuseport", 1), ("grpc.max_receive_message_length", max_body_bytes)),
        maximum_concurrent_rpcs=CALLS,
    )
    server.add_generic_rpc_handlers(Calls(plane, access).handlers())
    try:
        server.add_insecure_port(address)
    except RuntimeError as e:
        raise Unusable(f"{address} cannot be opened for gRPC: {e}; choose another with --grpc-port") from e
    await server.start()
    return server
