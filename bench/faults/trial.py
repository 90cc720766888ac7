"""One trial: a fault planted into a few weeks of traffic of one data set, and the real loop run over it."""

import pickle
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
from sets import PER_DAY, START, STEP, DataSet
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from setpoint.deploy.reference import features_of, target_of
from setpoint.domain.calibration import Calibration, apply
from setpoint.domain.fault import Fault
from setpoint.domain.incident import Cause
from setpoint.domain.records import moment
from setpoint.domain.traffic import Traffic
from setpoint.domain.update import DERIVED
from setpoint.domain.value import replace as other
from setpoint.faults import draw, plant, possible
from setpoint.loop.acts import incidents as acting
from setpoint.loop.changes import settle
from setpoint.loop.clock import VirtualClock
from setpoint.loop.drill.answering import FaultyScorer, release
from setpoint.loop.drill.log import FaultyLog
from setpoint.loop.drill.platform import FaultyPlatform, events_of
from setpoint.loop.drill.ride import Stand, ride, stand, windows_at
from setpoint.loop.operator import Operator
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning
from setpoint.loop.releasing import rolled_back
from setpoint.loop.replay.policies import Refit, policy_of, under
from setpoint.loop.replay.refits import refit_if_due
from setpoint.loop.scoring import BundleScorer
from setpoint.loop.stated import first
from setpoint.loop.stated import under as stated_by
from setpoint.ports import FitResult
from setpoint.stats.losses import losses
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.keys import HomeKeys
from setpoint.store.messages import MemoryNotifier
from setpoint.store.state import SqlStateStore

DATA = Path(__file__).parents[3] / "shared" / "datasets"
CACHE = Path(tempfile.gettempdir()) / "setpoint-faults"
BEFORE, UNDER, AFTER = 10, 7, 3  # days without, with, and after the fault
EVERY = timedelta(hours=6)
NONE = "none"
MATTER = 3  # of the columns that can have a fault, those that the model needs most
STRENGTHS = {"weak": 0.3, "medium": 0.6, "strong": 1.0}
WHOLE = (Cause.UNIT, Cause.SWAPPED, Cause.FROZEN, Cause.RENAMED, Cause.SKEW)  # half of the rows at least


@dataclass(frozen=True)
class Asked:
    """What a trial is, as it is named: everything else is drawn from its seed."""

    data: str
    kind: str  # a cause, or "none"; two at once: "unit+null"
    seed: int
    policy: str = "setpoint"

    @property
    def name(self) -> str:
        return f"{self.data}.{self.kind}.{self.seed}.{self.policy}"


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
    after_harmed: float  # after it, and nobody acting
    after_realised: float
    detected_rows: int | None  # rows under the fault until an incident opened
    opened: int  # incidents opened under the fault
    before: int  # and before it: false
    causes: list  # of the look that decided: [(cause, subject, weight)]
    looks: list  # all that were thought: [(rows since the fault, [(cause, subject, weight)])]
    acts: list  # (rows since the fault, action, cause, subject, why)
    refused: float = 0.0  # share of rows under the fault that got no answer
    seconds: float = 0.0
    extra: dict = field(default_factory=dict)

    @property
    def damage(self) -> float:
        return (self.harmed - self.clean) / self.clean

    def row(self) -> dict:
        return {**asdict(self), "asked": asdict(self.asked), "faults": [f.words for f in self.faults]}


