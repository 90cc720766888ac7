"""Plant faults into recorded traffic: what is sent and told changes, what is true is kept beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from setpoint.domain.fault import IN_TRAFFIC, Fault
from setpoint.domain.incident import Cause
from setpoint.domain.records import Column
from setpoint.domain.schema import Schema
from setpoint.domain.traffic import Traffic
from setpoint.errors import InvalidInput
from setpoint.faults.attack import attacked
from setpoint.faults.inputs import sent
from setpoint.faults.outcomes import told
from setpoint.faults.scope import Mask, hits
from setpoint.faults.world import DRAWN_FROM, otherwise, redrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Traffic with faults in it.

    `truth` is what each row comes to, whatever the outcome feed tells of it; `hit` says which rows a fault changed,
    both of shape (n,).
    """

    traffic: Traffic
    truth: Column
    hit: Mask


def plant(
    faults: Fault | Sequence[Fault], traffic: Traffic, schema: Schema, *, seed: int, pool: Traffic | None = None
) -> Planted:
    """Plant one fault, or several one after the other, in a copy of recorded traffic.

    Parameters
    ----------
    faults : Fault or sequence of Fault
        Those of answers and of processes leave the traffic as it is: see `spoiled` and `setpoint.faults.process`.
    traffic : Traffic
        Recorded requests in time order; not changed.
    schema : Schema
        What the columns are.
    seed : int
        The same seed plants the same.
    pool : Traffic, optional
        Rows that others may be replaced by under `prior`, `covariate` and `season`; default: those of the traffic.

    Returns
    -------
    Planted

    Raises
    ------
    InvalidInput
        If a fault names a column that there is not, or that cannot have it.
    """
    found = Planted(traffic=traffic, truth=traffic.outcome, hit=np.zeros(len(traffic), bool))
    for place, fault in enumerate([faults] if isinstance(faults, Fault) else faults):
        missing = [name for name in fault.columns if name not in traffic.inputs]
        if missing:
            raise InvalidInput(f"{fault.kind}: there is no feature {missing[0]!r}; there are {', '.join(schema.names)}")
        if fault.kind in IN_TRAFFIC and len(traffic):
            found = _one(fault, found, schema, np.random.default_rng([seed, place]), pool or traffic)
    return found


def _one(fault: Fault, before: Planted, schema: Schema, rng: np.random.Generator, pool: Traffic) -> Planted:
    traffic, truth = before.traffic, before.truth
    hit = hits(fault, traffic, rng)
    if not hit.any():
        return before
    if fault.kind is Cause.ATTACK:
        whole, added = attacked(fault, traffic, hit, rng)
        return Planted(traffic=whole, truth=_spread(truth, added, np.nan), hit=_spread(before.hit, added, True))
    if fault.kind in DRAWN_FROM:
        traffic = redrawn(fault, traffic, hit, pool, rng)
        truth = np.where(hit, traffic.outcome, truth)
    elif fault.kind is Cause.CONCEPT:
        truth = otherwise(fault, traffic, truth, hit, schema)
        traffic = replace(traffic, outcome=np.where(np.isnan(traffic.outcome), np.nan, truth))
    elif fault.kind is Cause.OUTCOMES:
        outcome, known = told(fault, traffic.outcome, traffic.known, hit, schema)
        traffic = replace(traffic, outcome=outcome, known=known)
    else:
        source = traffic.inputs if fault.kind is Cause.SKEW and traffic.source is None else traffic.source
        traffic = replace(traffic, inputs=sent(fault, traffic, hit), source=source)
    return Planted(traffic=traffic, truth=truth, hit=before.hit | hit)


def _spread(column: Column, added: Mask, value: object) -> Column:
    """Return a column with room for rows that came in between."""
    found = np.full(len(added), value, column.dtype)
    found[~added] = column
    return found
