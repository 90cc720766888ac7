"""Rollouts on simulated traffic: the real turn of the loop, on requests of versions whose true effects are known.

Drawn are the traffic, what each version is truly like, when outcomes come, what people do, and when the process dies;
everything else is the product: how requests are read, the evidence, the plan, the acts, the state, the envelope.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

from setpoint.deploy.package import BINNING_FILE
from setpoint.domain import canary
from setpoint.domain.course import Course, Rolling, Step
from setpoint.domain.cuts import Counted, Cuts
from setpoint.domain.envelope import LOOP, Envelope, PromoteBounds
from setpoint.domain.evidence import Frozen, Margins, Says, Terms
from setpoint.domain.fleet import Deployment
from setpoint.domain.freeze import Freeze, frozen
from setpoint.domain.live import Live
from setpoint.domain.profile import Binning
from setpoint.domain.record import Role
from setpoint.domain.records import Column, Records, stamp
from setpoint.domain.requested import Requested
from setpoint.domain.rollout import Candidate, Phase, Rollout
from setpoint.domain.value import to_json
from setpoint.errors import Conflict
from setpoint.loop import tick
from setpoint.loop.changes import decided, settle, with_rollout
from setpoint.loop.looks.exposure import exposed
from setpoint.loop.moves import moved, on_its_way, stopped
from setpoint.loop.replay import RecordedPlatform
from setpoint.loop.setting_out import check_free, check_window
from setpoint.loop.verbs.inside import checked
from tests.unit.loop.conftest import NOW, a_deployment, a_look, a_verdict, rows
from tests.unit.loop.conftest import version as a_version

ALPHA = 0.05
ERRORS, SLOWER, WRONG = 0.02, 0.5, 0.3  # margins, of errors as a share of requests, else as a fraction
MARGINS = Margins(errors=ERRORS, violations=0.02, latency=SLOWER, quality=WRONG)
NIGHT = Freeze(start_min=22 * 60, end_min=3 * 24 * 60)
QUANTILES = {"p95": 1.645, "p99": 2.326, "p99.9": 3.09}
MODEL = "demand"
EVENTS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a version is truly like: shares of failed requests and wrong answers, and how slow it is."""

    errors: float = 0.005
    wrong: float = 0.2
    slow: float = 1.0

    def worse(self, other: "Truth") -> bool:
        """Whether it is worse than another by a margin or more, in anything."""
        return (
            self.errors >= other.errors + ERRORS
            or self.wrong >= other.wrong * (1 + WRONG)
            or self.slow >= other.slow * (1 + SLOWER)
        )

    @property
    def frozen(self) -> Frozen:
        """What is measured of it as a champion."""
        return Frozen(
            latency_ms={name: self.slow * float(np.exp(3 + 0.5 * z)) for name, z in QUANTILES.items()},
            errors=self.errors,
            loss=self.wrong,
            loss_sd=float(np.sqrt(self.wrong * (1 - self.wrong))),
            loss_bound=1.0,
            labelled=1.0,
            outcome_age_s=2 * 3_600.0,
        )