class QuickTrainer:
    """Trains in this process: a clone of the model is fitted, and its answers are asked from memory."""

    def __init__(self, bundles, model, file, log):
        self.bundles, self.first, self.file, self.made, self.done = bundles, model, file, {}, {}

    def submit(self, job):
        if job.id in self.done:
            return
        began = time.perf_counter()
        parent = self.bundles.get(job.model, job.parent)
        if job.method in DERIVED and job.line is None:
            self.done[job.id] = FitResult(id=job.id, error=f"{job.method} is not done in trials")
            return
        lineage = other(
            parent.lineage, parent=job.parent, reason=job.reason, created_by="setpoint", method=job.method or "",
            trained_since=job.trained_since, trained_until=job.trained_until,
        )  # fmt: skip
        changed = other(parent, version=self.bundles.next_name(job.model), lineage=lineage, calibration=None)
        if job.method in DERIVED:
            lineage = other(lineage, trained_until=parent.lineage.trained_until)
            line = None if job.line == Calibration() else job.line
            changed = other(changed, calibration=line, lineage=lineage)
        else:
            self.made[changed.version] = self._fitted(job, parent.schema)
        with tempfile.TemporaryDirectory() as folder:
            staged = Path(shutil.copytree(self.bundles.folder(job.model, job.parent), Path(folder) / "copy"))
            self.bundles.add(staged, changed)
        self.done[job.id] = FitResult(id=job.id, version=changed.version, seconds=time.perf_counter() - began)

    def _fitted(self, job, schema):
        table = pd.read_parquet(job.training_set)
        frame = table[list(schema.names)].astype(dict(self.first[1].items()), errors="ignore")
        return clone(self.first[0]).fit(frame, table[schema.target])

    def result(self, job_id):
        return self.done.get(job_id)

    def progress(self, job_id):
        return None

    def cancel(self, job_id, by):
        pass


@dataclass(frozen=True)
class QuickScorer:
    """Asks models that were trained in this process, and others from their bundle."""

    scorer: BundleScorer
    trainer: QuickTrainer
    schema: object

    def score(self, model, version, inputs):
        manifest = root = self.trainer.bundles.get(model, version)
        while root.lineage.method in DERIVED and root.lineage.parent:
            root = self.trainer.bundles.get(model, root.lineage.parent)
        fitted = self.trainer.made.get(root.version)
        if fitted is None:
            return self.scorer.score(model, version, inputs)
        frame = pd.DataFrame(dict(inputs))[list(self.schema.names)]
        number = self.schema.score == "prediction"
        raw = fitted.predict(frame).astype(float) if number else fitted.predict_proba(frame)[:, 1]
        score = raw if manifest.calibration is None else apply(manifest.calibration, raw, self.schema.task)
        if number:
            return {"prediction": score}
        label = np.where(score >= manifest.threshold, self.schema.classes[1], self.schema.classes[0])
        return {
            "label": label.astype(float) if label.dtype.kind in "if" else label.astype(object),
            "probability": score,
        }


def traffic_of(data: DataSet, schema, days: int, rng, delay_days: float) -> tuple[Traffic, Traffic]:
    """Draw the rows of some days from the pool, in any order; and the rows that are left."""
    order = rng.permutation(len(data.pool))
    n = days * PER_DAY
    every = _columns(data, schema)
    return _timed(every, order[:n], delay_days), _timed(every, order[n:], delay_days)


_COLUMNS: dict = {}


def _columns(data, schema):
    if data.name not in _COLUMNS:
        table = pa.Table.from_pandas(data.pool, preserve_index=False)
        _COLUMNS[data.name] = (features_of(table, schema.features), target_of(table, schema))
    return _COLUMNS[data.name]


def _timed(every, rows, delay_days) -> Traffic:
    inputs, outcome = every
    time = START + np.arange(len(rows)) * STEP
    late = np.timedelta64(round(delay_days * 86_400), "s")
    return Traffic(
        time=time, id=np.array([f"r{i}" for i in range(len(rows))], object),
        inputs={n: c[rows] for n, c in inputs.items()}, outcome=outcome[rows].astype(float), known=time + late,
    )  # fmt: skip


