"""Ports for servers that tests start."""

import itertools
import os
import socket

FIRST, LAST = 20_000, 32_000  # below those that systems hand out, which a client may hold a moment later
_places = itertools.count(101 * os.getpid())


def free_ports() -> tuple[int, int]:
    """Return two ports that nothing listens on, and that this process was not given before."""
    return _free(), _free()


def _free() -> int:
    while True:
        port = FIRST + next(_places) % (LAST - FIRST)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
