"""Whether a version in the shadow still answers."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from setpoint.domain.records import Column, moment
from setpoint.domain.requested import Requested


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """How many of the last requests a shadow has not answered, when the first of them came, and if it did others."""

    requests: int = 0
    since: datetime | None = None
    heard: bool = False


def silence_of(asked: Requested, answered: Column) -> Silence:
    """Return how a shadow has answered requests, one row each, by the ids of those that it did answer."""
    order = np.argsort(asked.arrived, kind="stable")
    known = np.isin(asked.id[order].astype(str), answered.astype(str))
    last = int(np.flatnonzero(known)[-1]) + 1 if known.any() else 0
    since = moment(asked.arrived[order[last]].view("datetime64[us]")) if last < len(known) else None
    return Silence(requests=len(known) - last, since=since, heard=bool(known.any()))
