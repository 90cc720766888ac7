"""The overview of a model with 50 columns: four weeks of stored profiles, read and told, and its page.

python bench/monitoring/report.py [--rows 200000] [--repeat 5]

The rows are recorded through the spool and ingested into a real record log, as in stored.py. The overview is told by
the hour; the page is by the day, as the command writes it for four weeks.
"""

import argparse
import json
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import stored
from stored import rows

from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.live import Served
from setpoint.domain.profile import profile_of
from setpoint.domain.records import Records
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.monitor.limits import learn
from setpoint.monitor.overview.build import overview_of
from setpoint.monitor.overview.gathered import Gathered
from setpoint.store.log import DeltaRecordLog

HERE = Path(__file__).parent
HOUR, MONTH = timedelta(hours=1), timedelta(days=28)
NONE = np.zeros(0)
NOTHING = Records(
    id=NONE, time=np.zeros(0, "datetime64[us]"), version=NONE, score=NONE, outcome=NONE,
    known=np.zeros(0, "datetime64[us]"), latency_us=NONE, maps=NONE, inputs={},
)  # fmt: skip


def known_of(shape: rows.Shape) -> dict[str, Any]:
    """What does not depend on the period: the deployment, its champion and what the reference taught."""
    reference = rows.block(shape, 0)
    columns = {**reference["inputs"], shape.schema.score: reference["outputs"]["probability"]}
    lineage = Lineage(created=rows.START, reason="", artifact_sha256="", reference_sha256="")
    return {
        "champion": ModelVersion(
            model=shape.model, version="v1", framework="", runtime="", artifact="", schema=shape.schema,
            lineage=lineage, files={},
        ),
        "deployment": Deployment(
            model=shape.model, source="", served=Served(champion="v1"), envelope=Envelope(), objectives=(),
            releases=(Release(version="v1", at=rows.START, by=""),),
        ),
        "limits": learn(columns, shape.schema, shape.binning, columns[shape.schema.score]),
        "reference": profile_of(columns, shape.binning),
    }  # fmt: skip


def tell(home: Path, shape: rows.Shape, repeat: int) -> list[dict[str, float]]:
    """Read and tell the four weeks; return the seconds of each time."""
    known, log, since, times = known_of(shape), DeltaRecordLog(home), rows.START + timedelta(days=1), []
    for _ in range(repeat):
        started, cpu = time.perf_counter(), time.process_time()
        series = log.series(shape.model, since, since + MONTH, HOUR)[""]
        read = time.perf_counter()
        at_hand = {
            **known, "since": since, "until": since + MONTH, "findings": (), "standings": (), "series": series,
            "answers": NOTHING, "requests": ({},) * len(series),
        }  # fmt: skip
        overview = overview_of(Gathered(**at_hand))
        told, cpu = time.perf_counter(), time.process_time() - cpu
        by_day = {**at_hand, "series": series.coarser(24), "requests": ({},) * (len(series) // 24)}
        page = overview_of(Gathered(**by_day)).to_html()
        written = time.perf_counter()
        times.append(
            {
                "read_s": read - started,
                "tell_s": told - read,
                "cpu_s": cpu,
                "html_s": written - told,
                "html_mb": len(page.encode()) / 1e6,
                "columns": len(overview.columns),
                "hours": len(series),
                "rows": overview.rows,
            }
        )
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="setpoint-bench-") as work:
        stored.record(Path(work), given.rows)
        times = tell(Path(work), stored.shape_of(given.rows), given.repeat)
    first = times[0]
    print(
        f"{first['columns']} columns, {first['hours']} hours, {first['rows']:,} rows; {first['html_mb']:.2f} MB of HTML"
    )
    for name, of in (("first", [first]), ("again", times[1:])):
        read, told, cpu, html = (statistics.median(t[k] for t in of) for k in ("read_s", "tell_s", "cpu_s", "html_s"))
        whole = f"{read + told:.3f} s ({read:.3f} reading, {told:.3f} telling; {cpu:.3f} s of CPU)"
        print(f"{name}: {whole}, and {html:.3f} s for the page")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "report.json").write_text(json.dumps(times, indent=2) + "\n")


if __name__ == "__main__":
    main()
