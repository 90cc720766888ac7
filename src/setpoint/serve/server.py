"""A worker's server: uvicorn, and connections from a socket that the supervisor opened and all workers share."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn

from setpoint.serve.acceptor import Acceptor
from setpoint.serve.access import AccessLog
from setpoint.serve.app import App
from setpoint.serve.live import LiveFollower
from setpoint.serve.plane import DataPlane
from setpoint.serve.protocol import HttpProtocol

if TYPE_CHECKING:
    import grpc.aio

DRAIN_S = 10
CONNECTIONS = 10_000


def run_server(
    plane: DataPlane,
    follower: LiveFollower,
    fd: int,
    *,
    max_body_bytes: int,
    access: AccessLog | None = None,
    grpc_address: str | None = None,
) -> None:
    """Serve until SIGTERM or the supervisor is gone, then finish what is under way.

    Connections are taken only after the first load: until then they wait in the shared queue, or another worker has
    them.

    Parameters
    ----------
    plane : DataPlane
    follower : LiveFollower
    fd : int
        A listening socket.
    max_body_bytes : int
    access : AccessLog, optional
        Where to note each answer.
    grpc_address : str, optional
        Host and port to serve gRPC on as well.
    """
    parent = os.getppid()

    def connection() -> HttpProtocol:
        return HttpProtocol(config, server.server_state, max_body_bytes=max_body_bytes)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        beating = asyncio.create_task(follower.beat())
        await follower.look()
        acceptor, door = Acceptor(socket.socket(fileno=fd), connection), None
        if grpc_address:
            from setpoint.serve.grpc.door import open_door

            door = await open_door(plane, grpc_address, max_body_bytes=max_body_bytes)
        others = (follower.follow(), _with_parent(server, parent), _sweep(server, access))
        tasks = [beating, *map(asyncio.create_task, (*others, _close_on_exit(server, acceptor, door)))]
        for task in tasks:
            task.add_done_callback(lambda done: _stop_on_failure(server, done))
        try:
            yield
        finally:
            acceptor.close()
            if door:
                await door.stop(DRAIN_S)
            await plane.drain()
            for task in tasks:
                task.cancel()
            if access:
                access.flush()

    app = App(plane, max_body_bytes=max_body_bytes, lifespan=lifespan)
    config = uvicorn.Config(
        access.around(app) if access else app,
        loop="uvloop",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=DRAIN_S,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[])


async def _close_on_exit(server: uvicorn.Server, acceptor: Acceptor, door: "grpc.aio.Server | None") -> None:
    """Take nothing more once the server is to stop."""
    while True:
        await asyncio.sleep(0.05)
        if server.should_exit:
            acceptor.close()
            if door:
                await door.stop(DRAIN_S)
            return


async def _sweep(server: uvicorn.Server, access: AccessLog | None) -> None:
    """Cut off slow clients, and write the access log, every second."""
    while True:
        await asyncio.sleep(1.0)
        now = time.monotonic()
        for connection in tuple(server.server_state.connections):
            connection.overdue(now)  # type: ignore[union-attr]  # all are of our protocol class
        if access:
            access.flush()


async def _with_parent(server: uvicorn.Server, parent: int) -> None:
    """Stop when the supervisor is gone: nobody would restart, replace or end this worker."""
    while not server.should_exit:
        await asyncio.sleep(1.0)
        if os.getppid() != parent:
            server.should_exit = True


def _stop_on_failure(server: uvicorn.Server, done: "asyncio.Task[None]") -> None:
    """Let the supervisor start anew a worker that no longer follows or beats."""
    if not done.cancelled() and done.exception():
        server.should_exit = True
        done.result()
