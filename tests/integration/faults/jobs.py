"""What test_record_log_faults.py has done in processes of their own: homes, jobs that are stopped, and what is there.

As a program it is the warm process that forks for each job: requests come in as lines of JSON, answers go out so. It
never touches a table itself, as the threads that would start do not survive a fork.
"""

import json
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from stepwise import OVER, Fault, refused, run

from setpoint.domain.profile import Profile, binning_of, profile_of
from setpoint.domain.record import InferenceRecord, Outcome
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import from_json
from setpoint.store import follower, tables
from setpoint.store.framing import add_frame
from setpoint.store.log import DeltaRecordLog, Opened
from setpoint.store.packing import encode_record
from setpoint.store.profiles import GRAINS, summed
from setpoint.store.segments import segments
from setpoint.store.spool import OUTCOMES, RECORDS, Spool

MODEL = "demand"
T0 = datetime(2011, 3, 1, tzinfo=UTC)
END = T0 + timedelta(days=5)
HOURS = 2  # from one record to the next
SCHEMA = Schema(
    features=(
        Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True),
        Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True),
    ),
    target="cnt",
    task=Task.REGRESSION,
)
BINNING = binning_of({"temp": np.arange(10.0), "sky": np.array(["clear"] * 10, object)}, SCHEMA, np.arange(10.0))
ANNA = ("ride-003", "ride-012", "ride-013", "ride-021")  # one subject's rides


def time_us(n: int) -> int:
    return int((T0 + timedelta(hours=HOURS * n)).timestamp()) * 1_000_000


def record(n: int, *, refused: bool = False) -> InferenceRecord:
    return InferenceRecord.named(
        request_id=f"request-{n:03}",
        model=MODEL,
        version="v1",
        role="champion",
        arrived_us=time_us(n),
        latency_us=1,
        status=422 if refused else 200,
        caller="",
        ids=[] if refused else [f"ride-{n:03}"],
        times_us=[] if refused else [time_us(n)],
        inputs={} if refused else {"temp": [float(n % 10)], "sky": [("clear", "rain", None)[n % 3]]},
        outputs={} if refused else {"prediction": [float(n % 10)]},
        violations=["missing:temp"] if refused else [],
    )


def told(n: int, value: float | None = None, later_us: int = 0) -> Outcome:
    return Outcome(id=f"ride-{n:03}", value=float(n) if value is None else value, known_us=time_us(n) + later_us)


def write(home: Path, writer: str, records: Iterable[int], outcomes: Iterable[Outcome]) -> None:
    spool = Spool(home / "spool", writer)
    spool.append([record(n) for n in records])
    spool.append_outcomes(MODEL, list(outcomes))
    spool.close()


def prepare(home: Path) -> None:
    """Make a home: rows 0 to 15 are in the tables, 16 to 36 in the spool, where 27 is damaged and 36 is torn.

    Outcome 20 comes before its prediction, 1 and 2 are corrected, 99 has none. Nothing is kept back from the deletion
    of old files, and checkpoints are frequent.
    """
    tables.CONFIGURATION = {
        "delta.deletedFileRetentionDuration": "interval 0 seconds",
        "delta.logRetentionDuration": "interval 0 seconds",
        "delta.checkpointInterval": "4",
    }
    follower.FOLD_EVERY_S, tables.COMPACT_EVERY = 0.0, 100
    log = DeltaRecordLog(home)
    log.open_model(MODEL, SCHEMA, BINNING)
    write(home, "a", range(8), [told(n) for n in range(4)])
    log.ingest()
    write(home, "b", range(8, 16), [*(told(n) for n in range(4, 8)), told(20), told(99), told(1, 100.0, 1)])
    log.ingest()
    write(home, "c", range(16, 24), [*(told(n) for n in range(8, 20)), told(2, 200.0, 1)])
    spool = Spool(home / "spool", "c")
    spool.append([record(90, refused=True)])
    spool.close()
    write(home, "d", range(24, 32), [])
    (damaged,) = (home / "spool" / MODEL).glob("d-*.seg")
    data = damaged.read_bytes()
    damaged.write_bytes(data.replace(b"ride-027", b"ride!027"))
    write(home, "e", range(32, 36), [told(n) for n in range(21, 30)])
    for pattern, payload in (("e-*.seg", encode_record(record(36))), ("e-*.out", b"[" * 20)):
        (torn,) = (home / "spool" / MODEL).glob(pattern)
        frame = bytearray()
        add_frame(frame, payload)
        torn.write_bytes(torn.read_bytes() + frame[:-5])


def eager() -> None:
    """Commit every few rows, and tidy at every commit."""
    follower.FOLD_EVERY_S, follower.FOLD_ROWS, tables.COMPACT_EVERY = 0.0, 16, 1


def ingest(home: Path) -> dict[str, int]:
    eager()
    return asdict(DeltaRecordLog(home).ingest())


def ingest_on(home: Path) -> None:
    """Ingest what is there and one outcome more, at whose commit the outcomes that a stop left without a day get it."""
    ingest(home)
    write(home, "z", [], [told(30)])
    ingest(home)


def ingest_without_cursors(home: Path) -> dict[str, int]:
    tables.Table.cursor = lambda *_: None  # type: ignore[assignment,method-assign]
    return ingest(home)


def ingest_through_full_disk(home: Path) -> list[str]:
    """Ingest on a disk that is full at some time, and again when it has room: one process, as the loop's."""
    eager()
    log = DeltaRecordLog(home)
    (home / OVER).touch()
    try:
        log.ingest()
        refused = []
    except Exception as e:
        refused = [c.__name__ for c in type(e).__mro__]
    (home / OVER).unlink()
    log.ingest()
    return refused