def drawn(rng: np.random.Generator, of: Truth) -> Truth:
    """Draw a version: one like the champion, a better one, or one that is worse by one to three margins."""
    kind, times = rng.choice(5, p=[0.3, 0.1, 0.2, 0.2, 0.2]), rng.uniform(1.0, 3.0)
    match int(kind):
        case 0:
            return of
        case 1:
            return Truth(errors=of.errors, wrong=0.7 * of.wrong, slow=0.9 * of.slow)
        case 2:
            return Truth(errors=of.errors + ERRORS * times, wrong=of.wrong, slow=of.slow)
        case 3:
            return Truth(errors=of.errors, wrong=of.wrong * (1 + WRONG * times), slow=of.slow)
        case _:
            return Truth(errors=of.errors, wrong=of.wrong, slow=of.slow * (1 + SLOWER * times))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Requests of one row each, as one version answered them; every array has shape (n,)."""

    id: Column
    time: Column  # datetime64[us]
    role: Column
    version: Column
    failed: Column
    wrong: Column
    latency_us: Column
    known: Column

    def take(self, rows: Column) -> "Answered":
        return Answered(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


class Log:
    """The record of what was answered, by stretches in time order."""

    def __init__(self) -> None:
        self._parts: list[Answered] = []

    def append(self, part: Answered) -> None:
        self._parts.append(part)

    def requests(self, model: str, since: Any, until: Any) -> Requested:
        found = self._between(since, until)
        time = found.time.view(np.int64)
        return Requested(
            id=found.id, time=time, arrived=time, row=np.zeros(len(time), np.int64), version=found.version,
            role=found.role, status=np.where(found.failed, 500, 200), latency_us=found.latency_us,
            caller=np.full(len(time), "a", object), broke=np.zeros(len(time), bool), inputs=_inputs(len(time)),
        )  # fmt: skip

    def read(self, model: str, *, since: Any, until: Any, as_of: Any, role: Role, version: str) -> Records:
        found = self._between(since, until)
        found = found.take((found.role == role.value) & (found.version == version) & ~found.failed)
        known = np.where(found.known < stamp(as_of), found.known, np.datetime64("NaT"))
        return Records(
            id=found.id, time=found.time, version=found.version, score=found.wrong, known=known,
            outcome=np.where(np.isnat(known), np.nan, 0.0), latency_us=found.latency_us,
            maps=np.full(len(known), "", object), inputs=_inputs(len(known)),
        )  # fmt: skip

    def _between(self, since: Any, until: Any) -> Answered:
        first, last = stamp(since), stamp(until)
        near = [p for p in self._parts if len(p.time) and p.time[-1] >= first and p.time[0] < last]
        near = near or [_nothing()]
        whole = Answered(**{f.name: np.concatenate([getattr(p, f.name) for p in near]) for f in fields(Answered)})
        return whole.take((whole.time >= first) & (whole.time < last))


def _nothing() -> Answered:
    none, times = np.empty(0, object), np.empty(0, "datetime64[us]")
    return Answered(
        id=none, time=times, role=none, version=none, failed=np.empty(0, bool), wrong=np.empty(0),
        latency_us=np.empty(0, np.int64), known=times,
    )  # fmt: skip


def _inputs(rows: int) -> dict[str, Column]:
    return {"temp": np.zeros(rows), "hum": np.zeros(rows)}


class Killed(BaseException):
    """The process was killed before the workers were told."""


class Platform(RecordedPlatform):
    """Serves what it is told, unless the process dies first."""

    dies = False

    def apply(self, live: Live) -> None:
        if self.dies:
            raise Killed
        super().apply(live)


class State:
    """Keeps the deployment as it was last written down."""

    kept: Deployment

    def save(self, deployment: Deployment) -> None:
        self.kept = deployment


def prepared(folder: Path) -> Path:
    """Write what a version's folder must hold."""
    cuts = {name: Cuts(kind=Counted.NUMERIC, edges=(0.0,)) for name in ("temp", "hum", "prediction")}
    (folder / BINNING_FILE).write_bytes(to_json(Binning(columns=cuts)))
    return folder