def drawn(asked: Asked, traffic: Traffic, schema, columns, tuned: bool):
    """Draw the faults of a trial: strength, sudden or gradual, and columns."""
    rng = np.random.default_rng([asked.seed, 7])
    strength = list(STRENGTHS)[asked.seed % 3]
    gradual = asked.seed // 3 % 2 == 1
    size = STRENGTHS[strength] * (0.9 if tuned else 1.0)
    share = 0.5 if strength == "weak" else 1.0
    since, until = moment(START) + timedelta(days=BEFORE), moment(START) + timedelta(days=BEFORE + UNDER)
    faults = []
    for kind in [] if asked.kind == NONE else asked.kind.split("+"):
        cause = Cause(kind)
        start = moment(START) if cause is Cause.SEASON else since
        ends = None if cause in (Cause.SEASON, Cause.CONCEPT, Cause.RELEASE) else until
        about = [c for c in columns if c in possible(cause, traffic, schema)][:MATTER]
        f = draw(
            cause, traffic, schema, since=start, until=ends, rng=rng, strength=share if cause in WHOLE else size,
            ramp_s=3 * 86_400.0 if gradual and cause not in (Cause.RELEASE, Cause.SEASON) else 0.0, columns=about,
        )  # fmt: skip
        faults.append(replace(f, version="to come") if cause is Cause.RELEASE else f)
    return tuple(faults), strength, gradual


_IMPORTANT: dict = {}


def important(data: DataSet, schema, scorer) -> tuple[str, ...]:
    """Return the features that move the loss when they are shuffled, those that matter most first."""
    if data.name not in _IMPORTANT:
        inputs, outcome = _columns(data, schema)
        rows = np.arange(min(2000, len(outcome)))
        x, rng = {n: c[rows] for n, c in inputs.items()}, np.random.default_rng(0)
        base = scorer.score(data.file.model, "v1", x)[schema.score]

        def loss(p):
            return losses(schema.task, p, outcome[rows]).mean()

        harm = {
            n: loss(scorer.score(data.file.model, "v1", {**x, n: rng.permutation(c)})[schema.score]) - loss(base)
            for n, c in x.items()
        }
        ranked = sorted(harm, key=harm.get, reverse=True)
        _IMPORTANT[data.name] = tuple(ranked)
    return _IMPORTANT[data.name]


