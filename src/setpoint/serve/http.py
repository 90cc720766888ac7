"""The little of HTTP that the data plane needs: a whole request in, a whole answer out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from setpoint.serve.identity import accepted_id, new_id

JSON = b"application/json"


@dataclass(slots=True)
class Request:
    """A request as its connection hands it over; the body of one that is too large may be a part of it."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    body: bytes
    caller: str


@dataclass(slots=True)
class Reply:
    """A whole answer."""

    body: bytes
    status: int = 200
    version: str = ""
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    request_id: str = ""
    parts: bool = False  # the client should come back on another connection, which another worker may take
    logged: tuple[str, str] | None = None  # request id and caller as the log may have them, where they are sensitive

    def head(self) -> bytes:
        """Return the header lines, with the request's id and the version that answered."""
        lines = b"content-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\nx-model-version: %b\r\n" % (
            self.content_type,
            len(self.body),
            self.request_id.encode("ascii"),
            self.version.encode("latin-1", "replace"),
        )
        return lines + b"".join([b"%b: %b\r\n" % header for header in self.headers]) if self.headers else lines


Send = Callable[[Reply], None]
Application = Callable[[Request, Send], None]


def id_of(headers: Mapping[bytes, bytes]) -> str:
    """Return the request's id: the caller's if it is usable, else a new one."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if accepted_id(given) else new_id()
