"""Which version answers a request: by a key, so that the same caller always meets the same one."""

from collections.abc import Mapping
from hashlib import blake2b
from math import log, log1p


def chosen(model: str, shares: Mapping[str, float], key: str) -> str | None:
    """Return the challenger that answers the requests of a key, or None: the champion does.

    Weighted rendezvous hashing: each challenger draws a number from the key and its own name, and the highest score,
    `-share / ln(draw)`, answers if it is above a bar. The bar is where the champion gets exactly the rest; it stands
    in for the champion's own draw, which all candidates would have in common: their groups would overlap.

    Whoever has the same shares chooses alike. A challenger keeps its keys while its share alone grows. What one
    challenger draws tells nothing of what another one draws, nor of another model.

    Parameters
    ----------
    model : str
    shares : mapping of str to float
        Fractions of requests by version: at least one, each above 0, less than 1 together.
    key : str
        1 to 128 printable ASCII characters.

    References
    ----------
    D. G. Thaler, C. V. Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM Transactions on
    Networking 6(1), 1998. C. Schindelhauer, G. Schomaker, "Weighted distributed hash tables", SPAA 2005.
    """
    total = sum(shares.values())
    highest, winner = -total / log1p(-total), None
    for version, share in shares.items():
        score = -share / log(_draw(model, version, key))
        if score > highest:
            highest, winner = score, version
    return winner


def _draw(model: str, version: str, key: str) -> float:
    """Return a number between 0 and 1, neither of them: half a step above one of 2^52."""
    digest = blake2b(f"{model}\0{version}\0{key}".encode(), digest_size=8).digest()
    return ((int.from_bytes(digest) >> 12) + 0.5) / 2**52
