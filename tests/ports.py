"""Ports for servers that tests start."""

import socket


def free_ports() -> tuple[int, int]:
    """Return two ports that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]
