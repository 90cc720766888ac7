"""A world on recorded time: a deployed model, hours of traffic with faults planted, and the loop over them."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from setpoint.config import SetpointFile, read_setpoint_file
from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident
from setpoint.domain.live import Live
from setpoint.domain.update import Updates
from setpoint.loop.clock import VirtualClock
from setpoint.loop.learning.training import ProcessTrainer
from setpoint.loop.looks.scoring import BundleScorer
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning
from setpoint.loop.replay import Ran, RecordedPlatform, Traffic, replay, traffic_of
from setpoint.loop.verbs import deploying
from setpoint.loop.verbs.operator import Operator
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.keys import HomeKeys
from setpoint.store.memory import MemoryRecordLog
from setpoint.store.messages import MemoryNotifier
from setpoint.store.state import SqlStateStore

MODEL = "demand"
START = datetime(2024, 3, 1, tzinfo=UTC)  # of the traffic
DAY = timedelta(days=1)
REFERENCE_DAYS = 60
FEATURES = ["hour", "temp", "felt", "hum", "wind"]
SETPOINT_FILE = """
model: demand
task: regression
artifact: model.joblib
reference: reference.parquet
target: demand
time: at
id: id
outcome_delay: 1h
objectives:
  - {metric: mae, at_most: 16, window: 7d}
"""


def hours_of_weather(days: int, start: datetime, seed: int) -> pd.DataFrame:
    """Hourly weather that wanders and swings, and the demand that follows it."""
    rows, rng = days * 24, np.random.default_rng(seed)
    hour, wander = np.arange(rows) % 24, np.zeros(rows)
    for i in range(1, rows):
        wander[i] = 0.97 * wander[i - 1] + rng.normal(0, 0.6)
    temp = 12 + 4 * np.sin((hour - 9) * 2 * np.pi / 24) + wander
    table = pd.DataFrame(
        {
            "at": pd.date_range(start, periods=rows, freq="h").tz_localize(None).astype("datetime64[us]"),
            "id": [f"{start:%j}-{i}" for i in range(rows)],
            "hour": hour,
            "temp": temp,
            "felt": 1.1 * temp - 2 + rng.normal(0, 0.6, rows),
            "hum": np.clip(0.7 - 0.01 * temp + rng.normal(0, 0.05, rows), 0.05, 1),
            "wind": rng.gamma(2, 6, rows),
        }
    )
    demand = 100 + 8 * temp + 50 * np.sin(hour * 2 * np.pi / 24) + rng.normal(0, 10, rows)
    return table.assign(demand=demand)


def in_fahrenheit(rows: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """Send the temperature in another unit on the days from `first` to before `last`."""
    day = np.arange(len(rows)) // 24
    return rows.assign(temp=np.where((day >= first) & (day < last), rows["temp"] * 1.8 + 32, rows["temp"]))


def with_more_demand(rows: pd.DataFrame, first: int) -> pd.DataFrame:
    """From a day on, warm hours bring less demand than they did."""
    later = np.arange(len(rows)) // 24 >= first
    return rows.assign(demand=np.where(later, 260 - 4 * rows["temp"] + 40, rows["demand"]))


@dataclass
class World:
    """One deployment on recorded time."""

    operator: Operator
    clock: VirtualClock
    log: MemoryRecordLog
    file: SetpointFile
    traffic: Traffic
    day: int = 0

    def until(self, day: int) -> Ran:
        """Send traffic and look once a day, up to a day of the traffic."""
        time = self.traffic.time
        ends = [np.datetime64((START + d * DAY).replace(tzinfo=None)) for d in (self.day, day)]
        rows = (time >= ends[0]) & (time < ends[1])
        columns = {n: getattr(self.traffic, n)[rows] for n in ("time", "id", "outcome", "known")}
        inputs = {n: c[rows] for n, c in self.traffic.inputs.items()}
        self.day = day
        return replay(self.operator, self.clock, self.log, self.file, Traffic(inputs=inputs, **columns), every=DAY)

    @property
    def deployment(self) -> Deployment:
        return self.operator.deployments(MODEL)[0]

    @property
    def incident(self) -> Incident:
        """The newest incident."""
        return self.deployment.incidents[-1]

    @property
    def live(self) -> Live:
        return self.operator.ports.platform.live()

    def did(self, *actions: str) -> list[Any]:
        """Decisions of these kinds."""
        return [d for d in self.deployment.decisions if d.action in actions]


def ports_of(home: Path, clock: VirtualClock, log: MemoryRecordLog) -> Ports:
    bundles = FolderBundleStore(home / "bundles")
    return Ports(
        keys=HomeKeys(home),
        notifier=MemoryNotifier(),
        bundles=bundles,
        log=log,
        state=SqlStateStore("sqlite://"),
        platform=RecordedPlatform(),
        scorer=BundleScorer(bundles),
        trainer=ProcessTrainer(bundles, home / "jobs", clock, timeout_s=60, wait=True, timed=False),
        jobs=home / "jobs",
        timed=False,
    )


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SetpointFile, Deployment]:
    """A home with one version, made once; its setpoint file, and its deployment."""
    home, project = tmp_path_factory.mktemp("world"), tmp_path_factory.mktemp("project")
    reference = hours_of_weather(REFERENCE_DAYS, START - REFERENCE_DAYS * DAY, seed=1)
    reference.to_parquet(project / "reference.parquet", index=False)
    model = HistGradientBoostingRegressor(max_iter=60, random_state=0).fit(reference[FEATURES], reference["demand"])
    joblib.dump(model, project / "model.joblib")
    (project / "setpoint.yaml").write_text(SETPOINT_FILE)
    file, clock = read_setpoint_file(project), VirtualClock(START)
    operator = Operator(ports=ports_of(home, clock, MemoryRecordLog()), clock=clock)
    deploying.deploy(operator, file, by="test")
    return home, file, operator.deployments(MODEL)[0]


@pytest.fixture
def world(deployed: tuple[Path, SetpointFile, Deployment], tmp_path: Path) -> Callable[..., World]:
    """Return a function: a world with an envelope, in which something happens to the traffic."""

    def world(
        happens: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows,
        envelope: Envelope | None = None,
        updates: Updates | None = None,
    ) -> World:
        home, file, deployment = deployed
        here = Path(tempfile.mkdtemp(dir=tmp_path))
        shutil.copytree(home / "bundles", here / "bundles")
        clock, log = VirtualClock(START), MemoryRecordLog()
        ports = ports_of(here, clock, log)
        version = ports.bundles.get(MODEL, "v1")
        log.open_model(MODEL, version.schema, read_binning(ports.bundles.folder(MODEL, "v1")))
        ports.platform.apply(Live().having(MODEL, deployment.served))
        ports.state.save(
            replace(deployment, envelope=envelope or deployment.envelope, updates=updates or deployment.updates)
        )
        rows = happens(hours_of_weather(60, START, seed=2))
        traffic = traffic_of(pa.Table.from_pandas(rows, preserve_index=False), file, version.schema)
        return World(Operator(ports=ports, clock=clock), clock, log, file, traffic)

    return world


@pytest.fixture(scope="session")
def fahrenheit() -> Callable[[pd.DataFrame], pd.DataFrame]:
    """From day 20 to day 26 the temperature comes in another unit."""
    return lambda rows: in_fahrenheit(rows, 20, 26)


@pytest.fixture(scope="session")
def another_demand() -> Callable[[pd.DataFrame], pd.DataFrame]:
    """From day 15 on demand follows another law."""
    return lambda rows: with_more_demand(rows, 15)
