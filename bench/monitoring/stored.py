"""A look at a month of stored profiles: hourly windows of 50 columns, read and judged.

python bench/monitoring/stored.py [--rows 200000] [--repeat 5]

The rows are recorded through the spool and ingested into a real record log. A look reads the month by the hour and the
newest hours by the minute, and judges them; first in a fresh process, then again in the same one.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "record"))

import rows  # noqa: E402

from setpoint.domain.profile import profile_of  # noqa: E402
from setpoint.domain.records import Records  # noqa: E402
from setpoint.monitor.limits import learn  # noqa: E402
from setpoint.monitor.observe import of_scopes  # noqa: E402
from setpoint.monitor.scope import BASELINE, HOUR, MINUTE, MINUTES_KEPT, Scope, floored  # noqa: E402
from setpoint.monitor.seen import Seen  # noqa: E402
from setpoint.store.log import DeltaRecordLog  # noqa: E402
from setpoint.store.spool import Spool  # noqa: E402

MONTH_ROWS = 10_000_000  # of the busiest shape


def shape_of(count: int) -> rows.Shape:
    return rows.Shape("wide", 44, 6, rarer=MONTH_ROWS // count)


def record(home: Path, count: int) -> None:
    """Record and ingest a month of rows."""
    shape, log = shape_of(count), DeltaRecordLog(home)
    log.open_model(shape.model, shape.schema, shape.binning)
    spool = Spool(home / "spool", "worker-0")
    for number in range(count // rows.BLOCK):
        spool.append(rows.requests(shape, rows.block(shape, number)))
    log.ingest()


def look(home: Path, count: int, repeat: int) -> list[dict[str, float]]:
    """Read and judge the month; return the seconds of each time."""
    shape = shape_of(count)
    reference = rows.block(shape, 0)
    columns = {**reference["inputs"], shape.schema.score: reference["outputs"]["probability"]}
    limits = learn(columns, shape.schema, shape.binning, columns[shape.schema.score])
    known, now = profile_of(columns, shape.binning), rows.START + timedelta(days=30) - MINUTE
    none = np.zeros(0)
    nothing = Records(
        id=none, time=np.zeros(0, "datetime64[us]"), version=none, score=none, outcome=none, known=none,
        latency_us=none, maps=none, inputs={},
    )  # fmt: skip
    times = []
    log = DeltaRecordLog(home)
    for _ in range(repeat):
        started, cpu = time.perf_counter(), time.process_time()
        running = floored(now, HOUR)
        hours = log.series(shape.model, running - BASELINE, running, HOUR)[""]
        minutes = log.series(shape.model, running - MINUTES_KEPT, now, MINUTE)[""]
        read = time.perf_counter()
        scope = Scope(hours=hours, minutes=minutes, limits=limits, reference=known)
        seen = Seen(
            now=now, since=now - MINUTE, schema=shape.schema, limits=limits, recent=nothing, baseline=nothing,
            labelled=nothing, refused={}, objectives=(), false_actions_per_year=2.0, scopes=(scope,),
        )  # fmt: skip
        findings = list(of_scopes(seen))
        ended = time.perf_counter()
        times.append(
            {
                "read_s": read - started,
                "judge_s": ended - read,
                "cpu_s": time.process_time() - cpu,
                "hours": len(hours),
                "rows": int(hours.rows.sum()),
                "findings": len(findings),
            }
        )
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)  # of the process that looks
    given = parser.parse_args()
    if given.home:
        print(json.dumps(look(given.home, given.rows, given.repeat)))
        return
    with tempfile.TemporaryDirectory(prefix="setpoint-bench-") as work:
        record(Path(work), given.rows)
        command = [sys.executable, __file__, "--home", work, "--rows", str(given.rows), "--repeat", str(given.repeat)]
        times = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    first, again = times[0], times[1:]
    print(f"{first['hours']} hours, {first['rows']:,} rows, 50 columns and the score")
    for name, of in (("first", [first]), ("again", again)):
        read, judge, cpu = (statistics.median(t[key] for t in of) for key in ("read_s", "judge_s", "cpu_s"))
        print(f"{name}: {read + judge:.3f} s ({read:.3f} reading, {judge:.3f} judging; {cpu:.3f} s of CPU)")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "stored.json").write_text(json.dumps(times, indent=2) + "\n")


if __name__ == "__main__":
    main()
