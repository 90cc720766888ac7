"""False alarms and delays of the monitors on bike_hourly: the unmodified stream, then planted faults.

python bench/monitoring/demand.py [TABLE]      default: the datasets folder beside the repository
"""

import json
import platform
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
from sklearn.ensemble import HistGradientBoostingRegressor

from setpoint.domain.finding import Finding
from setpoint.domain.objective import Objective
from setpoint.domain.profile import Profile, binning_of, profile_of
from setpoint.domain.records import Records, moment
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.series import series_of
from setpoint.monitor.limits import learn
from setpoint.monitor.observe import observe
from setpoint.monitor.scope import BASELINE, HOUR, Scope, floored
from setpoint.monitor.seen import Seen

HERE = Path(__file__).parent
TABLE = HERE.parents[2] / "shared" / "datasets" / "bike_hourly" / "bike_hourly.parquet"
CALENDAR = ["season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit"]
WEATHER = ["temp", "atemp", "hum", "windspeed"]
SKY = np.array(["clear", "mist", "light rain", "storm"], dtype=object)  # weathersit in words: one categorical column
FIRST = 4_345  # rows of the reference
WEEKS = 28

Fault = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


def table(path: Path) -> dict[str, np.ndarray]:
    """Read the columns; temperatures in °C."""
    frame = pd.read_parquet(path)
    columns = {name: frame[name].to_numpy(np.float64) for name in [*CALENDAR, *WEATHER, "cnt"]}
    columns["temp"] = columns["temp"] * 47 - 8
    columns["sky"] = SKY[frame["weathersit"].to_numpy() - 1]
    hours = pd.to_datetime(frame["dteday"]) + pd.to_timedelta(frame["hr"], unit="h")
    return {**columns, "time": hours.to_numpy("datetime64[us]")}


def as_records(columns: dict[str, np.ndarray], score: np.ndarray, schema: Schema) -> Records:
    n = len(score)
    return Records(
        id=np.arange(n).astype(str).astype(object),
        time=columns["time"],
        version=np.full(n, "v1", dtype=object),
        score=score,
        outcome=columns["cnt"],
        known=columns["time"] + np.timedelta64(1, "h"),
        latency_us=np.full(n, 2_000),
        maps=np.full(n, "", dtype=object),
        inputs={name: columns[name] for name in schema.names},
    )


