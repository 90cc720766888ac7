"""One trial: a fault planted into a few weeks of traffic of one data set, and the real loop run over it."""

import pickle
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from attainable import attainable
from draws import drawn
from lab import Lab
from plan import BEFORE, BEGINS, UNDER, Asked, looks
from sets import START, DataSet
from threadpoolctl import threadpool_limits

from setpoint.domain.fault import OF_A_VERSION, Fault
from setpoint.domain.incident import Cause
from setpoint.domain.records import moment
from setpoint.faults import plant
from setpoint.loop.acts import incidents as acting
from setpoint.loop.drill.log import FaultyLog
from setpoint.maintain.investigate import UNWEIGHED
from setpoint.stats.losses import losses


@dataclass
class Told:
    """What came of a trial; losses are means of the rows under the fault, in the unit of the target."""

    asked: Asked
    faults: tuple[Fault, ...]
    strength: str
    gradual: bool
    delay_days: float
    clean: float  # loss without the fault
    harmed: float  # with it, and nobody acting
    realised: float  # with it, and the policy acting
    attainable: float | None  # with it, and an oracle acting that knows it; None: there is no remedy
    after_harmed: float  # after it, and nobody acting
    after_realised: float
    detected_rows: int | None  # rows under the fault until an incident opened
    opened: int  # incidents opened under the fault
    before: int  # and before it: false
    causes: list  # of the look that decided: [(cause, subject, weight)]
    looks: list  # all that were thought: [(rows since the fault, [(cause, subject, weight)])]
    acts: list  # (rows since the fault, action, cause, subject, why)
    acted: tuple | None = None  # clean, harmed, realised of the rows under the fault since it was first acted
    refused: float = 0.0  # share of rows under the fault that got no answer
    seconds: float = 0.0
    extra: dict = field(default_factory=dict)

    @property
    def damage(self) -> float:
        return (self.harmed - self.clean) / self.clean

    def row(self) -> dict:
        return {**asdict(self), "asked": asdict(self.asked), "faults": [f.words for f in self.faults]}


def run(asked: Asked, lab: Lab, cases: Path | None = None, tuned: bool = False) -> Told:
    """Run one trial."""
    began = time.perf_counter()
    with threadpool_limits(1):
        faults, strength, gradual = drawn(asked, lab.traffic, lab.schema, lab.columns, tuned)
        faulty = plant(faults, lab.traffic, lab.schema, seed=asked.seed, pool=lab.pool)
        t = faulty.traffic
        who = {} if t.caller is None else dict(zip(t.id, t.caller, strict=True))
        from_start = any(f.kind is Cause.SEASON for f in faults)
        before, *kept = (None,) if from_start else lab.stand(asked.policy)
        new = FaultyLog(score=lab.schema.score, faults=faults, callers=who, seed=asked.seed)
        log = new if before is None else before.log(faults, who, asked.seed)
        parts = lab.parts(faults, log, asked.policy, t, *kept)
        seen = _Watched(asked, faults, cases, lab.data)
        with seen:
            if before is None:
                parts.begin()
                parts.go(t, looks()[0])
            else:
                parts.go_on(before)
            begin = int(np.searchsorted(t.time, np.datetime64(BEGINS.replace(tzinfo=None), "us")))
            if any(f.kind in OF_A_VERSION for f in faults):
                faults = seen.faults = parts.release(faults)
            parts.go(t, [*looks()[0], *looks()[1]], begin)
        deployment = parts.ports.state.load(parts.file.model)
        parts.clock.time = BEGINS
        told = _told(asked, faults, faulty, lab, parts.scorer, log, deployment, parts.file.model)
        parts.close()
        return replace(
            told,
            strength=strength,
            gradual=gradual,
            delay_days=lab.delay_days,
            looks=seen.looks(faulty),
            seconds=time.perf_counter() - began,
        )


@dataclass
class _Watched:
    """Keeps what each investigation saw and thought."""

    asked: Asked
    faults: tuple
    cases: Path | None
    data: DataSet
    seen: list = field(default_factory=list)

    def __enter__(self):
        self.real = acting.investigate

        def investigate(incident, case, score, *rest, **more):
            found = self.real(incident, case, score, *rest, **more)
            if lost := [e for h in found[0] for e in h.evidence if UNWEIGHED in e]:
                raise RuntimeError("; ".join(lost))
            self.seen.append((incident, found, len(case.suspect)))
            if self.cases is not None and len(self.seen) <= 8:
                self._keep(incident, case, found)
            return found

        acting.investigate = investigate
        return self

    def __exit__(self, *_):
        acting.investigate = self.real

    def _keep(self, incident, case, found):
        self.cases.mkdir(parents=True, exist_ok=True)
        small = replace(case, healthy=_last(case.healthy), suspect=_last(case.suspect))
        what = {"asked": self.asked, "faults": self.faults, "incident": incident, "case": small, "found": found}
        path = self.cases / f"{self.asked.name}.{len(self.seen)}.pickle"
        path.write_bytes(pickle.dumps(what, protocol=5))

    def looks(self, faulty):
        return [
            (str(i.opened), i.id, i.subject, [(str(h.cause), h.subject, round(h.weight, 3)) for h in f[0][:5]],
             None if f[1] is None else str(f[1].remedy), n)
            for i, f, n in self.seen
        ]  # fmt: skip


