"""Everything the loop reaches the world through."""

from pathlib import Path

from setpoint.domain.value import field, value
from setpoint.loop.own import OwnMetrics
from setpoint.loop.sources import OwnSources
from setpoint.ports import BundleStore, KeyStore, Notifier, Platform, RecordLog, Scorer, Source, StateStore, Trainer


@value
class Ports:
    """The concrete parts, chosen in bootstrap (live) or by replay (recorded time)."""

    bundles: BundleStore
    log: RecordLog
    state: StateStore
    platform: Platform
    scorer: Scorer
    trainer: Trainer
    keys: KeyStore
    notifier: Notifier
    own: OwnMetrics = field(default_factory=OwnMetrics)
    source: Source = field(default_factory=OwnSources)
    jobs: Path  # working folder of trainings, one folder a job
    job_timeout_s: float = 1_800.0
    job_memory: int | None = None  # bytes; None: four fifths of the machine's
    timed: bool = True  # whether the speed of new versions is measured; a replay decides the same on any machine
    studies: bool = False  # whether each day is studied; a replay has too many