class Stream:
    """The reference, the model and the days that follow."""

    def __init__(self, path: Path) -> None:
        self.columns = table(path)
        self.features = [*CALENDAR, *WEATHER]
        numeric = [
            Feature(name=n, kind=Kind.NUMERIC, dtype=DType.INT if n in CALENDAR else DType.FLOAT) for n in self.features
        ]
        sky = Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=tuple(SKY))
        self.schema = Schema(features=(*numeric, sky), target="cnt", task=Task.REGRESSION, time="time")
        reference = {name: column[:FIRST] for name, column in self.columns.items()}
        X = np.column_stack([reference[name] for name in self.features])
        self.model = HistGradientBoostingRegressor(random_state=0).fit(X, reference["cnt"])
        scores = self.score(reference)
        self.binning = binning_of(reference, self.schema, scores)
        started = time.process_time()
        self.limits = learn(reference, self.schema, self.binning, scores, reference["time"])
        self.learn_s = time.process_time() - started
        self.reference: Profile = profile_of({**reference, self.schema.score: scores}, self.binning)

    def score(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        return self.model.predict(np.column_stack([columns[name] for name in self.features]))

    def walk(
        self, since: int = FIRST, rows: int = 10**6, fault: Fault | None = None, start: int = 0, slow: bool = False
    ) -> list[tuple[int, tuple[Finding, ...], float]]:
        """Look every 24 rows; return day, findings and seconds of each look. A fault begins at row `start`."""
        columns = {name: column.copy() for name, column in self.columns.items()}
        if fault:
            broken = fault({name: column[start:] for name, column in columns.items()})
            for name, values in broken.items():
                columns[name] = np.concatenate([columns[name][:start], values])
        score = self.score(columns)
        records = as_records(columns, score, self.schema)
        counted = {name: columns[name] for name in self.schema.names} | {self.schema.score: score}
        first = floored(moment(records.time[0]), HOUR)
        hours = series_of(counted, records.time, first, moment(records.time[-1]) + HOUR, HOUR, self.binning)
        looks = []
        healthy = np.ones(len(score), bool)
        doubtful: list[tuple[datetime, datetime]] = []
        for at in range(since, min(since + rows, len(score)) - 23, 24):
            now = moment(records.time[at + 23]) + timedelta(hours=1)
            before = np.arange(at - WEEKS * 24, at)
            seen = Seen(
                now=now,
                since=now - timedelta(days=1),
                schema=self.schema,
                limits=self.limits,
                recent=records.take(np.arange(at, at + 24)),
                baseline=records.take(before[healthy[before]]),
                labelled=records.take(np.arange(at - WEEKS * 24, at + 23)),
                refused={"": 24},
                objectives=(
                    Objective(metric="mae", at_most=60.0, window_s=7 * 86_400),
                    Objective(metric="latency_p99_ms", at_most=20),
                ),
                false_actions_per_year=2.0,
                looks_per_year=365.0,
                scopes=(
                    Scope(
                        hours=hours.between(floored(now, HOUR) - timedelta(days=1) - BASELINE, floored(now, HOUR)),
                        minutes=hours.between(floored(now, HOUR), now),
                        limits=self.limits,
                        doubtful=tuple(doubtful),
                        reference=self.reference if slow else None,
                    ),
                ),
            )
            started = time.process_time()
            found = observe(seen)
            looks.append((at, found, time.process_time() - started))
            if any(_sudden(f) for f in found):
                healthy[at : at + 24] = False
                doubtful.append((now - timedelta(days=1), now))
        return looks


def _sudden(finding: Finding) -> bool:
    return finding.alarm and (
        finding.monitor == "data_quality" or (finding.monitor == "drift" and not finding.metric.endswith("_slow"))
    )


def affine(column: str, scale: float, offset: float) -> Fault:
    return lambda c: {column: scale * c[column] + offset}


def nulls(column: str, share: float) -> Fault:
    return lambda c: {column: np.where(np.random.default_rng(1).random(len(c[column])) < share, np.nan, c[column])}


def renamed(c: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"sky": np.where(c["sky"] == "clear", "Clear", c["sky"])}


def frozen(column: str) -> Fault:
    return lambda c: {column: np.full(len(c[column]), c[column][0])}


FAULTS: dict[str, tuple[str, Fault]] = {
    "temp °C → °F": ("temp", affine("temp", 1.8, 32.0)),
    "temp × 100": ("temp", affine("temp", 100.0, 0.0)),
    "hum nulls 30 %": ("hum", nulls("hum", 0.3)),
    "hum nulls 100 %": ("hum", nulls("hum", 1.0)),
    "sky renamed": ("sky", renamed),
    "hum frozen": ("hum", frozen("hum")),
    "temp frozen": ("temp", frozen("temp")),
    "windspeed × 3.6": ("windspeed", affine("windspeed", 3.6, 0.0)),
    "hum 0–1 → 0–100": ("hum", affine("hum", 100.0, 0.0)),
}


def dummy_alarms(stream: Stream) -> dict[str, int]:
    """Days with an alarm on the unmodified stream under two usual rules: PSI > 0.2, and a t-test at 5 %."""
    psi = p = 0
    for at in range(FIRST, len(stream.columns["cnt"]) - 23, 24):
        ratios, tests = [], []
        for name in stream.features:
            now, ref = stream.columns[name][at : at + 24], stream.columns[name][:FIRST]
            edges = np.unique(np.quantile(ref, np.linspace(0, 1, 11)))[1:-1]
            w = np.bincount(np.searchsorted(edges, now), minlength=len(edges) + 1) / 24 + 1e-4
            q = np.bincount(np.searchsorted(edges, ref), minlength=len(edges) + 1) / FIRST + 1e-4
            ratios.append(float(((w - q) * np.log(w / q)).sum()))
            before = stream.columns[name][at - WEEKS * 24 : at]
            se = np.sqrt(now.var() / 24 + before.var() / len(before))
            tests.append(abs(now.mean() - before.mean()) > 1.96 * se if se else now.mean() != before.mean())
        psi += max(ratios) > 0.2
        p += any(tests)
    return {"PSI > 0.2 on any column": psi, "t-test p < 0.05 on any column": p}


def delay(stream: Stream, column: str, fault: Fault, start: int) -> int | None:
    """Days until the faulty column is named; None if not within 30."""
    looks = stream.walk(start, 30 * 24, fault, start)
    return next(
        (k for k, (_, found, _) in enumerate(looks, 1) if any(_sudden(f) and f.column == column for f in found)), None
    )


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TABLE
    stream = Stream(path)
    print(
        f"python {platform.python_version()}, numpy {np.__version__}, scikit-learn {sklearn.__version__}, "
        f"{platform.machine()}"
    )
    looks = stream.walk(slow=True)
    ms = np.array([s for *_, s in looks]) * 1_000
    p50, p95 = np.quantile(ms, [0.5, 0.95])
    print(
        f"learn {stream.learn_s * 1e3:.0f} ms; observe {p50:.1f} ms of CPU a look (p95 {p95:.1f}), {len(looks)} days\n"
    )
    false = [(at, f) for at, found, _ in looks for f in found if _sudden(f)]
    print(f"unmodified stream: {len(false)} sudden alarms on {len({at for at, _ in false})} days")
    for at, f in false:
        day = f"{moment(stream.columns['time'][at]):%Y-%m-%d}"
        print(f"  {day} {f.column} {f.metric} {f.value:.3g} > {f.limit:.3g}: {f.detail}")
    other: dict[str, int] = {}
    for _, found, _ in looks:
        for f in found:
            if f.alarm and not _sudden(f):
                other[f"{f.metric} {f.column or ''}"] = other.get(f"{f.metric} {f.column or ''}", 0) + 1
    print(f"slow drift and quality, days with an alarm: {other}")
    dummies = dummy_alarms(stream)
    print(f"dummies, days with an alarm of {len(looks)}: {dummies}\n")
    starts = {
        m: int(np.searchsorted(stream.columns["time"], np.datetime64(m)))
        for m in ("2011-07-20", "2011-10-15", "2012-01-12", "2012-04-10", "2012-07-05", "2012-11-20")
    }
    print("days to the first alarm on the faulty column, by start".ljust(24))
    print("fault".ljust(20), *(m.rjust(11) for m in starts))
    delays = {}
    for name, (column, fault) in FAULTS.items():
        delays[name] = {m: delay(stream, column, fault, start) for m, start in starts.items()}
        print(name.ljust(20), *(str(d or "never").rjust(11) for d in delays[name].values()), flush=True)
    result = {
        "days": len(looks),
        "false_days": len({at for at, _ in false}),
        "dummies": dummies,
        "delays": delays,
        "ms": float(np.median(ms)),
    }
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "demand.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
