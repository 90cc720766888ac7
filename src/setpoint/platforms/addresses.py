"""Addresses of alerts: the channels behind what setpoint.yaml says, and what may be shown of them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

HOME = "${SETPOINT_ALERTS}"  # whom the home tells
REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
BETWEEN = re.compile(r"[\s,]+(?=[a-zA-Z][a-zA-Z0-9+.-]*://)")
SHORTEST_SECRET = 4  # characters; a shorter part of an address hides nothing


def channels_of(to: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the address behind each channel, by a name that holds no secret.

    Several addresses behind one name, as a variable may hold, are told apart by a number: `${NAME} #2`. A variable that
    is not set makes a channel with an empty address.
    """
    found = [(shown(written), address) for written in to for address in addresses_of(written, environment)]
    seen: Counter[str] = Counter()
    channels = {}
    for name, address in found:
        seen[name] += 1
        channels[name if seen[name] == 1 else f"{name} #{seen[name]}"] = address
    return channels


def addresses_of(written: str, environment: Mapping[str, str]) -> list[str]:
    """Return the addresses that a text stands for: one empty one if a variable is not set."""
    if unset(written, environment):
        return [""]
    text = REFERENCE.sub(lambda found: environment[found[1]], written)
    return BETWEEN.split(text.strip(" \t\r\n,"))


def unset(written: str, environment: Mapping[str, str]) -> list[str]:
    """Return the variables of an address that are not set."""
    return [name for name in REFERENCE.findall(written) if not environment.get(name, "").strip()]


def shown(written: str) -> str:
    """Return what may be shown of an address: the variables it names, or else its scheme and its host."""
    names = REFERENCE.findall(written)
    if names:
        return " ".join(f"${{{name}}}" for name in names)
    scheme, _, rest = written.strip().partition("://")
    return f"{scheme}://{re.split('[/?]', rest)[0].rpartition('@')[2]}"


def written_out(address: str) -> bool:
    """Whether a password, or a query that may hold one, stands in setpoint.yaml itself."""
    rest = address.partition("://")[2]
    password = re.split(r"[/?]", rest)[0].rpartition("@")[0].partition(":")[2]
    query = rest.partition("?")[2]
    return any(part and not REFERENCE.search(part) for part in (password, query))


def scrubbed(text: str, address: str) -> str:
    """Return a text without any part of an address, which could be secret."""
    parts = re.split(r"[/?&=@:,\s]+", address.partition("://")[2])
    for part in sorted({address, *parts} - {""}, key=len, reverse=True):
        if len(part) >= SHORTEST_SECRET:
            text = text.replace(part, "***")
    return text
