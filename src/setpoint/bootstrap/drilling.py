"""Wire a drill: the champion of a deployment in a home of its own, faults planted in a copy of its recorded traffic."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from setpoint.domain.drill import Drill
from setpoint.domain.fault import WAYS, Fault
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Cause
from setpoint.domain.records import Records, moment
from setpoint.domain.schema import Schema
from setpoint.domain.traffic import Traffic
from setpoint.domain.update import DERIVED
from setpoint.domain.version import ModelVersion
from setpoint.errors import InvalidInput, Unusable
from setpoint.loop.clock import VirtualClock
from setpoint.loop.drill.answering import FaultyScorer
from setpoint.loop.drill.events import events_of
from setpoint.loop.drill.idle import NoTrainer
from setpoint.loop.drill.lab import Lab, Wired
from setpoint.loop.drill.log import FaultyLog
from setpoint.loop.drill.reports import reports_of
from setpoint.loop.drill.shadow import AFTER, BEFORE, FEWEST, MOST, UNDER, Course, course_of, traffic_from
from setpoint.loop.drill.source import RecordedSource
from setpoint.loop.drill.thinning import thinned
from setpoint.loop.looks.clear import in_clear, why_unreadable
from setpoint.loop.looks.scoring import BundleScorer
from setpoint.loop.ports import Ports
from setpoint.loop.replay import RecordedPlatform
from setpoint.loop.verbs.operator import Operator
from setpoint.ports import BundleStore
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.keys import HomeKeys
from setpoint.store.messages import MemoryNotifier
from setpoint.store.state import SqlStateStore

KEY = "0" * 64  # nothing sensitive is in a drill's home: its records are in the clear, and gone afterwards
WITHOUT = {
    Cause.ARTEFACT: "it takes a real bundle on a disk",
    Cause.DISK: "it takes a real disk",
}
WEEKS = timedelta(days=BEFORE + UNDER + AFTER + 2)
CATALOGUE = tuple(kind for kind in WAYS if kind not in WITHOUT)
Told = Callable[[int, int, str], None]


def untold(done: int, of: int, words: str) -> None:
    """Tell nobody."""


def drill(
    operator: Operator, model: str, *, faults: Sequence[str] = (), seed: int = 0, progress: Told = untold
) -> Drill:
    """Plant faults in a shadow copy of a deployment's recorded traffic, and see what its loop would do about each.

    Nothing that is planted reaches a caller, the record log or the state: the drill has a home of its own, which is
    gone afterwards.

    Parameters
    ----------
    faults : sequence of str
        Names of the catalogue; default: all that a table can show.
    seed : int
        The same seed drills the same on the same records.
    progress : callable
        Told how many rides of how many are done, and which comes next.

    Raises
    ------
    InvalidInput
        If a fault is none of the catalogue, or too little is recorded.
    Unusable
        If the recorded inputs cannot be read.
    """
    kinds = _asked(faults)
    deployment = operator.deployments(model)[0]
    with tempfile.TemporaryDirectory(prefix="setpoint-drill-") as folder, threadpool_limits(1):
        lab, every = _lab(operator, deployment, Path(folder), seed)
        drawn, impossible = lab.draw(kinds)
        of = len(drawn) + 2
        progress(0, of, "the weeks before")
        before = lab.before()
        progress(1, of, "no fault")
        usual = lab.run(before, None)
        found = []
        for number, fault in enumerate(drawn):
            progress(number + 2, of, str(fault.kind))
            found.append(lab.drilled(before, fault, usual))
        return Drill(
            model=model,
            version=deployment.served.champion,
            seed=seed,
            since=moment(lab.course.since),
            begins=moment(lab.course.begins),
            ends=moment(lab.course.ends),
            until=moment(lab.course.until),
            rows=len(lab.traffic),
            every=every,
            quiet=tuple(i.id for i in usual.stood[-1].incidents),
            faults=tuple(found),
            impossible=impossible if faults else {**impossible, **{str(k): why for k, why in WITHOUT.items()}},
        )


def _asked(faults: Sequence[str]) -> list[Cause]:
    why = {str(kind): f": {words}" for kind, words in WITHOUT.items()}
    for fault in faults:
        if fault not in CATALOGUE:
            raise InvalidInput(f"{fault!r} is not drilled{why.get(fault, '')}; faults are {', '.join(CATALOGUE)}")
    return [Cause(f) for f in dict.fromkeys(faults)] or list(CATALOGUE)


def _lab(operator: Operator, deployment: Deployment, home: Path, seed: int) -> tuple[Lab, int]:
    """Copy what a drill needs of a home: the champion, and the last weeks of its records."""
    ports, model, champion = operator.ports, deployment.model, deployment.served.champion
    schema = ports.bundles.get(model, champion).schema
    if why := why_unreadable(ports, schema):
        raise Unusable(f"a drill of {model} cannot be: {why}")
    records, kept = _latest(ports, deployment)
    if not len(records):
        raise InvalidInput(f"nothing is recorded of {model} yet; a drill needs some weeks of its traffic")
    course = course_of(records.time)
    traffic, every = traffic_from(in_clear(ports, model, records), course)
    for version in _family(ports.bundles, ports.bundles.get(model, champion)):
        shutil.copytree(ports.bundles.folder(model, version), home / "bundles" / model / version)
    wire = partial(_wired, schema, course)
    shadow = Lab(home=home, wire=wire, deployment=deployment, schema=schema, traffic=traffic, course=course, seed=seed)
    return shadow, kept * every


def _latest(ports: Ports, deployment: Deployment) -> tuple[Records, int]:
    """Return the last weeks before the last look, and of how many each row is one; all records, where those are few."""
    if deployment.looked is not None:
        found, every = thinned(ports.log, deployment.model, deployment.looked - WEEKS, deployment.looked, MOST)
        if len(found) >= FEWEST:
            return found, every
    return ports.log.read(deployment.model), 1


def _family(bundles: BundleStore, version: ModelVersion) -> Iterator[str]:
    """Yield a version, and those whose model it runs with another line or threshold."""
    yield version.version
    while version.lineage.method in DERIVED and version.lineage.parent:
        version = bundles.get(version.model, version.lineage.parent)
        yield version.version


def _wired(
    schema: Schema, course: Course, home: Path, faults: tuple[Fault, ...], log: FaultyLog, traffic: Traffic
) -> Wired:
    clock, bundles = VirtualClock(moment(course.since)), FolderBundleStore(home / "bundles")
    scorer = FaultyScorer(scorer=BundleScorer(bundles), schema=schema, faults=faults, clock=clock)
    ports = Ports(
        bundles=bundles,
        keys=HomeKeys(home, KEY),
        notifier=MemoryNotifier(),
        log=log,
        state=SqlStateStore("sqlite://"),
        platform=RecordedPlatform(events_of(faults), reports_of(faults)),
        scorer=scorer,
        source=RecordedSource(traffic),
        trainer=NoTrainer(),
        jobs=home / "jobs",
        timed=False,
    )
    return Wired(operator=Operator(ports=ports, clock=clock), clock=clock, log=log, scorer=scorer)
