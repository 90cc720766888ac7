"""A rollout by steps over recorded traffic: a good version is promoted, a bad one goes back, by themselves."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from setpoint.domain.course import Course, Rolling, Step
from setpoint.domain.evidence import Margins
from setpoint.domain.live import Live, Served
from setpoint.domain.record import InferenceRecord, Outcome, Role
from setpoint.domain.rollout import Phase
from setpoint.domain.routing import chosen
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput, Unusable
from setpoint.loop.verbs import rollouts
from setpoint.loop.verbs.operator import Operator
from tests.integration.loop.test_loop_crash import killed_after_every_effect

LOOK = timedelta(minutes=5)
COURSE = Course(
    steps=tuple(Step(share=share, least_s=300, least_requests=100) for share in (0.0, 0.1, 0.5)),
)


class Clients:
    """Ask what is served, and tell the outcomes: every answer is right but for noise, and what a version does wrong."""

    def __init__(self, w: Any, *, fails: float = 0.0, off: float = 0.0, per_look: int = 2_000) -> None:
        self.w, self.fails, self.off, self.n = w, fails, off, per_look
        self.rng, self.asked = np.random.default_rng(7), 0

    def looks(self, count: int) -> None:
        """Ask for five minutes, then have the loop look, so many times."""
        for _ in range(count):
            self.ask()
            self.w.clock.time += LOOK
            self.w.operator.tick()

    def ask(self) -> None:
        served, start = self.w.live.models["demand"], self.w.clock.time
        records, outcomes = [], []
        for i in range(self.n):
            id_, at = f"r{self.asked}", int((start + i * LOOK / self.n).timestamp() * 1e6)
            self.asked += 1
            version = (chosen("demand", served.shares, id_) if served.shares else None) or served.champion
            role = Role.CHAMPION if version == served.champion else Role.CHALLENGER
            truth = float(self.rng.normal(100, 10))
            records.append(self.record(id_, at, version, role, truth))
            if served.shadow:
                records.append(self.record(id_, at, served.shadow, Role.SHADOW, truth))
            outcomes.append(Outcome(id=id_, value=truth, known_us=at + 30_000_000))
        self.w.log.append(records)
        self.w.log.append_outcomes("demand", outcomes)

    def record(self, id_: str, at: int, version: str, role: Role, truth: float) -> InferenceRecord:
        new = version != "v1"
        failed = new and self.rng.random() < self.fails
        answer = truth + self.rng.normal(0, 5) + (self.off if new else 0.0)
        return InferenceRecord.named(
            request_id=id_, model="demand", version=version, role=role, arrived_us=at,
            latency_us=int(self.rng.gamma(4, 100)), status=500 if failed else 200, caller="", ids=[id_], times_us=[at],
            inputs={"hour": [1.0], "temp": [10.0], "felt": [9.0], "hum": [0.5], "wind": [3.0]},
            outputs={} if failed else {"prediction": [answer]}, violations=["model_error"] if failed else [],
        )  # fmt: skip


def begun(world: Any, **clients: Any) -> tuple[Any, Clients]:
    """A world with a second version on its way, after a while of the champion alone."""
    w = world()
    add_version(w.operator.ports.bundles, "v2")
    asking = Clients(w, **clients)
    asking.looks(2)
    rollouts.start(w.operator, "demand", "v2", by="ann", course=COURSE)
    return w, asking


def add_version(bundles: Any, name: str) -> None:
    """Store the first version under another name: what is recorded of it is made up here."""
    staged = Path(tempfile.mkdtemp()) / "bundle"
    shutil.copytree(bundles.folder("demand", "v1"), staged)
    bundles.add(staged, replace(bundles.get("demand", "v1"), version=name))


def told(w: Any) -> list[tuple[str, str]]:
    """What was decided about the version."""
    return [
        (d.action, d.why.partition(":")[0])
        for d in w.deployment.decisions
        if d.subject == "v2" and d.action != "receipt"
    ]


def test_a_good_version_is_promoted_step_by_step_however_often_the_loop_is_killed(world: Any) -> None:
    (plain, clients), (killed, others) = begun(world), begun(world)
    assert plain.live.models["demand"] == Served(champion="v1", shadow="v2")
    store, platform = killed_after_every_effect(killed)
    clients.looks(5)
    others.looks(5)
    assert told(plain)[:3] == [
        ("shadow", "the rollout of v2 begins"),
        ("share", "v2 10% of the requests, was 0%"),
        ("share", "v2 50% of the requests, was 10%"),
    ]
    assert told(plain)[3][0] == "promote"
    assert plain.deployment.rollouts[-1].phase is Phase.PROMOTED
    assert plain.live.models["demand"] == plain.deployment.served == Served(champion="v2", standby="v1")
    assert store.deaths >= 5
    assert platform.deaths == 3  # two steps, and the promotion
    assert told(killed) == told(plain)
    assert killed.deployment.rollouts == plain.deployment.rollouts
    assert killed.live == plain.live


@pytest.mark.parametrize(("wrong", "reason"), [({"fails": 0.05}, "errors"), ({"off": 8.0}, "quality")])
def test_a_bad_version_goes_back_by_itself(world: Any, wrong: dict[str, float], reason: str) -> None:
    w, clients = begun(world, **wrong)
    clients.looks(4)
    assert told(w)[-1][0] == "back"
    assert f"worse in {reason}" in w.did("back")[0].why
    assert w.deployment.rollouts[-1].phase is Phase.REJECTED
    assert w.live.models["demand"] == w.deployment.served == Served(champion="v1")


def test_a_version_that_fails_only_where_it_answers_goes_back_from_there(world: Any) -> None:
    w, clients = begun(world)
    clients.looks(3)
    assert w.live.models["demand"].shares
    clients.fails = 0.05
    clients.looks(3)
    assert "worse in errors" in w.did("back")[0].why
    assert w.live.models["demand"] == Served(champion="v1")


class Refusing:
    """A platform whose workers cannot load the version where it is to answer."""

    def __init__(self, platform: Any) -> None:
        self._platform = platform

    def apply(self, live: Live) -> None:
        if live.models["demand"].shares:
            raise Unusable("worker 0 refused demand/v2: out of memory; what was served before is served again")
        self._platform.apply(live)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platform, name)


def test_a_bound_that_no_step_can_prove_is_refused(world: Any) -> None:
    w = world()
    add_version(w.operator.ports.bundles, "v2")
    rolling = Rolling(margins=Margins(disagreement=0.05))
    w.operator.ports.state.save(replace(w.deployment, rolling=rolling))
    with pytest.raises(InvalidInput, match="only be proven in the shadow, and the steps have none"):
        rollouts.start(w.operator, "demand", "v2", by="ann", course=Course(steps=COURSE.steps[1:]))


class Slow:
    """A platform whose workers follow after five minutes, in which requests come as ever."""

    def __init__(self, platform: Any, clients: Clients) -> None:
        self._platform, self._clients = platform, clients

    def apply(self, live: Live) -> None:
        self._clients.ask()
        self._clients.w.clock.time += LOOK
        self._platform.apply(live)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platform, name)


def test_requests_between_a_decision_and_the_workers_following_it_are_not_weighed(world: Any) -> None:
    w, clients = begun(world)
    slow = Slow(w.operator.ports.platform, clients)
    w.operator = Operator(ports=replace(w.operator.ports, platform=slow), clock=w.operator.clock)
    clients.looks(5)
    assert [action for action, _ in told(w)] == ["shadow", "share", "share", "promote"]
    assert w.deployment.rollouts[-1].moving.served_s == (0.0, 300.0, 300.0)


def test_a_version_that_the_workers_refuse_goes_back_and_the_loop_goes_on(world: Any) -> None:
    w, clients = begun(world)
    w.operator = Operator(
        ports=replace(w.operator.ports, platform=Refusing(w.operator.ports.platform)), clock=w.operator.clock
    )
    clients.looks(2)
    assert told(w)[-1] == ("back", "it cannot be served")
    assert w.live.models["demand"] == w.deployment.served == Served(champion="v1")
    clients.looks(1)