def _last(records, rows=4_000):
    return records.take(np.arange(max(0, len(records) - rows), len(records)))


def _told(asked, faults, faulty, lab, scorer, log, deployment, model) -> Told:
    """Compare what was answered with what the first version would have answered, with and without the fault."""
    t, clean, schema = faulty.traffic, lab.traffic, lab.schema
    start = np.datetime64((moment(START) + timedelta(days=BEFORE)).replace(tzinfo=None), "us")
    end = start + np.timedelta64(UNDER * 86_400, "s")
    real = np.isfinite(faulty.truth)
    within, after = real & (t.time >= start) & (t.time < end), real & (t.time >= end)
    said = np.array([_number(log.answers.get(i)) for i in t.id.tolist()])
    released = [f.version for f in faults if f.kind in OF_A_VERSION]
    left = np.asarray(scorer.score(model, released[0] if released else "v1", t.inputs)[schema.score], float)
    # without the fault: the same rows as they were before it, of a changed world as it is
    untouched = {} if any(f.kind in CHANGED for f in faults) else dict(zip(clean.id, range(len(clean)), strict=True))

    def first(columns):
        if columns is clean.inputs:
            return lab.usual.copy()
        return np.asarray(scorer.scorer.score(model, "v1", columns)[schema.score], float)

    if untouched:
        best = first(clean.inputs)[np.array([max(untouched.get(i, -1), 0) for i in t.id.tolist()])]
    else:
        best = first(t.inputs)

    truth = clean.outcome if any(f.kind is Cause.CONCEPT for f in faults) else faulty.truth

    def loss(p, rows, truth=faulty.truth):
        found = losses(schema.task, p, np.where(np.isfinite(truth), truth, 0.0))
        lost = np.nanmax(found[real]) if np.isnan(found[rows]).any() else 0.0
        return float(np.nan_to_num(found[rows], nan=lost).mean()) if rows.any() else float("nan")

    acted = min((d.at for d in deployment.decisions if d.action in EFFECTIVE and d.at > BEGINS), default=None)
    since = (
        within & (t.time >= np.datetime64(acted.replace(tzinfo=None), "us")) if acted is not None else within & False
    )
    opened = [i for i in deployment.incidents if np.datetime64(i.opened.replace(tzinfo=None)) > start]
    soonest = min((np.datetime64(i.opened.replace(tzinfo=None), "us") for i in opened), default=None)
    return Told(
        asked=asked, faults=faults, strength="", gradual=False, delay_days=0.0, clean=loss(best, within, truth),
        harmed=loss(left, within), realised=loss(said, within),
        attainable=attainable(lab, faults, faulty, first, within) if asked.policy == "setpoint" else None,
        after_harmed=loss(left, after),
        after_realised=loss(said, after),
        detected_rows=None if soonest is None else int(((t.time >= start) & (t.time < soonest)).sum()),
        opened=len(opened), before=len(deployment.incidents) - len(opened),
        causes=[
            (i.id, i.subject, str(i.status), [(str(h.cause), h.subject, round(h.weight, 3)) for h in i.causes],
             None if i.repair is None else str(i.repair.remedy),
             None if i.repair is None or i.repair.applied is None else str(i.repair.applied),
             None if i.repair is None else i.repair.subject)
            for i in deployment.incidents
        ],
        looks=[],
        acts=[
            (_rows_since(t, start, d.at), d.action, str(d.cause), d.subject, d.why[:200])
            for d in deployment.decisions
        ],
        acted=(loss(best, since, truth), loss(left, since), loss(said, since)) if since.any() else None,
        refused=float(np.isnan(said[within]).mean()),
    )  # fmt: skip


EFFECTIVE = ("mend", "promote", "restore")
CHANGED = (Cause.PRIOR, Cause.COVARIATE, Cause.SEASON, Cause.CONCEPT)


def _rows_since(t, start, at):
    when = np.datetime64(at.replace(tzinfo=None), "us")
    return (
        int(((t.time >= start) & (t.time < when)).sum())
        if when >= start
        else -int(((t.time < start) & (t.time >= when)).sum())
    )


def _number(x):
    return np.nan if x is None else float(x)
