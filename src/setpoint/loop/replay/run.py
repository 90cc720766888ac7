"""One policy over recorded traffic: the same plan and the same effects as live, on recorded time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from setpoint.config import SetpointFile
from setpoint.domain.fleet import Deployment
from setpoint.domain.live import Live, Served
from setpoint.domain.records import Column, stamp
from setpoint.domain.schema import Schema
from setpoint.loop.clock import VirtualClock
from setpoint.loop.replay.answering import answer, given, record
from setpoint.loop.replay.checkpoint import Checkpoint, Checkpoints
from setpoint.loop.replay.existing import account, exists, weights_of
from setpoint.loop.replay.policies import SETPOINT, Policy
from setpoint.loop.replay.refits import refit_if_due
from setpoint.loop.replay.scored import Scored, held, mean_of, scored
from setpoint.loop.replay.traffic import Traffic, inputs_of, windows_of
from setpoint.loop.replay.values import Course, Step
from setpoint.loop.replay.verdict import gain_of
from setpoint.loop.retention import expire
from setpoint.loop.verbs import deploying
from setpoint.loop.verbs.operator import Operator
from setpoint.ports import Recorder
from setpoint.stats.losses import loss_name
from setpoint.stats.paired import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What one policy did, and row by row what came of it; arrays of shape (n,), NaN where no outcome is on record.

    `weights` say how many rows each recorded one stands for; None: each for itself.
    """

    course: Course
    losses: Column
    values: Column | None = None
    weights: Column | None = None


def gain_between(ours: Ran, theirs: Ran) -> Interval | None:
    """Return how much less one policy lost per row than another over the same traffic."""
    starts = sorted({*ours.course.starts, *theirs.course.starts})
    return gain_of(ours.losses, theirs.losses, starts, ours.weights)


@dataclass(slots=True, kw_only=True)
class _Ride:
    """A replay under way: its answers so far, and what a checkpoint is made of."""

    operator: Operator
    recorder: Recorder
    model: str
    schema: Schema
    traffic: Traffic
    policy: Policy
    condition: str | None
    outputs: dict[str, Column] = field(default_factory=dict)
    would: Column
    served: list[Served] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)

    @property
    def deployment(self) -> Deployment:
        return self.operator.ports.state.load(self.model)

    @property
    def watched(self) -> bool:
        """Whether anybody reads what is recorded."""
        return self.policy.loop or self.policy.refit is not None

    def answer(self, rows: Column) -> None:
        """Answer a window as it is served now, and record it."""
        said = answer(self.operator, self.model, self.traffic, rows)
        outputs = given(said, len(rows))
        for name, column in outputs.items():
            if name not in self.outputs:
                self.outputs[name] = np.empty(len(self.traffic), column.dtype if column.dtype.kind == "f" else object)
            self.outputs[name][rows] = column
        self.would[rows] = exists(self.condition, inputs_of(self.traffic, rows), outputs)
        self.served.append(self.operator.ports.platform.live().models[self.model])
        if self.watched:
            record(self.operator, self.recorder, self.model, self.schema, self.traffic, rows, said, self.would[rows])

    def look(self, now: datetime) -> None:
        """Let the policy see the window that has just ended, and do what it does."""
        ports, before = self.operator.ports, len(self.deployment.incidents) if self.policy.refit else 0
        if self.policy.loop:
            self.operator.tick(now)
        if self.policy.refit is not None:
            ports.log.ingest()
            after = refit_if_due(ports, self.deployment, self.policy.refit, before, now)
            ports.state.save(after)
        self.thoughts.append(_thought(self.deployment, now) if self.policy.loop else "")

    def again(self, before: Checkpoint, windows: Iterator[tuple[datetime, Column]]) -> None:
        """Answer the windows before a checkpoint as they were answered, and stand where it stands."""
        ports = self.operator.ports
        for served, (_, rows) in zip(before.served, windows, strict=False):
            ports.platform.apply(Live().having(self.model, served))
            self.answer(rows)
            ports.log.ingest()
        self.thoughts = list(before.thoughts)
        ports.platform.apply(Live().having(self.model, before.deployment.served))
        if before.deployment.expired is not None:
            expire(ports, before.deployment, before.deployment.expired)
        ports.state.save(before.deployment)

    def checkpoint(self) -> Checkpoint:
        versions = tuple(v.version for v in self.operator.ports.bundles.versions(self.model))
        return Checkpoint(
            deployment=self.deployment, served=tuple(self.served), thoughts=tuple(self.thoughts), versions=versions
        )


