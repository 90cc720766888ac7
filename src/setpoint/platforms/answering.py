"""Whether a server answers, asked as cheaply as can be: who waits for one asks many times a second."""

from http.client import HTTPConnection, HTTPException

PATIENCE_S = 2.0


def answers(host: str, port: int, path: str) -> bool:
    """Whether GET of the path is answered with 200."""
    connection = HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
