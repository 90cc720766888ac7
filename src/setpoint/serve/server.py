"""A worker's server: connections from a socket that the supervisor opened and all workers share."""

import asyncio
import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import uvloop

from setpoint.config import supervisor_pid
from setpoint.serve.acceptor import Acceptor
from setpoint.serve.access import AccessLog
from setpoint.serve.app import App
from setpoint.serve.live import LiveFollower
from setpoint.serve.plane import DataPlane
from setpoint.serve.protocol import HttpProtocol

if TYPE_CHECKING:
    from setpoint.serve.grpc.door import Door

DRAIN_S = 10


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
    uvloop.run(_serve(plane, follower, socket.socket(fileno=fd), max_body_bytes, access, grpc_address))


async def _serve(
    plane: DataPlane,
    follower: LiveFollower,
    listening: socket.socket,
    max_body_bytes: int,
    access: AccessLog | None,
    grpc_address: str | None,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    parent = supervisor_pid()
    beating = asyncio.create_task(follower.beat())
    await follower.look()
    plane.recall()
    follower.report()
    connections: set[HttpProtocol] = set()
    app = App(plane, max_body_bytes=max_body_bytes)
    answer = access.around(app) if access else app
    acceptor = Acceptor(listening, lambda: HttpProtocol(answer, connections, max_body_bytes=max_body_bytes))
    door = await _open_grpc(plane, grpc_address, max_body_bytes, access) if grpc_address else None
    others = (follower.follow(), _with_parent(stop, parent), _sweep(connections, access))
    tasks = [beating, *map(asyncio.create_task, others)]
    for task in tasks:
        task.add_done_callback(lambda done: _stop_on_failure(stop, done))
    await stop.wait()
    acceptor.close()
    await asyncio.gather(_close(connections), *([door.stop(DRAIN_S)] if door else []))
    await plane.drain()
    for task in tasks:
        task.cancel()
    if access:
        access.flush()
    for failed in (task for task in tasks if task.done() and not task.cancelled()):
        failed.result()


async def _open_grpc(plane: DataPlane, address: str, max_body_bytes: int, access: AccessLog | None) -> "Door":
    from setpoint.serve.grpc.door import open_door  # 20 MB, for those who ask for it

    return await open_door(plane, address, max_body_bytes=max_body_bytes, access=access)


async def _close(connections: set[HttpProtocol]) -> None:
    """Let every connection end once what it has begun is answered, and cut off those that take too long."""
    end = time.monotonic() + DRAIN_S
    while connections and time.monotonic() < end:
        for connection in tuple(connections):
            connection.shutdown()
        await asyncio.sleep(0.01)


async def _sweep(connections: set[HttpProtocol], access: AccessLog | None) -> None:
    """Cut off slow clients, and write the access log, every second."""
    while True:
        await asyncio.sleep(1.0)
        now = time.monotonic()
        for connection in tuple(connections):
            connection.overdue(now)
        if access:
            access.flush()


async def _with_parent(stop: asyncio.Event, parent: int) -> None:
    """Stop when the supervisor is gone: nobody would restart, replace or end this worker."""
    while not stop.is_set():
        await asyncio.sleep(1.0)
        if os.getppid() != parent:
            stop.set()


def _stop_on_failure(stop: asyncio.Event, done: "asyncio.Task[None]") -> None:
    """Let the supervisor start anew a worker that no longer follows or beats."""
    if not done.cancelled() and done.exception():
        stop.set()
