"""Who may ask anything of the control port, decided before a request is read.

This machine's own programs may read, and have the loop look, without a key. What comes from elsewhere needs the key of
a person: through an address that other machines reach, under another host name (a page whose name was made to mean this
machine, "DNS rebinding"), or through a proxy. A page of another site may change nothing, whatever it sends along.
"""

from base64 import b64decode
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from setpoint.errors import NotAllowed
from setpoint.platforms.loopback import is_loopback
from setpoint.store.people import People

OPEN = ("/health",)
READS = ("GET", "HEAD", "OPTIONS")
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "via")
NO_KEY = "this takes the key of a person: `setpoint people add NAME` makes one"


class Guard:
    """An app that is asked only by those who may.

    Parameters
    ----------
    app : ASGI app
    people : People
    exposed : bool
        Whether it listens where other machines reach it.
    """

    def __init__(self, app: ASGIApp, people: People, *, exposed: bool) -> None:
        self.app, self.people, self.exposed = app, people, exposed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and (refused := await self._refused(scope)) is not None:
            await refused(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["method"] not in READS and from_another_site(headers):
            return JSONResponse({"error": "a page of another site may not ask this"}, 403)
        if scope["path"] in OPEN or (not self.exposed and from_here(headers)):
            return None
        try:
            await run_in_threadpool(known, self.people, key_of(headers))
        except NotAllowed as e:
            return JSONResponse({"error": str(e)}, 401, {"www-authenticate": 'Basic realm="Setpoint", charset="UTF-8"'})
        return None


def from_another_site(headers: Headers) -> bool:
    """Whether a browser says that the page of another site asks; what is no browser says nothing of the kind."""
    fetch = headers.get("sec-fetch-site")
    if fetch is not None:
        return fetch not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def from_here(headers: Headers) -> bool:
    """Whether a request names this machine as itself, and no proxy says that it passed it on."""
    try:
        name = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name) and not any(header in headers for header in FORWARDED)


def key_of(headers: Headers) -> str:
    """Return the key that was sent: as a bearer's, or as the password of a browser that asked for one."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return rest if scheme.lower() == "bearer" else ""
    try:
        return b64decode(rest).decode().partition(":")[2]
    except ValueError:
        return ""


def known(people: People, key: str) -> str:
    """Return whose key this is.

    Raises
    ------
    NotAllowed
        If it is nobody's.
    """
    by = people.who(key) if key else None
    if by is None:
        raise NotAllowed(NO_KEY)
    return by
