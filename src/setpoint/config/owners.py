"""The `owners:` and `runbooks:` sections of setpoint.yaml."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from setpoint.config.units import Part

LONGEST_URL = 200  # characters: it stands in one line of a message
UNSAFE = frozenset(" <>\"'`\\")


def link(text: Any) -> str:
    """Return the address of a page.

    Raises
    ------
    ValueError
        If it is no address that begins with https:// or http://, or holds a password.
    """
    said = f"{str(text)[:200]!r} is no link; write an address like https://wiki.example.com/page"
    if not isinstance(text, str) or len(text) > LONGEST_URL or not text.isprintable() or set(text) & UNSAFE:
        raise ValueError(said)
    try:
        parts = urlsplit(text)
        host, secret = parts.hostname, parts.password
    except ValueError as e:
        raise ValueError(said) from e
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError(said)
    if secret is not None:
        raise ValueError("a link is shown to everybody: leave the password out of it")
    return text


Link = Annotated[str, BeforeValidator(link)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


class OwnerPart(Part):
    """One owner of `owners:`; without features they own all that nobody else does."""

    features: list[str] | None = Field(default=None, min_length=1)
    source: Name | None = None
    runbook: Link | None = None
