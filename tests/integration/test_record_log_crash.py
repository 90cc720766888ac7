"""Whatever is killed on the way from the spool to the tables, every record is in the log exactly once."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.domain.profile import Binning, binning_of, profile_of
from setpoint.domain.record import InferenceRecord, Outcome
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.errors import Unusable
from setpoint.store import follower as follower_module
from setpoint.store import tables as tables_module
from setpoint.store.framing import add_frame
from setpoint.store.log import DeltaRecordLog
from setpoint.store.segments import segments
from setpoint.store.spool import RECORDS, Spool
from setpoint.store.tables import Table

T0 = datetime(2011, 3, 1, tzinfo=UTC)
T0_US = int(T0.timestamp()) * 1_000_000
FEATURES = (
    Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True),
    Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True),
)
SCHEMA = Schema(features=FEATURES, target="cnt", task=Task.REGRESSION)
BINNING: Binning = binning_of(
    {"temp": np.arange(10.0), "sky": np.array(["clear"] * 10, object)}, SCHEMA, np.arange(10.0)
)


def record(n: int) -> InferenceRecord:
    time_us = T0_US + n * 1_800_000_000
    return InferenceRecord.named(
        request_id=f"r{n}",
        model="demand",
        version="v1",
        role="champion",
        arrived_us=time_us,
        latency_us=1,
        status=200,
        caller="",
        ids=[f"i{n}"],
        times_us=[time_us],
        inputs={"temp": [float(n % 10)], "sky": [("clear", "rain", None)[n % 3]]},
        outputs={"prediction": [float(n % 10)]},
    )


def outcome(n: int) -> Outcome:
    return Outcome(id=f"i{n}", value=float(n), known_us=T0_US + n * 1_800_000_000)


def opened(home: Path) -> DeltaRecordLog:
    log = DeltaRecordLog(home)
    log.open_model("demand", SCHEMA, BINNING)
    return log


def holds(log: DeltaRecordLog, count: int, told: int | None = None) -> None:
    """Check rows, profile and outcomes: all are there, and none twice."""
    rows = log.read("demand")
    assert rows.id.tolist() == [f"i{n}" for n in range(count)]
    assert rows.outcome[: told or count].tolist() == [float(n) for n in range(told or count)]
    assert sorted(log.table("demand")["id"].to_pylist()) == sorted(rows.id.tolist())
    profile = log.profile("demand", T0, T0 + timedelta(minutes=30 * count))
    expected = profile_of({**rows.inputs, "prediction": rows.score}, BINNING)
    for name, column in profile.columns.items():
        assert column.bins.tolist() == expected.columns[name].bins.tolist()
        assert column.levels == expected.columns[name].levels
        assert column.nulls == expected.columns[name].nulls


def stored(home: Path, table: str) -> int:
    return DeltaTable(home / "records" / "demand" / table).to_pyarrow_dataset().count_rows()


class Stopped(Exception):
    """Stands for a kill at this place."""


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit at every ingestion, and tidy at every commit."""
    monkeypatch.setattr(follower_module, "FOLD_EVERY_S", 0.0)
    monkeypatch.setattr(tables_module, "COMPACT_EVERY", 1)


STEPS: dict[str, tuple[type[Any], str, str, int]] = {
    "before the first commit": (Table, "append", "before", 1),
    "after predictions": (Table, "append", "after", 1),
    "before profiles": (Table, "append", "before", 2),
    "after profiles": (Table, "append", "after", 2),
    "before outcomes": (Table, "append", "before", 3),
    "after outcomes": (Table, "append", "after", 3),
    "before the sums of hours": (Table, "replace", "before", 1),
    "between the sums of hours and days": (Table, "replace", "before", 2),
    "after the sums": (Table, "replace", "after", 2),
    "before joining small files": (Table, "tidy", "before", 1),
    "after joining small files": (Table, "tidy", "after", 3),
    "before the first deletion": (Path, "unlink", "before", 1),
    "after the first deletion": (Path, "unlink", "after", 1),
    "after the second deletion": (Path, "unlink", "after", 2),
}


