"""A data set and a draw of traffic, up to the moment at which faults begin."""

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import numpy as np
from draws import important, traffic_of
from plan import AFTER, BEFORE, BEGINS, UNDER, looks
from quick import QuickScorer, QuickTrainer
from reflexes import OWN, psi_is_high
from sets import START, DataSet

from setpoint.domain.audited import Audit
from setpoint.domain.fault import OF_A_VERSION
from setpoint.domain.records import moment
from setpoint.loop.changes import settle
from setpoint.loop.clock import VirtualClock
from setpoint.loop.drill.answering import FaultyScorer, release
from setpoint.loop.drill.events import events_of
from setpoint.loop.drill.log import FaultyLog
from setpoint.loop.drill.reports import reports_of
from setpoint.loop.drill.ride import Stand, ride, stand, windows_at
from setpoint.loop.drill.source import RecordedSource
from setpoint.loop.looks.scoring import BundleScorer
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning
from setpoint.loop.releasing import rolled_back
from setpoint.loop.replay import RecordedPlatform
from setpoint.loop.replay.policies import Refit, policy_of, under
from setpoint.loop.replay.refits import refit_if_due
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.stated import first
from setpoint.loop.verbs.stated import under as stated_by
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.keys import HomeKeys
from setpoint.store.messages import MemoryNotifier
from setpoint.store.state import SqlStateStore


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
        self.usual = np.asarray(self.plain.score(model, "v1", self.traffic.inputs)[self.schema.score], float)
        self.before, self.best = {}, {}

    def stand(self, policy: str) -> tuple[Stand, Path, dict]:
        """Return where a policy stands when the fault begins, its home, and the models it has trained."""
        if policy not in self.before:
            parts = self.parts((), FaultyLog(score=self.schema.score), policy, self.traffic)
            parts.begin()
            parts.go(self.traffic, looks()[0])
            self.before[policy] = parts.stand(), parts.home, parts.trainer.made
        return self.before[policy]

    def parts(self, faults, log, policy, traffic, home=None, made=()):
        return Parts(self, faults, log, policy, traffic, home or self.data.home, dict(made))


class Parts:
    """A loop wired over a copy of the data set's home."""

    def __init__(self, lab: Lab, faults, log, policy: str, traffic, home: Path, made: dict):
        self.lab, self.log, self.policy = lab, log, policy_of(OWN.get(policy, policy))
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
            state=SqlStateStore("sqlite://"), platform=RecordedPlatform(events_of(faults), reports_of(faults)),
            scorer=self.scorer, source=RecordedSource(traffic), trainer=trainer, jobs=self.home / "jobs", timed=False,
        )  # fmt: skip
        self.operator = Operator(ports=self.ports, clock=self.clock)

    def begin(self):
        model, bundles = self.file.model, self.ports.bundles
        self.log.open_model(model, self.lab.schema, read_binning(bundles.folder(model, "v1")))
        stated = stated_by(first(self.file, "v1", self.clock.now(), "bench"), self.file)
        settle(self.ports, None, replace(stated, audit=Audit(function="source", rows_per_day=96)))

    def release(self, faults):
        """Have a copy of the champion take over, and answer worse; return the faults with its name."""
        made, champion = self.trainer.made, self.ports.state.load(self.file.model).served.champion
        version = release(self.operator, self.file.model)
        made.update({version: made[champion]} if champion in made else {})
        self.scorer.faults = tuple(replace(f, version=version) if f.kind in OF_A_VERSION else f for f in faults)
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
        again = self.own == "psi" and psi_is_high(self.log, self.file.model, now)
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