class History:
    """One random history of a deployment: traffic, turns of the loop, what people do, deaths.

    Parameters
    ----------
    folder : Path
        As `prepared` leaves it.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng, self.now, self.log, self.asked = np.random.default_rng(seed), NOW, Log(), 0
        self.truth = {"v1": Truth()}
        self.per_hour = float(self.rng.choice([300, 800, 1_500]))
        self.platform, self.state = Platform(), State()
        bundles = SimpleNamespace(get=lambda model, name: a_version(name), folder=lambda model, name: folder)
        self.ports: Any = SimpleNamespace(platform=self.platform, state=self.state, bundles=bundles, log=self.log)
        envelope = Envelope(
            automatic=("promote",) if self.rng.random() < 0.8 else (),
            max_actions_per_day=int(self.rng.choice([1, 9])),
            promote=PromoteBounds(largest_step=float(self.rng.choice([0.5, 1.0]))),
        )
        freezes = (NIGHT,) if self.rng.random() < 0.2 else ()
        rolling = Rolling(freezes=freezes, margins=MARGINS, alpha=ALPHA)
        settle(self.ports, None, a_deployment(envelope=envelope, rolling=rolling, looked=self.now))

    @property
    def deployment(self) -> Deployment:
        return self.state.kept

    def live_on(self) -> None:
        """Let some hours of traffic pass, people do something, and the loop have its turn."""
        served, hours = self.platform.live(), float(self.rng.choice([0.5, 1.0, 2.0]))
        rate = self.per_hour * float(self.rng.choice([0.0, 1.0], p=[0.1, 0.9]))  # requests may stop
        until = self.now + timedelta(hours=hours)
        self.traffic(served, until, rate)
        self.do(self.people)
        lag_s = float(self.rng.choice([0.0, 1.0, 30.0]))  # a turn takes its time
        self.platform.dies = self.rng.random() < 0.1
        self.do(lambda: self.turn(lag_s))
        self.platform.dies = False
        self.traffic(served, until + timedelta(seconds=lag_s), rate)

    def do(self, what: Callable[[], None]) -> None:
        with suppress(Conflict, Killed):  # a person is told; what a dead process left, the next turn makes good
            what()

    def turn(self, lag_s: float) -> None:
        clock: Any = SimpleNamespace(now=lambda: self.now + timedelta(seconds=lag_s))
        with patch.object(tick, "take_look", self.look):
            tick.turn(self.ports, self.deployment, self.now, clock)
        assert self.platform.live().models[MODEL] == self.deployment.served

    def look(self, ports: Any, deployment: Deployment, now: Any, *, audits: bool) -> Any:
        champion, rollout, seen = a_version(deployment.served.champion), on_its_way(deployment), None
        if rollout is not None and rollout.candidate.champion == champion.version:
            seen = exposed(ports, deployment, champion, rollout, now)
        return a_look(now, rows(now, now), champion=champion, exposed=seen)

    def traffic(self, live: Live, until: Any, rate: float) -> None:
        """Have requests answered as is served, each by whom chance says."""
        rng, served, span = self.rng, live.models[MODEL], until - self.now
        n = int(rng.poisson(rate * span.total_seconds() / 3_600))
        offsets = np.sort(rng.integers(0, max(1, int(span.total_seconds() * 1e6)), n))
        time = stamp(self.now) + offsets.astype("timedelta64[us]")
        ids = np.array([f"r{self.asked + i}" for i in range(n)], object)
        by, role = np.full(n, served.champion, object), np.full(n, Role.CHAMPION.value, object)
        for version, share in served.shares.items():
            ours = rng.random(n) < share
            by[ours], role[ours] = version, Role.CHALLENGER.value
        common = rng.random((2, n))
        self.log.append(self.answered(ids, time, by, role, common))
        if served.shadow is not None:
            by, role = np.full(n, served.shadow, object), np.full(n, Role.SHADOW.value, object)
            self.log.append(self.answered(ids, time, by, role, common))
        self.asked, self.now = self.asked + n, until

    def answered(self, ids: Column, time: Column, by: Column, role: Column, common: Column) -> Answered:
        """Draw what came of requests; how hard each is, is common to all who answer it."""
        rng, n = self.rng, len(ids)
        truths = [self.truth[name] for name in by]
        errors, wrong, slow = (np.array([getattr(t, k) for t in truths]) for k in ("errors", "wrong", "slow"))
        hard = np.where(rng.random(n) < 0.7, common[0], rng.random(n))
        delay = rng.uniform(0, 1.9 * 3_600, n)
        return Answered(
            id=ids, time=time, role=role, version=by, failed=rng.random(n) < errors, wrong=(hard < wrong).astype(float),
            latency_us=(1e3 * slow * np.exp(3 + 0.5 * rng.standard_normal(n))).astype(np.int64),
            known=time + (1e6 * delay).astype("timedelta64[us]"),
        )  # fmt: skip

    def people(self) -> None:
        """Begin a rollout where there is none; else leave it alone mostly."""
        rollout = on_its_way(self.deployment)
        if rollout is None:
            self.begin()
            return
        deeds: dict[str, Callable[[], None]] = {
            "": lambda: None,
            "pause": lambda: self.note(canary.paused(rollout, self.now, by="ann")),
            "resume": lambda: self.note(canary.resumed(rollout, self.now)),
            "approve": lambda: self.note(canary.approved(rollout, by="ann", fast=False)),
            "abort": lambda: self.becomes(stopped(self.deployment, rollout, self.now, "ann")),
        }
        paused = rollout.moving is not None and bool(rollout.moving.paused_by)
        odds = [0.4, 0.0, 0.6, 0.0, 0.0] if paused else [0.88, 0.05, 0.0, 0.05, 0.02]
        deeds[str(self.rng.choice(list(deeds), p=odds))]()

    def begin(self) -> None:
        version = f"v{len(self.truth) + 1}"
        before, champion = self.deployment, self.deployment.served.champion
        check_free(before, version)
        check_window(before, self.now)
        self.truth[version] = drawn(self.rng, self.truth[champion])
        by = str(self.rng.choice(["ann", LOOP]))
        candidate = Candidate(
            version=version, champion=champion, reason="", created=self.now, gate=a_verdict()
        )  # fmt: skip
        tried = sum(r.moving is not None and r.candidate.champion == champion for r in before.rollouts)
        terms = Terms(alpha=ALPHA, attempt=1 + tried, margins=MARGINS, frozen=self.truth[champion].frozen)
        rollout = canary.begun(candidate, self.course(by), terms, by=by, now=self.now)
        self.becomes(moved(before, rollout, self.now, "it begins", by))

    def course(self, by: str) -> Course:
        """Draw steps; what the loop begins, nobody has seen, so that it begins in the shadow."""
        shares = np.sort(self.rng.choice([0.05, 0.1, 0.25], int(self.rng.integers(0, 2)), replace=False))
        shadow = [0.0] if by == LOOP or self.rng.random() < 0.3 else []
        steps = [Step(share=float(s), least_s=1_800, least_requests=20) for s in (*shadow, *shares, 0.5)]
        return Course(steps=tuple(steps))

    def note(self, rollout: Rollout) -> None:
        after = with_rollout(self.deployment, rollout)
        self.state.save(decided(after, self.now, "", rollout.candidate.version, "said", "", "ann"))

    def becomes(self, after: Deployment) -> None:
        settle(self.ports, self.deployment, after)

    def proven(self) -> Iterator[tuple[Rollout, bool]]:
        """Yield the rollouts that the evidence promoted, and whether the version was truly worse by a margin."""
        for r in self.deployment.rollouts:
            judged = r.moving.judged if r.moving else None
            if r.phase is Phase.PROMOTED and judged is not None and judged.says is Says.PROMOTE:
                yield r, self.truth[r.candidate.version].worse(self.truth[r.candidate.champion])


@dataclass(slots=True, kw_only=True)
class Told:
    """What many histories came to, in numbers of rollouts, but `histories` and `breached`, `worse` of histories."""

    histories: int = 0
    breached: int = 0
    worse: int = 0
    promoted: int = 0
    begun: int = 0
    truly_worse: int = 0
    worse_back: int = 0
    equal: int = 0
    equal_back: int = 0
    requests: int = 0
    frozen: int = 0


def lived(folder: Path, seeds: Sequence[int]) -> Told:
    """Live through histories, and return what they came to.

    Raises
    ------
    AssertionError
        If a state is served that was not written down.
    """
    told = Told()
    for seed in seeds:
        history = History(folder, seed)
        for _ in range(EVENTS):
            history.live_on()
        _counted(told, history)
    return told


def _counted(told: Told, history: History) -> None:
    deployment = history.deployment
    found, ended = checked(deployment), list(history.proven())
    told.histories += 1
    told.requests += history.asked
    told.breached += bool(found.outside or found.loose)
    told.worse += any(worse for _, worse in ended)
    told.promoted += len(ended)
    told.frozen += sum(
        d.action == "promote" and bool(frozen(deployment.rolling.freezes, d.at)) for d in deployment.decisions
    )
    for r in deployment.rollouts:
        truth, champion = history.truth[r.candidate.version], history.truth[r.candidate.champion]
        told.begun += 1
        told.truly_worse += truth.worse(champion)
        told.worse_back += truth.worse(champion) and r.phase is Phase.REJECTED
        told.equal += truth == champion
        told.equal_back += truth == champion and r.phase is Phase.REJECTED
