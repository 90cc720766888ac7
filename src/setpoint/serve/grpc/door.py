"""A worker's gRPC server, on a port that it shares with the other workers."""

import asyncio
from dataclasses import dataclass

import grpc.aio

from setpoint.errors import Unusable
from setpoint.serve.access import AccessLog
from setpoint.serve.grpc.calls import Calls
from setpoint.serve.plane import DataPlane

CALLS = 1_000  # under way in one worker; those beyond are refused with RESOURCE_EXHAUSTED
REFUSE_S = 0.2  # of a stop: until those who call have heard of it


@dataclass(frozen=True)
class Door:
    """An open door, and what answers there."""

    server: grpc.aio.Server
    calls: Calls

    async def stop(self, grace_s: float) -> None:
        """Answer what is under way, refuse what comes.

        grpc.aio cuts off with CANCELLED what it has not accepted when it stops, and under load that is most. Clients
        try again after UNAVAILABLE, not after CANCELLED; so calls are first refused for a moment.
        """
        self.calls.stopping = True
        await asyncio.sleep(REFUSE_S)
        await self.server.stop(grace_s)


async def open_door(plane: DataPlane, address: str, *, max_body_bytes: int, access: AccessLog | None = None) -> Door:
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
    calls = Calls(plane, access)
    server.add_generic_rpc_handlers(calls.handlers())
    try:
        server.add_insecure_port(address)
    except RuntimeError as e:
        raise Unusable(f"{address} cannot be opened for gRPC: {e}; choose another with --grpc-port") from e
    await server.start()
    return Door(server, calls)
