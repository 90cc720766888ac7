"""A shadow of one deployment that rides over its own traffic as often as one likes, each time under another fault."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from setpoint.domain.drill import Drilled
from setpoint.domain.fault import OF_A_VERSION, WAYS, Fault
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Cause
from setpoint.domain.records import Columns, moment
from setpoint.domain.schema import Schema
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.faults import Planted, Traffic, draw, plant, possible
from setpoint.loop.clock import VirtualClock
from setpoint.loop.drill.account import drilled, losses_of, outcomes_known
from setpoint.loop.drill.answering import FaultyScorer, release
from setpoint.loop.drill.leaning import leaning
from setpoint.loop.drill.log import FaultyLog
from setpoint.loop.drill.ride import Stand, Window, ride, stand, windows_at
from setpoint.loop.drill.shadow import Course, shadow_of
from setpoint.loop.release import read_binning
from setpoint.loop.verbs.operator import Operator

NEEDED = 3  # of the features that can have a fault: those on which the answers lean most


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """The loop over a home of its own."""

    operator: Operator
    clock: VirtualClock
    log: FaultyLog
    scorer: FaultyScorer


Wire = Callable[[Path, tuple[Fault, ...], FaultyLog, Traffic], Wired]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ridden:
    """A ride from the fault's start to the end: how the deployment stood after each look, and what was answered.

    `left` is what answers when the fault begins would have answered to all rows, had nobody acted.
    """

    windows: list[Window]
    stood: list[Deployment]
    log: FaultyLog
    planted: Planted
    left: Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A shadow of one deployment; its home holds the bundle of the champion."""

    home: Path
    wire: Wire
    deployment: Deployment
    schema: Schema
    traffic: Traffic
    course: Course
    seed: int

    def draw(self, kinds: Sequence[Cause]) -> tuple[list[Fault], dict[str, str]]:
        """Return one fault of each kind, of a feature on which the answers lean, and why the others are impossible."""
        wired = self.wire(self.home, (), self._new_log(()), self.traffic)
        model, champion = self.deployment.model, self.deployment.served.champion

        def ask(inputs: Columns) -> Columns:
            return wired.scorer.score(model, champion, inputs)

        needed = leaning(ask, self.traffic, self.schema, self.seed)
        drawn, impossible = list[Fault](), dict[str, str]()
        for kind in kinds:
            try:
                drawn.append(self._one(kind, needed))
            except InvalidInput as e:
                impossible[str(kind)] = str(e).removeprefix(f"{kind}: ")
        return drawn, impossible

    def _one(self, kind: Cause, needed: list[str]) -> Fault:
        rng = np.random.default_rng([self.seed, list(WAYS).index(kind)])
        fit = possible(kind, self.traffic, self.schema)
        return draw(
            kind,
            self.traffic,
            self.schema,
            since=moment(self.course.begins),
            until=None if kind in OF_A_VERSION else moment(self.course.ends),
            rng=rng,
            columns=[name for name in needed if name in fit][:NEEDED],
        )

    def before(self) -> Stand:
        """Ride up to the moment at which faults begin, and return where the deployment stands then."""
        wired = self.wire(self.home, (), self._new_log(()), self.traffic)
        ports, model = wired.operator.ports, self.deployment.model
        shadow = shadow_of(self.deployment, self.course)
        wired.log.open_model(model, self.schema, read_binning(ports.bundles.folder(model, shadow.served.champion)))
        ports.state.save(shadow)
        ports.platform.apply(ports.platform.live().having(model, shadow.served))
        ride(wired.operator, wired.clock, wired.log, model, self.traffic, windows_at(self.traffic, self.course.earlier))
        return stand(wired.log, ports.state.load(model), ports.platform.live())

    def run(self, before: Stand, fault: Fault | None) -> Ridden:
        """Ride on to the end, under a fault."""
        faults = () if fault is None else (fault,)
        planted = plant(faults, self.traffic, self.schema, seed=self.seed)
        t = planted.traffic
        who = {} if t.caller is None else dict(zip(t.id.tolist(), t.caller.tolist(), strict=True))
        with tempfile.TemporaryDirectory(dir=self.home, prefix="ride-") as folder:
            shutil.copytree(self.home / "bundles", Path(folder) / "bundles")
            wired = self.wire(Path(folder), faults, before.log(faults, who, self.seed), t)
            answers = self._set_out(wired, before, fault)
            windows = windows_at(t, [self.course.begins, *self.course.later])[1:]
            left = wired.scorer.score(self.deployment.model, answers, t.inputs)
            stood = ride(wired.operator, wired.clock, wired.log, self.deployment.model, t, windows)
        return Ridden(windows=windows, stood=stood, log=wired.log, planted=planted, left=left)

    def _set_out(self, wired: Wired, before: Stand, fault: Fault | None) -> str:
        """Have the deployment stand where it stood, and the fault begin; return the version that answers."""
        ports, model = wired.operator.ports, self.deployment.model
        ports.state.save(before.deployment)
        ports.platform.apply(before.live)
        wired.clock.time = moment(self.course.begins)
        if fault is None or fault.kind not in OF_A_VERSION:
            return before.deployment.served.champion
        version = release(wired.operator, model)
        wired.scorer.faults = (replace(fault, version=version),)
        return version

    def drilled(self, before: Stand, fault: Fault, usual: Ridden) -> Drilled:
        """Ride under a fault, and return what came of it beside the usual ride."""
        ridden = self.run(before, fault)
        cost = losses_of(
            fault, ridden.planted, self.traffic, self.schema, self.course, ridden.log, (usual.left, ridden.left)
        )
        known = outcomes_known(self.traffic, self.course)
        time = ridden.planted.traffic.time
        return drilled(fault, self.course, ridden.windows, ridden.stood, usual.stood, cost, time, known)

    def _new_log(self, faults: tuple[Fault, ...]) -> FaultyLog:
        return FaultyLog(score=self.schema.score, faults=faults)
