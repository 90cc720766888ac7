"""Run the loop over a stretch of traffic, look by look, and go on from there as often as one likes."""

import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from setpoint.domain.fault import Fault
from setpoint.domain.fleet import Deployment
from setpoint.domain.live import Live
from setpoint.domain.records import Column, moment
from setpoint.domain.traffic import Traffic
from setpoint.loop.clock import VirtualClock
from setpoint.loop.drill.log import FaultyLog
from setpoint.loop.replay.answering import answer, record
from setpoint.loop.verbs.operator import Operator

Window = tuple[datetime, Column]  # when a look is taken, and the places of the rows that came before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where a deployment stands between two looks: what is recorded (pickled), what is known, what is served."""

    recorded: bytes
    deployment: Deployment
    live: Live

    def log(self, faults: tuple[Fault, ...], callers: dict[str, str], seed: int) -> FaultyLog:
        """Return a log with what is recorded, that goes on under faults."""
        found: FaultyLog = pickle.loads(self.recorded)  # written by this process, see `stand`
        found.under(faults, callers, seed)
        return found


def stand(log: FaultyLog, deployment: Deployment, live: Live) -> Stand:
    """Return where a deployment stands; what is done with its log from now on changes nothing of it."""
    return Stand(recorded=pickle.dumps(log, protocol=5), deployment=deployment, live=live)


def ride(
    operator: Operator,
    clock: VirtualClock,
    log: FaultyLog,
    model: str,
    traffic: Traffic,
    windows: Iterable[Window],
    look: Callable[[datetime], None] | None = None,
) -> list[Deployment]:
    """Answer each window as it is served then, record it, and let the loop (or `look`) look at its end.

    Returns
    -------
    list of Deployment
        How the deployment stood after each look.
    """
    schema, found = operator.schema(model), list[Deployment]()
    for until, rows in windows:
        said = answer(operator, model, traffic, rows)
        record(operator, log, model, schema, traffic, rows, said, np.ones(len(rows), bool))
        clock.time = until
        if look is None:
            operator.tick(until)
        else:
            look(until)
        found.append(operator.ports.state.load(model))
    return found


def windows_at(traffic: Traffic, looks: Iterable[np.datetime64]) -> list[Window]:
    """Return the windows that end at the given times; the first has all rows before it, those after the last none."""
    found, last = [], 0
    for at in looks:
        end = int(np.searchsorted(traffic.time, at))
        if end > last:
            found.append((moment(at), np.arange(last, end)))
        last = max(end, last)
    return found