def stop_at(monkeypatch: pytest.MonkeyPatch, kind: type[Any], method: str, when: str, nth: int) -> None:
    calls = 0
    real: Callable[..., Any] = getattr(kind, method)

    def stopping(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            raise Stopped
        result = real(*args, **kwargs)
        if calls == nth:
            raise Stopped
        return result

    monkeypatch.setattr(kind, method, stopping)


@pytest.mark.parametrize("gone", [True, False], ids=["writer gone", "writer alive"])
@pytest.mark.parametrize("same", [True, False], ids=["same process", "next process"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.usefixtures("eager")
def test_a_stop_at_any_step_loses_and_doubles_nothing(tmp_path: Path, step: str, same: bool, gone: bool) -> None:
    kind, method, when, nth = STEPS[step]
    if not gone and method == "unlink":
        pytest.skip("nothing is deleted while the writer lives")
    log, spool = opened(tmp_path), Spool(tmp_path / "spool", "w")
    spool.append([record(n) for n in range(30)])
    spool.append_outcomes("demand", [outcome(n) for n in range(30)])
    if gone:
        spool.close()
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, kind, method, when, nth)
        with pytest.raises(Stopped):
            log.ingest()
    log = log if same else opened(tmp_path)
    holds(log, 30)
    spool.append([record(n) for n in range(30, 40)])
    spool.append_outcomes("demand", [outcome(n) for n in range(30, 40)])
    spool.close()
    log.ingest()
    holds(log, 40)
    holds(DeltaRecordLog(tmp_path), 40)
    assert (stored(tmp_path, "predictions"), stored(tmp_path, "outcomes")) == (40, 40)
    assert list((tmp_path / "spool" / "demand").iterdir()) == []


@pytest.mark.usefixtures("eager")
def test_the_test_of_stops_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the cursors in the commits, a stop before the deletion doubles every record."""
    monkeypatch.setattr(Table, "cursor", lambda *_: None)
    log, spool = opened(tmp_path), Spool(tmp_path / "spool", "w")
    spool.append([record(0)])
    spool.close()
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, Path, "unlink", "before", 1)
        with pytest.raises(Stopped):
            log.ingest()
    opened(tmp_path).ingest()
    assert stored(tmp_path, "predictions") == 2


INGEST = """
import sys
from pathlib import Path
from setpoint.store import follower
from setpoint.store.framing import add_frame
from setpoint.store.log import DeltaRecordLog
follower.FOLD_EVERY_S = 0.0
log = DeltaRecordLog(Path(sys.argv[1]))
while True:
    log.ingest()
    print("ingested", flush=True)
"""


def ingesting(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", INGEST, str(home)], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_ingesters_lose_and_double_nothing(tmp_path: Path) -> None:
    """Writers come and go, the ingesting process is killed at random moments, and the sum comes out right."""
    opened(tmp_path)
    chance, count = random.Random(1), 0
    for round_ in range(8):
        spool = Spool(tmp_path / "spool", f"w{round_ % 2}", segment_bytes=2_000)
        with ingesting(tmp_path) as process:
            assert process.stdout is not None
            process.stdout.readline()
            until = time.monotonic() + chance.uniform(0.0, 0.25)
            while time.monotonic() < until or count % 10:
                spool.append([record(count)])
                spool.append_outcomes("demand", [outcome(count)])
                count += 1
            process.send_signal(signal.SIGKILL)
            process.stdout.read()
        spool.close()
    log = opened(tmp_path)
    log.ingest()
    holds(log, count)
    assert (stored(tmp_path, "predictions"), stored(tmp_path, "outcomes")) == (count, count)
    assert segments(tmp_path / "spool" / "demand", RECORDS) == []


@pytest.mark.slow
def test_two_ingesters_share_the_work(tmp_path: Path) -> None:
    opened(tmp_path)
    spool = Spool(tmp_path / "spool", "w", segment_bytes=5_000)
    with ingesting(tmp_path) as one, ingesting(tmp_path) as other:
        for process in (one, other):
            assert process.stdout is not None
            process.stdout.readline()
        for n in range(400):
            spool.append([record(n)])
            spool.append_outcomes("demand", [outcome(n)])
            time.sleep(0.001)
        for process in (one, other):
            process.kill()
            process.stdout.read()  # type: ignore[union-attr]
    spool.close()
    log = opened(tmp_path)
    log.ingest()
    holds(log, 400)
    assert stored(tmp_path, "predictions") == 400


@pytest.mark.usefixtures("eager")
def test_a_reader_in_another_process_sees_each_record_once_all_the_time(tmp_path: Path) -> None:
    """Before ingestion, after it, after the commit and after the deletion."""
    log, reader, spool = opened(tmp_path), DeltaRecordLog(tmp_path), Spool(tmp_path / "spool", "w", segment_bytes=900)
    for n in range(30):
        spool.append([record(n)])
        spool.append_outcomes("demand", [outcome(n)])
        holds(reader, n + 1)
        if n % 3 == 0:
            log.ingest()
            holds(reader, n + 1)
    spool.close()


def test_small_ingestions_wait_for_their_commit_and_are_read_at_once(tmp_path: Path) -> None:
    log, spool = opened(tmp_path), Spool(tmp_path / "spool", "w")
    for n in range(20):
        spool.append([record(n)])
        spool.append_outcomes("demand", [outcome(n)])
        assert log.ingest().records == 1
    holds(log, 20)
    assert stored(tmp_path, "predictions") == 0
    spool.close()
    log.ingest()
    assert stored(tmp_path, "predictions") == 20
    holds(log, 20)


def test_outcomes_added_by_hand_survive_a_kill_before_their_commit(tmp_path: Path) -> None:
    log, spool = opened(tmp_path), Spool(tmp_path / "spool", "w")
    spool.append([record(n) for n in range(5)])
    log.ingest()
    assert log.add_outcomes("demand", [outcome(n) for n in range(5)]).recorded == 5
    assert log.ingest().outcomes == 0
    again = opened(tmp_path)
    assert again.add_outcomes("demand", [outcome(n) for n in range(5)]).repeated == 5
    holds(again, 5)
    spool.close()
    log.close()


@pytest.mark.usefixtures("eager")
def test_joining_small_files_keeps_rows_and_cursors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("setpoint.store.tables.COMPACT_EVERY", 5)
    log, spool = opened(tmp_path), Spool(tmp_path / "spool", "w")
    for n in range(25):
        spool.append([record(n)])
        spool.append_outcomes("demand", [outcome(n)])
        log.ingest()
    holds(log, 25)
    holds(DeltaRecordLog(tmp_path), 25)
    assert len(DeltaTable(tmp_path / "records" / "demand" / "predictions").file_uris()) < 10
    (path,) = segments(tmp_path / "spool" / "demand", RECORDS)
    table = DeltaTable(tmp_path / "records" / "demand" / "predictions")
    assert table.transaction_version(path.name) == path.stat().st_size
    spool.close()


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_cursors_are_read_back_after_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables_module, "COMPACT_EVERY", 100)
    log, spool = opened(tmp_path), Spool(tmp_path / "spool", "w")
    for n in range(130):
        spool.append([record(n)])
        log.ingest()
    assert list((tmp_path / "records" / "demand" / "predictions" / "_delta_log").glob("*.checkpoint.parquet"))
    holds_rows = DeltaRecordLog(tmp_path)
    assert len(holds_rows.read("demand")) == 130
    holds_rows.ingest()
    assert len(holds_rows.read("demand")) == 130
    spool.close()


def test_torn_and_damaged_bytes_are_counted_and_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log, spool = opened(tmp_path), Spool(tmp_path / "spool", "w")
    spool.append([record(n) for n in range(2)])
    (path,) = segments(tmp_path / "spool" / "demand", RECORDS)
    whole = path.stat().st_size
    spool.append([record(2)])
    data = bytearray(path.read_bytes())
    data[data.index(b"r0")] ^= 1
    path.write_bytes(data[:-4])
    first = log.ingest()
    assert (first.records, first.corrupt_frames, first.torn_bytes) == (1, 1, 0)
    assert "records of demand: 1 damaged places and 0 bytes of torn tails were set aside in" in caplog.text
    caplog.clear()
    spool.close()
    second = log.ingest()
    assert (second.records, second.corrupt_frames) == (0, 0)
    assert second.torn_bytes == len(data) - 4 - whole
    assert f"0 damaged places and {second.torn_bytes} bytes" in caplog.text
    caplog.clear()
    log.ingest()
    assert caplog.text == ""
    assert log.read("demand").id.tolist() == ["i1"]
    assert not path.exists()


def test_a_frame_that_is_no_record_is_set_aside(tmp_path: Path) -> None:
    log, spool = opened(tmp_path), Spool(tmp_path / "spool", "w")
    spool.append([record(0)])
    (path,) = segments(tmp_path / "spool" / "demand", RECORDS)
    strange = bytearray()
    add_frame(strange, b"\xc0")
    with path.open("ab") as file:
        file.write(strange)
    moved = log.ingest()
    assert (moved.records, moved.corrupt_frames) == (1, 1)
    assert len(list((path.parent / "quarantine").iterdir())) == 1
    spool.close()


def test_a_model_nobody_opened_keeps_its_spool(tmp_path: Path) -> None:
    log, spool = DeltaRecordLog(tmp_path), Spool(tmp_path / "spool", "w")
    spool.append([record(0)])
    spool.append_outcomes("demand", [outcome(0)])
    spool.close()
    assert log.ingest().records == 0
    log.open_model("demand", SCHEMA, BINNING)
    assert log.ingest().records == 1
    holds(log, 1)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 7), st.booleans(), st.booleans(), st.booleans()), max_size=8))
def test_any_split_over_segments_ingestions_and_processes_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory, plan: Sequence[tuple[int, bool, bool, bool]]
) -> None:
    home = tmp_path_factory.mktemp("home")
    log, spool, count = opened(home), Spool(home / "spool", "w"), 0
    for size, close, ingest, restart in plan:
        spool.append([record(n) for n in range(count, count + size)])
        spool.append_outcomes("demand", [outcome(n) for n in range(count, count + size)])
        count += size
        if close:
            spool.close()
        if restart:
            log = opened(home)
        if ingest:
            log.ingest()
    spool.close()
    log.ingest()
    holds(log, count)
    assert stored(home, "predictions") == count


def test_a_home_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(Unusable, match=r"home not writable: .*home \(.*\); set SETPOINT_HOME"):
        opened(tmp_path / "home")


@pytest.mark.usefixtures("eager")
def test_an_outcome_told_before_its_predictions_joins_them_on_each_of_their_days(tmp_path: Path) -> None:
    log, spool = opened(tmp_path), Spool(tmp_path / "spool", "w")
    log.add_outcomes("demand", [outcome(0)])
    log.ingest()
    spool.append([record(0), msgspec.structs.replace(record(96), ids=["i0"])])
    spool.close()
    log.ingest()
    log.add_outcomes("demand", [outcome(500)])  # one more commit, and with it the tidying that finds the days
    log.ingest()
    told = DeltaTable(tmp_path / "records" / "demand" / "outcomes").to_pyarrow_table().sort_by("day").to_pylist()
    assert [(str(row["day"]), row["id"], row["seq"]) for row in told] == [
        ("2011-03-01", "i0", 0),
        ("2011-03-03", "i0", 0),
        ("None", "i500", 1),
    ]
    assert DeltaRecordLog(tmp_path).read("demand").outcome.tolist() == [0.0, 0.0]
    assert len(log.read("demand", since=T0 + timedelta(days=2)).labelled) == 1


def test_a_model_whose_tables_are_damaged_stops_no_other(tmp_path: Path) -> None:
    log, spool = opened(tmp_path), Spool(tmp_path / "spool", "w")
    log.open_model("another", SCHEMA, BINNING)
    for damaged in (tmp_path / "records" / "another" / "predictions" / "_delta_log").iterdir():
        damaged.write_text("{")
    spool.append([record(0)])
    spool.append_outcomes("demand", [outcome(0)])
    spool.close()
    log = DeltaRecordLog(tmp_path)
    with pytest.raises(Exception) as raised:  # what a broken table raises is not ours
        log.ingest()
    assert "while ingesting the records of 'another'" in raised.value.__notes__
    holds(log, 1)
    assert segments(tmp_path / "spool" / "demand", RECORDS) == []


@pytest.mark.usefixtures("eager")
def test_a_long_answer_beside_an_erasure_has_each_record_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower_module, "STRETCH_BYTES", 1)
    log, spool = opened(tmp_path), Spool(tmp_path / "spool", "w")
    spool.append([record(n) for n in range(0, 192, 12)])  # four a day, four days
    log.ingest()
    spool.append([record(n) for n in range(6, 192, 12)])
    reader = DeltaRecordLog(tmp_path)
    answer = reader.stretches("demand")
    first = next(answer)
    log.ingest()
    log.erase("demand", ids=["i54"], by="test", now=T0)
    ids = [id_ for part in (first, *answer) for id_ in part["id"].to_pylist()]
    assert sorted(ids) == sorted(f"i{n}" for n in range(0, 192, 6) if n != 54)
    spool.close()


@pytest.mark.usefixtures("eager")
def test_a_process_that_slept_while_the_tables_log_was_cleaned_up_sees_all(tmp_path: Path) -> None:
    log, reader, spool = opened(tmp_path), DeltaRecordLog(tmp_path), Spool(tmp_path / "spool", "w")
    spool.append([record(0)])
    log.ingest()
    assert len(reader.read("demand")) == 1
    for n in range(1, 8):
        spool.append([record(n)])
        log.ingest()
    spool.close()
    log.ingest()  # with which nothing is left in the spool
    for table in ("predictions", "profiles", "outcomes"):
        folder = tmp_path / "records" / "demand" / table
        DeltaTable(folder).create_checkpoint()
        for commit in sorted((folder / "_delta_log").glob("*.json"))[:-1]:
            commit.unlink()
    assert len(reader.read("demand")) == 8
    assert reader.profile("demand", T0, T0 + timedelta(days=1)).rows == 8


@pytest.mark.usefixtures("eager")
def test_an_erasure_between_a_readers_look_and_its_reading_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, reader, spool = opened(tmp_path), DeltaRecordLog(tmp_path), Spool(tmp_path / "spool", "w")
    spool.append([record(0), record(1)])
    log.ingest()
    spool.append([record(2)])
    assert len(reader.table("demand")) == 3  # two from the table, one from the spool
    real: Callable[..., Any] = Table.load

    def beaten(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(Table, "load", real)
        log.ingest()
        log.erase("demand", ids=["i0"], by="test", now=T0)
        return real(*args, **kwargs)

    monkeypatch.setattr(Table, "load", beaten)
    assert reader.table("demand")["id"].to_pylist() == ["i1", "i2"]
    spool.close()