def erase(home: Path) -> str:
    eager()
    return DeltaRecordLog(home).erase(MODEL, ids=ANNA, by="me", now=END).id


def expire(home: Path) -> int:
    eager()
    return DeltaRecordLog(home).expire(MODEL, before=T0 + timedelta(days=2)).rows


def unpack(home: Path, archive: str) -> None:
    with tarfile.open(archive) as file:
        file.extractall(home, filter="data")


def open_model(home: Path) -> None:
    DeltaRecordLog(home).open_model(MODEL, SCHEMA, BINNING)


def upgrade(home: Path) -> None:
    DeltaRecordLog(home).table("rental")


def append(home: Path, acknowledged: str) -> None:
    """Record one after the other, each with its outcome, in small segments; write down what was acknowledged."""
    spool = Spool(home / "spool", "w", segment_bytes=900, fsync=True)
    with Path(acknowledged).open("a") as file:
        for n in range(12):
            spool.append([record(n)])
            spool.append_outcomes(MODEL, [told(n)])
            print(n, file=file, flush=True)
    spool.close()


def append_through_full_disk(home: Path) -> dict[str, Any]:
    """Record on a disk that is full at some time, and go on when it has room."""
    spool, kept, refused = Spool(home / "spool", "w", segment_bytes=900, fsync=True), [], set[str]()
    (home / OVER).touch()
    for n in range(12):
        if n == 8:
            (home / OVER).unlink()
        try:
            spool.append([record(n)])
            kept.append(n)
        except Exception as e:
            refused.add(type(e).__name__)
    spool.close()
    return {"kept": kept, "refused": sorted(refused)}


def seen(home: Path, model: str = MODEL) -> dict[str, Any]:
    """Return what a process that never ingests reads, every id as often as it is there."""
    log = DeltaRecordLog(home)
    rows, records = log.table(model), log.read(model)
    profile = log.profile(model, T0, datetime(2030, 1, 1, tzinfo=UTC))
    return {
        "rows": sorted(map(str, pc.coalesce(rows["id"], rows["request_id"]).to_pylist())),
        "outcomes": dict(zip(rows["id"].to_pylist(), rows["outcome"].to_pylist(), strict=True)),
        "read": sorted(records.id.tolist()),
        "profile": counts(profile),
        "answered": counts(
            profile_of({**records.inputs, "prediction": records.score}, BINNING) if model == MODEL else profile
        ),
    }


def stored(home: Path, model: str = MODEL) -> dict[str, Any]:
    """Return what the tables and the folders hold."""
    folder, spool = home / "records" / model, home / "spool" / model
    predictions, outcomes, profiles = (
        DeltaTable(folder / name).to_pyarrow_table() for name in ("predictions", "outcomes", "profiles")
    )
    opened = from_json((folder / "model.json").read_bytes(), Opened)
    told = sorted(outcomes.drop_columns(["seq"]).to_pylist(), key=str)
    return {
        "predictions": sorted(map(str, pc.coalesce(predictions["id"], predictions["request_id"]).to_pylist())),
        "told": [[str(v) for v in row.values()] for row in told],
        "repeated": [n for n, times in Counter(outcomes["seq"].to_pylist()).items() if times > 1],
        "grains": [
            counts(summed(profiles.filter(pc.and_(pc.equal(profiles["grain"], g), pc.equal(profiles["segment"], ""))),
                          opened.binning))
            for g in GRAINS
        ],
        "spool": [path.name for kind in (RECORDS, OUTCOMES) for path in segments(spool, kind)],
        "quarantine": {p.name: p.read_bytes().hex() for p in sorted((spool / "quarantine").glob("*"))},
    }  # fmt: skip


def counts(profile: Profile) -> dict[str, Any]:
    return {
        name: [column.bins.tolist(), sorted(column.levels.items()), column.nulls]
        for name, column in profile.columns.items()
    }


def receipts(home: Path) -> list[dict[str, Any]]:
    return [{"ids": e.ids, "rows": e.rows, "outcomes": e.outcomes} for e in DeltaRecordLog(home).erasures(MODEL)]


def litter(home: Path) -> list[str]:
    """Return the files that never got their name."""
    return sorted(
        str(p.relative_to(home)) for p in (home / "records").rglob("*") if p.suffix == ".new" or "#" in p.name
    )


def traces(home: Path) -> list[str]:
    """Return the files that hold an id of the subject, tables read as tables, whatever their name."""
    found = []
    for path in sorted(p for p in home.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if data.startswith(b"PAR1") and data.endswith(b"PAR1"):
            data += json.dumps(pq.read_table(pa.BufferReader(data)).to_pylist(), default=str).encode()
        if any(id_.encode() in data for id_ in ANNA):
            found.append(str(path.relative_to(home)))
    return found


def state(home: Path, model: str = MODEL) -> dict[str, Any]:
    """Return both."""
    return {**stored(home, model), **seen(home, model)}


JOBS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        prepare, ingest, ingest_on, ingest_without_cursors, ingest_through_full_disk, erase, expire, unpack, open_model,
        upgrade, append, append_through_full_disk, seen, state, receipts, litter, traces,
    )
}  # fmt: skip


def main() -> None:
    """Do what is asked for, line by line."""
    _say(refused())
    for line in sys.stdin:
        asked = json.loads(line)
        home, job, more = Path(asked["home"]), JOBS[asked["job"]], asked["arguments"]
        fault = Fault(**asked["fault"]) if asked["fault"] else None
        ran = run(lambda job=job, home=home, more=more: job(home, *more), home, fault)
        _say(asdict(ran))


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
