"""The log of a former release is read by this one, and goes on."""

import json
import shutil
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from setpoint.domain.record import InferenceRecord, Outcome, Role
from setpoint.loop.verbs.records import as_lines
from setpoint.store import follower as follower_module
from setpoint.store import upgrade
from setpoint.store.log import DeltaRecordLog
from setpoint.store.spool import Spool

# Written by commit ab71b61: tables of 60 records and 22 outcomes, their segments, and two segments that no table has.
DATA = Path(__file__).parents[1] / "data"
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=3)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with tarfile.open(DATA / "record_log_format_1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def expected() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / "record_log_format_1.jsonl").read_text().splitlines()]


def recorded(log: DeltaRecordLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in as_lines(log.table("rental"))]


def complete(log: DeltaRecordLog) -> None:
    assert recorded(log) == expected()
    champions = [r for r in expected() if r["role"] == "champion" and r["status"] == 200]
    assert log.profile("rental", SINCE, UNTIL).rows == len(champions)
    assert log.profile("rental", SINCE, UNTIL, role=Role.SHADOW).rows == 12
    levels = log.profile("rental", SINCE, UNTIL).columns["sky"].levels
    assert levels["fög"] == sum(r["inputs"]["sky"] == "fög" for r in champions)


def test_format_1_is_read(home: Path) -> None:
    complete(DeltaRecordLog(home))
    complete(DeltaRecordLog(home))


def test_format_1_is_ingested_and_continued(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower_module, "FOLD_EVERY_S", 0.0)
    log = DeltaRecordLog(home)
    moved = log.ingest()
    assert (moved.records, moved.outcomes, moved.corrupt_frames) == (20, 3, 0)
    complete(log)
    assert list((home / "spool" / "rental").iterdir()) == []
    told = [
        Outcome(id=f"ride-{n}", value="yes", known_us=1_772_600_000_000_000, stated=False) for n in (1, 30, 31, 900)
    ]
    receipt = log.add_outcomes("rental", told)
    assert (receipt.recorded, receipt.repeated, receipt.unknown) == (2, 2, 2)
    log.close()
    spool = Spool(home / "spool", "w")
    at = 1_772_500_000_000_000
    spool.append(
        [
            InferenceRecord.named(
                request_id="q900", model="rental", version="v2", role="champion", arrived_us=at, latency_us=1,
                status=200, caller="", ids=["ride-900"], times_us=[at],
                inputs={"temp": [1.0], "hour": [2], "sky": [None]}, outputs={"label": ["no"], "probability": [0.1]},
            )
        ]
    )  # fmt: skip
    spool.close()
    log.ingest()
    (late,) = log.table("rental", ids=["ride-900"]).to_pylist()
    assert (late["outcome"], len(log.table("rental"))) == ("yes", len(expected()) + 1)


class Stopped(Exception):
    """Stands for a kill at this place."""


@pytest.mark.parametrize("stopped_in", ["outcomes_table", "placed", "finish", "rename"])
def test_a_stop_in_the_upgrade_loses_nothing(home: Path, monkeypatch: pytest.MonkeyPatch, stopped_in: str) -> None:
    def stop(*_: object, **__: object) -> Any:
        raise Stopped

    with monkeypatch.context() as patch:
        if stopped_in == "rename":
            real: Callable[[Path, Path], Path] = Path.rename
            patch.setattr(Path, "rename", lambda p, to: stop() if p.name == "profiles.new" else real(p, to))
        elif stopped_in == "finish":
            patch.setattr("setpoint.store.log.finish", stop)
        else:
            patch.setattr(upgrade, stopped_in, stop)
        with pytest.raises(Stopped):
            DeltaRecordLog(home).table("rental")
    complete(DeltaRecordLog(home))


def test_segments_of_format_1_are_read_without_any_table(home: Path) -> None:
    """As after a restore of the spool alone: every record is in a segment of format 1."""
    log = DeltaRecordLog(home)
    spool = home / "spool" / "rental"
    kept = shutil.copytree(spool, home / "kept")
    log.ingest()
    other = home / "other"
    (other / "records" / "rental").mkdir(parents=True)
    shutil.copy(home / "records" / "rental" / "model.json", other / "records" / "rental")
    shutil.copytree(kept, other / "spool" / "rental")
    assert recorded(DeltaRecordLog(other)) == expected()
