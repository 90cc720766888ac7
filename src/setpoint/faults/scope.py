"""Which rows a fault hits."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.fault import Fault
from setpoint.domain.records import Column, Columns, stamp
from setpoint.domain.slice import Only
from setpoint.domain.traffic import Traffic

CALLER = "replay"  # of traffic that does not say who asked
Mask = NDArray[np.bool_]


def hits(fault: Fault, traffic: Traffic, rng: np.random.Generator) -> Mask:
    """Return which rows a fault hits, shape (n,): each one in scope with the probability that its strength is then."""
    return np.asarray(
        in_scope(fault, traffic) & (rng.uniform(size=len(traffic)) < strength_at(fault, traffic.time)), bool
    )


def in_scope(fault: Fault, traffic: Traffic) -> Mask:
    """Return which rows lie in the time, the segment and the callers of a fault, shape (n,)."""
    found = in_time(fault, traffic.time)
    if fault.only is not None:
        found = found & meant(fault.only, traffic.inputs)
        found &= np.array([fault.only.asks(caller) for caller in callers(traffic)], bool)
    return found


def in_time(fault: Fault, time: Column) -> Mask:
    """Return which times lie in the stretch of a fault, shape (n,)."""
    ended = time >= stamp(fault.until) if fault.until is not None else np.zeros(len(time), bool)
    return np.asarray((time >= stamp(fault.since)) & ~ended, bool)


def strength_at(fault: Fault, time: Column) -> NDArray[np.float64]:
    """Return the strength of a fault at each time, shape (n,): it may grow from 0."""
    if not fault.ramp_s:
        return np.full(len(time), fault.strength)
    since = (time - stamp(fault.since)) / np.timedelta64(1, "s")
    return np.asarray(fault.strength * np.clip(since / fault.ramp_s, 0.0, 1.0), np.float64)


def meant(only: Only, inputs: Columns) -> Mask:
    """Return which rows are of a segment, shape (n,); no levels named mean every row."""
    found = np.ones(len(next(iter(inputs.values()))), bool)
    for name, levels in only.segment.items():
        found &= np.isin(inputs[name], np.array(levels, inputs[name].dtype))
    return found


def callers(traffic: Traffic) -> list[str]:
    """Return who asked, row by row."""
    return [CALLER] * len(traffic) if traffic.caller is None else traffic.caller.tolist()
