"""What is measured, each in a process of its own: `python steps.py STEP ARGUMENTS` answers lines of JSON with others.

`write` fills the spool, `ingest` empties it into the log, `look` opens the log and asks one thing of it, `count`
profiles.
"""

import json
import sys
import time
from collections import deque
from datetime import timedelta
from pathlib import Path

import msgspec
import rows

from setpoint.domain.record import Role
from setpoint.store.log import DeltaRecordLog
from setpoint.store.predictions import prediction_schema, recorded
from setpoint.store.profiles import profile_rows
from setpoint.store.spool import Spool

REQUESTS = 64  # in a micro-batch
DELAY = 2  # blocks between rows and their outcomes
WARM = 20  # times that a thing is asked again
WARM_S = 10.0  # and no longer
SHAPES = {shape.model: shape for shape in (rows.NARROW, rows.WIDE)}


class Watch:
    """Processor time of this process, all threads, and the wall's."""

    def __init__(self):
        self.cpu_s = self.wall_s = 0.0

    def __enter__(self):
        self._begun = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_):
        self.cpu_s += time.process_time() - self._begun[0]
        self.wall_s += time.perf_counter() - self._begun[1]

    def spent(self):
        return {"cpu_s": self.cpu_s, "wall_s": self.wall_s}


def memory_mb(pid="self"):
    """Return what is resident, and the most that was since the last call of `forget_peak`."""
    fields = dict(line.split(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        "rss_mb": int(fields["VmRSS"].split()[0]) // 1024,
        "peak_mb": int(fields["VmHWM"].split()[0]) // 1024,
    }


def forget_peak():
    Path("/proc/self/clear_refs").write_text("5")


def write(home, model):
    """Write blocks of rows into the spool as requests in micro-batches, and outcomes of earlier blocks."""
    shape, waiting = SHAPES[model], deque()
    while asked := (yield):
        spool, of_records, of_outcomes, told = Spool(Path(home) / "spool", "bench"), Watch(), Watch(), 0
        for number in range(*asked["blocks"]):
            made = rows.block(shape, number)
            requests = rows.requests(shape, made)
            with of_records:
                for at in range(0, len(requests), REQUESTS):
                    spool.append(requests[at : at + REQUESTS])
            waiting.append(rows.outcomes(made, number))
            known = waiting.popleft() if len(waiting) > DELAY else []
            told += len(known)
            with of_outcomes:
                for at in range(0, len(known), REQUESTS):
                    spool.append_outcomes(model, known[at : at + REQUESTS])
        spool.close()
        kept = {
            "bytes": size_of(Path(home) / "spool", "*.seg"),
            "outcome_bytes": size_of(Path(home) / "spool", "*.out"),
        }
        yield of_records.spent() | kept | {"outcomes": told, "outcomes_cpu_s": of_outcomes.cpu_s}


def ingest(home, model):
    """Move what the spool holds into the log."""
    log, shape = DeltaRecordLog(Path(home)), SHAPES[model]
    log.open_model(model, shape.schema, shape.binning)
    while (yield) is not None:
        forget_peak()
        watch, moved = Watch(), {"records": 0, "outcomes": 0, "torn_bytes": 0, "corrupt_frames": 0}
        with watch:
            while any((found := msgspec.to_builtins(log.ingest())).values()):
                moved = {name: moved[name] + found[name] for name in moved}
        yield moved | watch.spent() | memory_mb() | {"left_bytes": size_of(Path(home) / "spool", "*.???")}


def size_of(folder, pattern="*"):
    return sum(f.stat().st_size for f in folder.rglob(pattern) if f.is_file())


def look(home, model, what, first, last):
    """Ask the log one thing: in a fresh process that has imported everything, then again and again."""
    since, until = rows.moment(int(first)), rows.moment(int(last))
    asked = {
        "table": lambda log: log.table(model, since=since, until=until).num_rows,
        "read": lambda log: len(log.read(model, since=since, until=until, role=Role.CHAMPION)),
        "profile": lambda log: log.profile(model, whole(since), whole(until)).rows,
    }[what]
    yield from asked_again(lambda: DeltaRecordLog(Path(home)), asked)


def whole(when):
    """Return the next whole minute."""
    return when + timedelta(microseconds=-(when - rows.START) // timedelta(microseconds=1) % 60_000_000)


def asked_again(opened, asked):
    yield
    with Watch() as cold:
        store = opened()
        found = asked(store)
    warm, end = [], time.monotonic() + WARM_S
    while len(warm) < WARM and time.monotonic() < end:
        with Watch() as again:
            asked(store)
        warm.append(again.spent())
    yield {"rows": found, "cold": cold.spent(), "warm": warm, **memory_mb()}


def count(model):
    """Profile what one read of a spool segment holds."""
    shape = SHAPES[model]
    records = rows.requests(shape, rows.block(shape, 0))
    once, spent = profiling(records, shape), []
    yield
    for _ in range(WARM):
        with Watch() as watch:
            once()
        spent.append(watch.spent())
    yield {"records": len(records), "features": len(shape.schema.names), "spent": spent}


def profiling(records, shape):
    """Return what ingestion does to profile records: the one place here that knows the inside of the store."""
    table, schema, binning = recorded(records, prediction_schema(shape.schema)), shape.schema, shape.binning
    return lambda: profile_rows(table, schema, binning)


def answer(steps, step, *arguments):
    """Answer each line of the input."""
    running = {f.__name__: f for f in steps}[step](*arguments)
    next(running)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(running.send(json.loads(line))), flush=True)
        next(running, None)


if __name__ == "__main__":
    answer((write, ingest, look, count), *sys.argv[1:])
