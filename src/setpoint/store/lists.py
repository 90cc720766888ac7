"""The lists of a deployment that grow with its age, entry by entry: what of them is new, and how they are read."""

from collections.abc import Mapping, Sequence
from typing import Any

from setpoint.domain.audited import Audited
from setpoint.domain.envelope import Ruled
from setpoint.domain.fleet import Day, Decided, Deployment, Release
from setpoint.domain.incident import Incident
from setpoint.domain.rollout import Rollout
from setpoint.domain.value import from_json, replace, to_json
from setpoint.errors import InvalidInput

LISTS: Mapping[str, type[Any]] = {
    "decisions": Decided,
    "rollouts": Rollout,
    "incidents": Incident,
    "releases": Release,
    "envelopes": Ruled,
    "days": Day,
    "audits": Audited,
}
Lists = Mapping[str, tuple[Any, ...]]
NOTHING: Lists = dict.fromkeys(LISTS, ())


def lists_of(deployment: Deployment) -> Lists:
    """Return the lists by their names."""
    return {name: getattr(deployment, name) for name in LISTS}


def split(deployment: Deployment, stored: Lists) -> tuple[str, dict[str, dict[int, str]]]:
    """Return a deployment as JSON without its lists, and by list and place the entries that are not stored so.

    Raises
    ------
    InvalidInput
        If a part of it could not be read back, as one with a NaN where a number must be: JSON has none.
    """
    without: dict[str, Any] = dict.fromkeys(LISTS, ())
    try:
        row = _written(replace(deployment, **without), Deployment)
        lists = lists_of(deployment)
        return row, {name: _new(lists[name], stored[name], kind) for name, kind in LISTS.items()}
    except ValueError as e:
        raise InvalidInput(f"the state of {deployment.model} could not be read back, and stays as it was: {e}") from e


def joined(row: str, entries: Mapping[str, Mapping[int, str]]) -> tuple[Deployment, Lists]:
    """Return a deployment from its row and its entries, and the lists that are stored entry by entry.

    A row of before the lists were split off holds them itself, until it is written again.
    """
    deployment = from_json(row, Deployment)
    stored = {name: _read(entries.get(name, {}), kind) for name, kind in LISTS.items()}
    split_off: dict[str, Any] = {name: items for name, items in stored.items() if items}
    return replace(deployment, **split_off), stored


def _read(found: Mapping[int, str], kind: type[Any]) -> tuple[Any, ...]:
    return tuple(from_json(found[place], kind) for place in sorted(found))


def _new(items: Sequence[Any], stored: Sequence[Any], kind: type[Any]) -> dict[int, str]:
    return {
        at: _written(item, kind)
        for at, item in enumerate(items)
        if at >= len(stored) or (item is not stored[at] and item != stored[at])
    }


def _written(part: object, kind: type[Any]) -> str:
    document = to_json(part).decode()
    from_json(document, kind)
    return document
