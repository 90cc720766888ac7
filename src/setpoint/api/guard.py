"""Who may ask what of the control port, decided before a request is read.

This machine's own programs may read, and have the loop look, without a key. What comes from elsewhere needs the key of
a person: through an address that other machines reach, under another host name (a page whose name was made to mean this
machine, "DNS rebinding"), or through a proxy. A page of another site may change nothing, whatever it sends along.
"""

from base64 import b64decode
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from setpoint.api.refusing import status_of
from setpoint.api.rules import check_role, needed_for, no_key
from setpoint.domain.grant import HERE, Grant, Role
from setpoint.errors import Forbidden, SetpointError
from setpoint.platforms.loopback import is_loopback
from setpoint.store.people import People

READS = ("GET", "HEAD", "OPTIONS")
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "via")
ASKS = {"www-authenticate": 'Basic realm="Setpoint", charset="UTF-8"'}


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
        if scope["type"] == "http":
            try:
                grant = await run_in_threadpool(self._let_in, scope)
            except SetpointError as e:
                asks = ASKS if status_of(e) == 401 else None
                await JSONResponse({"error": str(e)}, status_of(e), asks)(scope, receive, send)
                return
            scope.setdefault("state", {})["grant"] = grant
        await self.app(scope, receive, send)

    def _let_in(self, scope: Scope) -> Grant:
        """Return who asks, if they may ask for that route."""
        headers = Headers(scope=scope)
        if scope["method"] not in READS and from_another_site(headers):
            raise Forbidden("a page of another site may not ask this")
        needed = needed_for(scope["method"], scope["path"])
        if needed is None:
            return HERE
        key, here = key_of(headers), not self.exposed and from_here(headers)
        grant = HERE if here and not key else known(self.people, key, needed)
        if grant.name:
            check_role(grant, needed, scope["path"][:200])
        return grant


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


def known(people: People, key: str, needed: Role) -> Grant:
    """Return whose key this is, and what it allows.

    Raises
    ------
    NotAllowed
        If it is nobody's.
    """
    grant = people.who(key) if key else None
    if grant is None:
        raise no_key(needed)
    return grant
