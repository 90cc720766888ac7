"""Taking connections off a listening socket, many at a time.

libuv takes one a pass of the event loop; a pass under load takes long, and those who connect would wait for seconds.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

log = logging.getLogger("setpoint.serve")
AT_ONCE = 64
PAUSE_S = 1.0  # when the process has no descriptors left


class Acceptor:
    """Takes connections in the running event loop until it is closed.

    Parameters
    ----------
    listening : socket
        Shared by the workers; set to non-blocking.
    make : callable
        Returns the protocol of a new connection.
    """

    def __init__(self, listening: socket.socket, make: Callable[[], asyncio.Protocol]) -> None:
        self._listening, self._make = listening, make
        self._loop = asyncio.get_running_loop()
        self._begun: set[asyncio.Task[object]] = set()
        self._open = True
        listening.setblocking(False)
        self._listen()

    def close(self) -> None:
        """Take no more; what waits in the queue of the socket is for the other workers."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._listening)

    def _listen(self) -> None:
        if self._open:
            self._loop.add_reader(self._listening, self._take)

    def _take(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as e:
                log.error("no connection can be taken for %g s: %s", PAUSE_S, e)
                self._loop.remove_reader(self._listening)
                self._loop.call_later(PAUSE_S, self._listen)
                return
            task = self._loop.create_task(self._loop.connect_accepted_socket(self._make, connection))
            self._begun.add(task)
            task.add_done_callback(self._begun.discard)