def replay(
    operator: Operator,
    clock: VirtualClock,
    recorder: Recorder,
    file: SetpointFile,
    traffic: Traffic,
    *,
    every: timedelta,
    policy: Policy = SETPOINT,
    releases: Sequence[tuple[datetime, SetpointFile]] = (),
    checkpoints: Checkpoints | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Ran:
    """Run a policy over recorded traffic.

    Parameters
    ----------
    operator, clock, recorder
        Wired to stores of their own, a `RecordedPlatform`, and a trainer that waits.
    file : SetpointFile
        What the policy runs under.
    every : timedelta
        Time between two looks; looks stand at whole multiples of it.
    releases : sequence of (time, setpoint file)
        What people deployed by hand on the way; whoever does nothing has none.
    checkpoints : Checkpoints, optional
        Where the replay begins, and what it leaves for another to go on from.
    progress : callable
        Told the number of requests replayed so far, after each window.
    """
    model, kept = file.model, checkpoints or Checkpoints()
    before = kept.load()
    first = (before.deployment if before else operator.ports.state.load(model)).releases[0].version
    ride = _Ride(
        operator=operator,
        recorder=recorder,
        model=model,
        schema=operator.ports.bundles.get(model, first).schema,
        traffic=traffic,
        policy=policy,
        condition=file.outcomes.exist_when,
        would=np.ones(len(traffic), bool),
    )
    windows = list(windows_of(traffic, every))
    if before is not None:
        ride.again(before, iter(windows))
    pending = list(releases) if ride.watched else []
    for until, rows in windows[len(ride.served) :]:
        while pending and pending[0][0] < until:
            clock.time, released = pending.pop(0)
            deploying.deploy(operator, released, by="replay")
        ride.answer(rows)
        clock.time = until
        ride.look(until)
        if kept.due:
            kept.save(ride.checkpoint())
        progress(int(rows[-1]) + 1)
    return _ran(ride, file, windows)


def _thought(deployment: Deployment, now: datetime) -> str:
    """Return what was thought best about the answers at this look; empty where that was not thought over."""
    advised = deployment.advised
    return f"{advised.move}: {advised.why}" if advised is not None and advised.at == now else ""


def _ran(ride: _Ride, file: SetpointFile, windows: list[tuple[datetime, Column]]) -> Ran:
    traffic, deployment = ride.traffic, ride.deployment
    found = scored(traffic, ride.outputs, ride.schema, deployment.objectives)
    recorded = np.isfinite(traffic.outcome.astype(np.float64))
    weights = weights_of(traffic.propensity, recorded)
    course = Course(
        policy=ride.policy.name,
        means=ride.policy.means,
        settings=file.model_dump(mode="json", exclude={"root"}),
        steps=tuple(_steps(ride, windows, found, weights)),
        deployment=deployment,
        loss=loss_name(ride.schema),
        training_s=_training_s(ride.operator),
        existing=account(file.outcomes, ride.would, recorded, traffic.propensity, weights),
    )
    return Ran(course=course, losses=found.losses, values=found.values, weights=weights)


def _steps(
    ride: _Ride, windows: list[tuple[datetime, Column]], found: Scored, weights: Column | None
) -> Iterator[Step]:
    objectives, thresholds = ride.deployment.objectives, dict[str, float]()
    for (until, rows), served, thought in zip(windows, ride.served, ride.thoughts, strict=True):
        champion = served.champion
        if champion not in thresholds:
            thresholds[champion] = ride.operator.ports.bundles.get(ride.model, champion).threshold
        weight = None if weights is None else weights[rows]
        yield Step(
            until=until,
            rows=len(rows),
            loss=mean_of(found.losses[rows], weight),
            value=None if found.values is None else mean_of(found.values[rows], weight),
            at_set_point=held(found, ride.traffic, objectives, thresholds[champion], stamp(until)),
            champion=champion,
            thought=thought,
        )


def _training_s(operator: Operator) -> float:
    jobs = operator.ports.jobs
    names = sorted(folder.name for folder in jobs.iterdir()) if jobs.is_dir() else []
    return sum(result.seconds for job in names if (result := operator.ports.trainer.result(job)) is not None)
