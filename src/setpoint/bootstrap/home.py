"""Wire a home: the concrete parts behind the verbs."""

import os
from pathlib import Path

from setpoint.config import Settings
from setpoint.errors import Unusable
from setpoint.loop.clock import WallClock
from setpoint.loop.learning.training import ProcessTrainer
from setpoint.loop.looks.scoring import BundleScorer
from setpoint.loop.ports import Ports
from setpoint.loop.verbs.operator import Operator
from setpoint.platforms.files import make_home
from setpoint.platforms.local import LocalPlatform
from setpoint.platforms.notify import AppriseNotifier
from setpoint.ports import Clock
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.keys import HomeKeys
from setpoint.store.log import DeltaRecordLog
from setpoint.store.signing import Signing
from setpoint.store.state import SqlStateStore
from setpoint.update.tracking import track


def open_home(settings: Settings, clock: Clock | None = None, *, wait_for_trainings: bool = False) -> Operator:
    """Open the home that the settings name, making it if there is none.

    Raises
    ------
    Unusable
        If the home cannot be written.
    """
    home, clock = settings.home, clock or WallClock()
    _make(home)
    bundles = FolderBundleStore(home / "bundles", signing_of(settings))
    keys = HomeKeys(home, settings.key.get_secret_value() if settings.key else None)
    log = DeltaRecordLog(home)
    ports = Ports(
        bundles=bundles,
        keys=keys,
        notifier=AppriseNotifier(os.environ | _home_alerts(settings)),
        log=log,
        state=SqlStateStore(settings.state_url),
        platform=LocalPlatform(home),
        scorer=BundleScorer(bundles, settings.job_memory),
        trainer=ProcessTrainer(
            bundles,
            home / "jobs",
            clock,
            keys,
            timeout_s=settings.job_timeout_s,
            memory_bytes=settings.job_memory,
            wait=wait_for_trainings,
            track=track,
            erased=log.erased,
        ),
        jobs=home / "jobs",
        job_timeout_s=settings.job_timeout_s,
        job_memory=settings.job_memory,
        studies=isinstance(clock, WallClock),
    )
    return Operator(ports=ports, clock=clock)


def signing_of(settings: Settings) -> Signing:
    """Return what signs bundles, and whose signatures are asked for."""
    return Signing(settings.home, settings.signatures, settings.trusted_keys)


def _home_alerts(settings: Settings) -> dict[str, str]:
    return {} if settings.alerts is None else {"SETPOINT_ALERTS": settings.alerts.get_secret_value()}


def _make(home: Path) -> None:
    try:
        make_home(home)
        probe = home / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as e:
        raise Unusable(f"home not writable: {home} ({e.strerror}); set SETPOINT_HOME to a folder you may write") from e