@dataclass
class Lab:
    """A data set and a draw of traffic, up to the moment at which faults begin: what its trials have in common."""

    data: DataSet
    seed: int

    def __post_init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="lab-")
        rng = np.random.default_rng([self.seed, 1])
        self.delay_days = (1.0, 0.25, 3.0)[self.seed // 6 % 3]
        model = self.data.file.model
        self.plain = BundleScorer(FolderBundleStore(self.data.home / "bundles"))
        self.schema = FolderBundleStore(self.data.home / "bundles").get(model, "v1").schema
        self.traffic, self.pool = traffic_of(self.data, self.schema, BEFORE + UNDER + AFTER, rng, self.delay_days)
        self.columns = important(self.data, self.schema, self.plain)
        self.fitted = (
            joblib.load(self.data.folder / "project" / "model.joblib"),
            self.data.pool.dtypes.drop(self.data.target),
        )
        self.before = {}

    def stand(self, policy: str) -> tuple[Stand, Path, dict]:
        """Return where a policy stands when the fault begins, its home, and the models it has trained."""
        if policy not in self.before:
            parts = self.parts((), FaultyLog(score=self.schema.score), policy)
            parts.begin()
            parts.go(self.traffic, looks()[0])
            self.before[policy] = parts.stand(), parts.home, parts.trainer.made
        return self.before[policy]

    def parts(self, faults, log, policy, home=None, made=()):
        return Parts(self, faults, log, policy, home or self.data.home, dict(made))


class Parts:
    """A loop wired over a copy of the data set's home."""

    def __init__(self, lab: Lab, faults, log, policy: str, home: Path, made: dict):
        self.lab, self.log, self.policy = lab, log, policy_of(policy if policy not in OWN else "alarm")
        self.own = policy
        self.home = Path(tempfile.mkdtemp(dir=lab.folder.name))
        shutil.copytree(home / "bundles", self.home / "bundles")
        self.clock, bundles = VirtualClock(moment(START)), FolderBundleStore(self.home / "bundles")
        self.file = under(self.policy, lab.data.file)
        self.trainer = trainer = QuickTrainer(bundles, lab.fitted, self.file, None)
        trainer.made.update(made)
        plain = BundleScorer(bundles)
        plain._models.update(lab.plain._models)  # v1 is loaded once
        quick = QuickScorer(plain, trainer, lab.schema)
        self.scorer = FaultyScorer(scorer=quick, schema=lab.schema, faults=faults, clock=self.clock)
        self.ports = Ports(
            bundles=bundles, keys=HomeKeys(self.home, "0" * 64), notifier=MemoryNotifier(), log=log,
            state=SqlStateStore("sqlite://"), platform=FaultyPlatform(events_of(faults)), scorer=self.scorer,
            trainer=trainer, jobs=self.home / "jobs", timed=False,
        )  # fmt: skip
        self.operator = Operator(ports=self.ports, clock=self.clock)

    def begin(self):
        model, bundles = self.file.model, self.ports.bundles
        self.log.open_model(model, self.lab.schema, read_binning(bundles.folder(model, "v1")))
        settle(self.ports, None, stated_by(first(self.file, "v1", self.clock.now(), "bench"), self.file))

    def release(self, faults):
        """Have a copy of the champion take over, and answer worse; return the faults with its name."""
        made, champion = self.trainer.made, self.ports.state.load(self.file.model).served.champion
        version = release(self.operator, self.file.model)
        made.update({version: made[champion]} if champion in made else {})
        self.scorer.faults = tuple(replace(f, version=version) if f.kind is Cause.RELEASE else f for f in faults)
        return self.scorer.faults

    def go_on(self, stand: Stand):
        self.ports.state.save(stand.deployment)
        self.ports.platform.apply(stand.live)
        self.clock.time = BEGINS

    def go(self, traffic, at, since=0):
        windows = [w for w in windows_at(traffic, at) if w[1][-1] >= since]
        ride(self.operator, self.clock, self.log, self.file.model, traffic, windows, self._look)

    def _look(self, now):
        before = len(self.ports.state.load(self.file.model).incidents)
        if self.policy.loop:
            self.operator.tick(now)
        else:
            self.ports.log.ingest()
        deployment = self.ports.state.load(self.file.model)
        again = self.own == "psi" and _psi_is_high(self.log, self.file.model, now)
        if self.own == "rollback" and len(deployment.incidents) > before and len(deployment.releases) > 1:
            to = deployment.releases[-1].replaced
            if to is not None:
                settle(self.ports, deployment, rolled_back(self.ports.bundles, deployment, to, now, "reflex"))
        if again or self.policy.refit is not None:
            deployment = refit_if_due(self.ports, deployment, Refit.ALWAYS if again else self.policy.refit, before, now)
            self.ports.state.save(deployment)

    def stand(self):
        return stand(self.log, self.ports.state.load(self.file.model), self.ports.platform.live())

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)


OWN = ("psi", "rollback")
BEGINS = moment(START) + timedelta(days=BEFORE)


def _psi_is_high(log, model, now) -> bool:
    """Whether the population stability index of any feature is above 0.2 between the last day and the days before."""
    past = log.read(model, until=now - timedelta(days=1))
    last = log.read(model, since=now - timedelta(days=1), until=now)
    if len(past) < 400 or len(last) < 100:
        return False
    return any(_psi(past.inputs[n], last.inputs[n]) > 0.2 for n in past.inputs)


def _psi(a, b):
    if a.dtype == object:
        levels = sorted({str(v) for v in a} | {str(v) for v in b})
        p, q = (np.array([np.mean(x.astype(str) == v) for v in levels]) for x in (a, b))
    else:
        edges = np.unique(np.nanquantile(a, np.linspace(0, 1, 11)[1:-1]))
        p, q = (
            np.append(np.bincount(np.searchsorted(edges, x[~np.isnan(x)]), minlength=len(edges) + 1), np.isnan(x).sum())
            / len(x)
            for x in (a, b)
        )
    p, q = np.maximum(p, 1e-3), np.maximum(q, 1e-3)
    return float(((p - q) * np.log(p / q)).sum())


