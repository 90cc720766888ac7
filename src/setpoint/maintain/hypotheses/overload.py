"""Answers come late, or not at all: more is asked than workers can answer, or the model has become slower."""

from collections.abc import Sequence
from datetime import timedelta
from math import ceil

import numpy as np

from setpoint.domain.incident import Cause, Incident, Remedy, Repair
from setpoint.domain.value import value
from setpoint.domain.workload import Load, load_of
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import Explanation

NOW, BEFORE = timedelta(minutes=10), timedelta(minutes=50)
FEWEST = 20  # runs, now and before
SLOWER = 2.0  # times as long a row
REFUSED = 0.01  # share of the requests that may be turned away
BUSY = 0.5  # of the workers' time, from which on a queue is for want of workers
ENOUGH = 0.7  # of it that as many workers as are needed would be busy
SURE = 20.0


@value
class Strain:
    """What the workers had to do in the last minutes, and in the hour before."""

    workers: int
    cores: int
    now: Load
    before: Load
    usual_ms: float  # what a healthy request takes, all in all; 0: not known

    @property
    def slower(self) -> bool:
        """Whether a row takes much longer: when more is asked, larger runs take less time a row."""
        if self.now.runs < FEWEST:
            return False
        than_before = self.before.runs >= FEWEST and self.now.row_ms >= SLOWER * self.before.row_ms
        return than_before or bool(self.usual_ms and self.now.row_ms >= SLOWER * self.usual_ms)

    @property
    def crowded(self) -> bool:
        """Whether requests wait for a worker longer than their runs take, or are turned away."""
        waits = self.now.queue_ms > self.now.run_ms and self.now.busy(self.workers) >= BUSY
        return self.now.runs >= FEWEST and (self.now.refused > REFUSED or waits)

    @property
    def needed(self) -> int:
        """How many workers would be busy for no more than seven tenths of their time."""
        asked = self.now.busy(1) / (1 - min(self.now.refused, 0.9))
        return max(self.workers + 1, ceil(asked / ENOUGH - 1e-9))

    @property
    def words(self) -> list[str]:
        """Say what was asked, how long it waited, how long it took."""
        now, before = self.now, self.before
        usual = [f"healthy requests took {self.usual_ms:.3g} ms in all (median)"] if self.usual_ms else []
        return [
            f"in the last {now.minutes} min {now.asked_per_s:.3g} requests came a second ({before.asked_per_s:.3g} in "
            f"the {before.minutes} min before); {now.refused:.1%} of them were turned away (429)",
            f"a request waited {now.queue_ms:.3g} ms and a run took {now.run_ms:.3g} ms ({before.queue_ms:.3g} and "
            f"{before.run_ms:.3g} ms before); a row {now.row_ms:.3g} ms ({before.row_ms:.3g} ms before)",
            f"{self.workers} workers ran the model for {now.busy(self.workers):.0%} of the time",
            *usual,
        ]


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain alarms about latency or requests turned away by the time spent in the queue and in runs."""
    seen = [f for f in incident.findings if f.alarm and f.metric.startswith(("latency", "turned_away"))]
    if not seen or not case.reports:
        return ()
    strain = strain_of(incident.model, case)
    if strain.slower:
        return (_slower(incident, case, strain),)
    return (_crowded(incident, strain),) if strain.crowded else ()


def strain_of(model: str, case: Case) -> Strain:
    """Return what the workers tell of a model."""
    minutes = [m for report in case.reports.values() for m in report.load]
    return Strain(
        workers=len(case.reports),
        cores=max((report.cores for report in case.reports.values()), default=0),
        now=load_of(minutes, model, case.now - NOW, case.now),
        before=load_of(minutes, model, case.now - NOW - BEFORE, case.now - NOW),
        usual_ms=float(np.median(case.healthy.latency_us)) / 1e3 if len(case.healthy) else 0.0,
    )


def _slower(incident: Incident, case: Case, strain: Strain) -> Explanation:
    """Explain a model that takes longer; where a release brought it, by the release."""
    champion, previous = case.champion, case.previous
    words = [*strain.words, "the model has become slower: more requests alone would make a row cheaper"]
    found = Explanation(
        cause=Cause.OVERLOAD, subject=champion.version, support=SURE, evidence=tuple(words), repair=None
    )
    minutes = [m for report in case.reports.values() for m in report.load]
    if previous is None or champion.at < case.now - NOW - BEFORE:
        return found
    ours, theirs = (
        load_of(minutes, incident.model, case.now - NOW - BEFORE, case.now, v)
        for v in (champion.version, previous.version)
    )
    if theirs.runs < FEWEST or ours.row_ms < SLOWER * theirs.row_ms:
        return found
    words.append(f"a row took {theirs.row_ms:.3g} ms with {previous.version}, {ours.row_ms:.3g} ms with its successor")
    repair = Repair(
        id=incident.named("-rollback"),
        remedy=Remedy.ROLLBACK,
        subject=champion.version,
        to_version=previous.version,
        proof=words[-1],
    )
    return Explanation(
        cause=Cause.RELEASE, subject=champion.version, support=SURE, evidence=tuple(words), repair=repair
    )


def _crowded(incident: Incident, strain: Strain) -> Explanation:
    words = [*strain.words, "more is asked than the workers can answer: the model is as fast as before"]
    room = not strain.cores or strain.workers < strain.cores
    wanted = min(strain.needed, strain.cores or strain.needed)
    if not room:
        words.append(f"{strain.workers} workers have the {strain.cores} cores: more of them would not answer more here")
    repair = Repair(
        id=incident.named("-workers"),
        remedy=Remedy.WORKERS,
        subject="requests",
        workers=wanted,
        workers_before=strain.workers,
        proof=f"{words[0]}; {strain.needed} workers would be busy for {ENOUGH:.0%} of the time: {wanted} instead of "
        f"{strain.workers}",
    )
    return Explanation(
        cause=Cause.OVERLOAD,
        subject="requests",
        support=SURE,
        evidence=tuple(words),
        repair=repair if room else None,
    )
