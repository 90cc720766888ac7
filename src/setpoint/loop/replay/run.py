"""The same plan and the same effects, on recorded time."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np

from setpoint.config import SetpointFile
from setpoint.errors import InvalidInput
from setpoint.loop.clock import VirtualClock
from setpoint.loop.operator import Operator
from setpoint.loop.replay.answering import answer
from setpoint.loop.replay.traffic import Traffic, inputs_of, windows_of
from setpoint.loop.replay.values import Replayed, Window, results_of
from setpoint.ports import Recorder
from setpoint.stats.losses import answer_losses

POLICIES = ("setpoint", "never")


def replay(
    operator: Operator,
    clock: VirtualClock,
    recorder: Recorder,
    file: SetpointFile,
    traffic: Traffic,
    *,
    every: timedelta,
    policies: Sequence[str] = POLICIES,
    releases: Sequence[tuple[datetime, SetpointFile]] = (),
    progress: Callable[[int], None] = lambda rows: None,
) -> Replayed:
    """Run the loop over recorded traffic.

    Parameters
    ----------
    operator, clock, recorder
        Wired to stores of their own, a `RecordedPlatform`, and a trainer that waits.
    every : timedelta
        Time between two looks; looks stand at whole multiples of it.
    policies : sequence of str
        Which of `POLICIES` to report.
    releases : sequence of (time, setpoint file)
        What people deployed by hand on the way.
    progress : callable
        Told the number of requests replayed so far, after each window.
    """
    if unknown := [p for p in policies if p not in POLICIES]:
        raise InvalidInput(f"unknown policy {unknown[0]!r}; known: {', '.join(POLICIES)}")
    model, first = file.model, operator.deployments(file.model)[0].served.champion
    schema = operator.ports.bundles.get(model, first).schema
    pending, windows = list(releases), []
    sums = dict.fromkeys(POLICIES, 0.0)
    for until, rows in windows_of(traffic, every):
        while pending and pending[0][0] < until:
            clock.time, released = pending.pop(0)
            operator.deploy(released, by="replay")
        answers = answer(operator, recorder, model, schema, traffic, rows)
        unmoved = operator.ports.scorer.score(model, first, inputs_of(traffic, rows))
        clock.time = until
        operator.tick(until)
        scored = {"setpoint": answers, "never": unmoved}
        total = {
            n: float(np.nansum(answer_losses(s, traffic.outcome[rows], schema))) for n, s in scored.items() if n in sums
        }
        sums = {name: sums[name] + total[name] for name in sums}
        windows.append(Window(until=until, rows=len(rows), loss={n: t / len(rows) for n, t in total.items()}))
        progress(int(rows[-1]) + 1)
    deployment = operator.deployments(model)[0]
    return Replayed(
        policies=results_of(deployment, operator.ports.trainer, {n: s / len(traffic) for n, s in sums.items()}),
        windows=tuple(windows),
        decisions=deployment.decisions,
        deployment=deployment,
    )