SOON = (6, 12, 24, 48, 72, 120, 24 * UNDER)  # hours under the fault at which is looked
LATER = (24, 24 * AFTER)  # and after it
EARLIER = (*range(96, 24 * BEFORE - 23, 48), 24 * BEFORE - 12, 24 * BEFORE)  # and from the start of the traffic on


def looks():
    """Return when is looked: before the fault, and from then on; soon after it more often."""
    later = [*(24 * BEFORE + h for h in SOON), *(24 * (BEFORE + UNDER) + h for h in LATER)]
    return tuple([START + np.timedelta64(h, "h") for h in part] for part in (EARLIER, later))


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
        parts = lab.parts(faults, log, asked.policy, *kept)
        seen = _Watched(asked, faults, cases, lab.data)
        with seen:
            if before is None:
                parts.begin()
                parts.go(t, looks()[0])
            else:
                parts.go_on(before)
            begin = int(np.searchsorted(t.time, np.datetime64(BEGINS.replace(tzinfo=None), "us")))
            if any(f.kind is Cause.RELEASE for f in faults):
                faults = seen.faults = parts.release(faults)
            parts.go(t, [*looks()[0], *looks()[1]], begin)
        deployment = parts.ports.state.load(parts.file.model)
        parts.clock.time = BEGINS
        told = _told(asked, faults, faulty, lab.traffic, lab.schema, parts.scorer, log, deployment, parts.file.model)
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


def _told(asked, faults, faulty, clean, schema, scorer, log, deployment, model) -> Told:
    """Compare what was answered with what the first version would have answered, with and without the fault."""
    t = faulty.traffic
    start = np.datetime64((moment(START) + timedelta(days=BEFORE)).replace(tzinfo=None), "us")
    end = start + np.timedelta64(UNDER * 86_400, "s")
    real = np.isfinite(faulty.truth)
    within, after = real & (t.time >= start) & (t.time < end), real & (t.time >= end)
    said = np.array([_number(log.answers.get(i)) for i in t.id.tolist()])
    released = [f.version for f in faults if f.kind is Cause.RELEASE]
    left = np.asarray(scorer.score(model, released[0] if released else "v1", t.inputs)[schema.score], float)
    # without the fault: the same rows as they were before it, of a changed world as it is
    untouched = {} if any(f.kind in CHANGED for f in faults) else dict(zip(clean.id, range(len(clean)), strict=True))
    if untouched:
        where = np.array([untouched.get(i, -1) for i in t.id.tolist()])
        inputs = {n: c[np.maximum(where, 0)] for n, c in clean.inputs.items()}
    else:
        inputs = t.inputs
    best = np.asarray(scorer.scorer.score(model, "v1", inputs)[schema.score], float)

    def loss(p, rows, truth=faulty.truth):
        found = losses(schema.task, p, np.where(np.isfinite(truth), truth, 0.0))
        lost = np.nanmax(found[real]) if np.isnan(found[rows]).any() else 0.0
        return float(np.nan_to_num(found[rows], nan=lost).mean()) if rows.any() else float("nan")

    reference = loss(best, within, clean.outcome if any(f.kind is Cause.CONCEPT for f in faults) else faulty.truth)
    opened = [i for i in deployment.incidents if np.datetime64(i.opened.replace(tzinfo=None)) > start]
    soonest = min((np.datetime64(i.opened.replace(tzinfo=None), "us") for i in opened), default=None)
    return Told(
        asked=asked, faults=faults, strength="", gradual=False, delay_days=0.0, clean=reference,
        harmed=loss(left, within), realised=loss(said, within), after_harmed=loss(left, after),
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
        refused=float(np.isnan(said[within]).mean()),
    )  # fmt: skip


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
