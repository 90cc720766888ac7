"""A caller that sends many requests that are nearly the same."""

from dataclasses import replace

import numpy as np

from setpoint.domain.fault import Fault
from setpoint.domain.records import Column
from setpoint.domain.traffic import Traffic
from setpoint.faults.scope import CALLER, Mask, callers, in_scope
from setpoint.faults.world import columns_of

ATTACKER = "attacker"
CLOSE = 0.02  # standard deviations between two probes


def attacked(fault: Fault, traffic: Traffic, hit: Mask, rng: np.random.Generator) -> tuple[Traffic, Column]:
    """Return the traffic with one more request beside each that is hit, and for each row whether it is one of those.

    All of them are one request again and again; of `probing`, with every number moved a little. They have no outcome.
    """
    beside = np.flatnonzero(hit)
    if not len(beside):
        return traffic, np.zeros(len(traffic), bool)
    victim = int(rng.choice(np.flatnonzero(in_scope(fault, traffic))))
    inputs = columns_of(traffic.inputs, np.full(len(beside), victim))
    if fault.way == "probing":
        inputs = {n: _near(c, traffic.inputs[n], rng) for n, c in inputs.items()}
    ids = np.array([f"{ATTACKER}-{i}" for i in range(len(beside))], object)
    order = np.argsort(np.concatenate([traffic.time, traffic.time[beside]]), kind="stable")
    known, who = np.array(callers(traffic), object), _whom(fault)
    whole = replace(
        traffic,
        time=np.concatenate([traffic.time, traffic.time[beside]])[order],
        id=np.concatenate([traffic.id, ids])[order],
        inputs={n: np.concatenate([c, inputs[n]])[order] for n, c in traffic.inputs.items()},
        outcome=np.concatenate([traffic.outcome, np.full(len(beside), np.nan)])[order],
        known=np.concatenate([traffic.known, traffic.known[beside]])[order],
        propensity=None if traffic.propensity is None else _with(traffic.propensity, 1.0, len(beside))[order],
        caller=np.concatenate([known, np.full(len(beside), who, object)])[order],
        source=None if traffic.source is None else {
            n: np.concatenate([c, inputs[n]])[order] for n, c in traffic.source.items()
        },
    )  # fmt: skip
    return whole, order >= len(traffic)


def _whom(fault: Fault) -> str:
    named = fault.only.callers if fault.only is not None else ()
    return named[0] if named and named[0] != CALLER else ATTACKER


def _near(column: Column, of: Column, rng: np.random.Generator) -> Column:
    if column.dtype == object:
        return column
    return np.asarray(column + CLOSE * (np.nanstd(of) or 0.0) * rng.normal(size=len(column)))


def _with(column: Column, last: float, times: int) -> Column:
    return np.concatenate([column, np.full(times, last)])
