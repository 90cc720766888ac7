"""Quality before the labels: mean absolute error of each estimate against what was realised, on real streams.

python bench/monitoring/estimates.py [--nannyml PYTHON] [--windows 14] [--datasets FOLDER]

Of each stream the first 20 % train a model, the next 10 % are the reference, the rest is cut into equal windows. Labels
come one window late. Beside the estimates: 'as in the reference', 'last realised', and NannyML's (`--nannyml` is the
Python of an environment that has it). The interval of each must hold what was realised with probability 90 %.
"""

import argparse
import json
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
import sklearn.metrics
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.preprocessing import OrdinalEncoder

from setpoint.domain.cuts import cuts_of
from setpoint.domain.ledger import (
    LAST,
    REFERENCE,
    SCORES,
    TRACKED,
    Entry,
    Estimate,
    Ledger,
    Realised,
    entered,
    past,
    scored,
)
from setpoint.domain.ledger import track as track_of
from setpoint.domain.ledger import vote as vote_of
from setpoint.domain.objective import Objective
from setpoint.domain.schema import Kind, Task
from setpoint.monitor.estimators import counts_of, estimator_of, say, teach
from setpoint.stats.expected import EXPECTED
from setpoint.stats.quality import measure

HERE = Path(__file__).parent
DATASETS = HERE.parents[2] / "shared" / "datasets"
START = datetime(2024, 1, 1, tzinfo=UTC)
NO_INTERVAL = ("score of each row", "importance-weighted", "loss model (boosting)", REFERENCE, LAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A stream in time order, scored by a model trained on its first fifth; `windows` are bounds of rows."""

    name: str
    task: Task
    metrics: tuple[str, ...]
    inputs: np.ndarray
    score: np.ndarray
    outcome: np.ndarray
    reference: slice
    windows: list[slice]


def tables(folder: Path) -> Iterator[tuple[str, Task, tuple[str, ...], pd.DataFrame, pd.Series]]:
    """Yield name, task, metrics, features and outcome of each set."""
    classes, numbers = ("accuracy", "roc_auc"), ("mae",)

    def read(name: str) -> pd.DataFrame:
        return pd.read_parquet(folder / name / f"{name}.parquet")

    bank = read("bank_marketing")
    yield (
        "bank_marketing", Task.BINARY, classes, bank.drop(columns=["y", "duration", "row_order", "year"]),
        (bank["y"].astype(str) == "yes"),
    )  # fmt: skip
    stay = read("diabetes130").drop(columns=["encounter_id", "patient_nbr"])
    yield (
        "diabetes130",
        Task.BINARY,
        classes,
        stay.drop(columns="readmitted"),
        (stay["readmitted"].astype(str) != "NO"),
    )
    price = read("elec2")
    yield "elec2", Task.BINARY, classes, price.drop(columns="class"), price["class"]
    gas = read("gas_turbine").drop(columns=["year", "hour_seq"])
    yield "gas_turbine NOX", Task.REGRESSION, numbers, gas.drop(columns=["NOX", "CO"]), gas["NOX"]
    yield "gas_turbine CO", Task.REGRESSION, numbers, gas.drop(columns=["NOX", "CO"]), gas["CO"]
    rain = read("noaa_weather")
    yield "noaa_weather", Task.BINARY, classes, rain.drop(columns="target"), rain["target"]
    bike = read("bike_hourly")
    yield (
        "bike_hourly", Task.REGRESSION, numbers,
        bike.drop(columns=["cnt", "casual", "registered", "dteday", "instant"], errors="ignore"), bike["cnt"],
    )  # fmt: skip


def streams(folder: Path, windows: int) -> Iterator[Stream]:
    """Train on the first fifth of each set, and score all of it."""
    for name, task, metrics, frame, outcome in tables(folder):
        trained, until = int(0.2 * len(frame)), int(0.3 * len(frame))
        texts = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
        frame = frame.copy()
        if texts:
            coder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
            frame[texts] = coder.fit(frame[texts][:trained].astype(str)).transform(frame[texts].astype(str))
        inputs, y = frame.astype(float).fillna(-1).to_numpy(), outcome.to_numpy().astype(float)
        if task is Task.BINARY:
            model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(inputs[:trained], y[:trained])
            score = model.predict_proba(inputs)[:, 1]
        else:
            model = HistGradientBoostingRegressor(max_iter=60, random_state=0).fit(inputs[:trained], y[:trained])
            score = model.predict(inputs)
        bounds = np.linspace(until, len(y), windows + 1).astype(int)
        yield Stream(
            name=name, task=task, metrics=metrics, inputs=inputs, score=score, outcome=y,
            reference=slice(trained, until), windows=[slice(a, b) for a, b in pairwise(bounds.tolist())],
        )  # fmt: skip


def measured(stream: Stream, metric: str, rows: slice) -> Realised:
    """Return what the labels of a window show."""
    found = measure(metric, stream.outcome[rows], stream.score[rows])
    count = int(rows.stop - rows.start)
    return Realised(value=found.value, error=float(found.psi.std() / np.sqrt(count)), rows=count)


def kept_ledger(stream: Stream, metric: str) -> tuple[list[dict], list[str | None]]:
    """Return what was said of each window, and who had the vote then: the ledger as the loop keeps it."""
    ref = stream.reference
    cuts = cuts_of(stream.score[ref], Kind.NUMERIC)
    taught = teach(stream.task, stream.score[ref], stream.outcome[ref], cuts.edges, 0.5)
    estimator, ledger = estimator_of(taught, Objective(metric=metric)), Ledger()
    found, votes = [], []
    for at, rows in enumerate(stream.windows):
        known = past(ledger, metric, "v1")
        votes.append(vote_of(ledger, metric, "v1").estimator)
        bins = np.searchsorted(np.asarray(cuts.edges), stream.score[rows], side="left")
        said = say(estimator, counts_of(taught, np.bincount(bins, minlength=cuts.bins)), known)
        since = START + timedelta(days=at)
        entry = Entry(
            metric=metric, version="v1", since=since, until=since + timedelta(days=1), rows=len(bins), estimates=said
        )
        ledger = entered(ledger, entry)
        found.append({name: (e.value, e.low, e.high) for name, e in said.items()})
        ledger = scored(ledger, entry, measured(stream, metric, rows))  # known when the next window is estimated
    return found, votes


def withdrawn_after(stream: Stream, metric: str, found: list[dict], name: str) -> int | None:
    """Return after how many windows the ledger withdrew an estimator."""
    entries = []
    for at, (said, rows) in enumerate(zip(found, stream.windows, strict=True)):
        estimates = {n: Estimate(value=v, low=low, high=high) for n, (v, low, high) in said.items()}
        since = START + timedelta(days=at)
        entries.append(
            Entry(
                metric=metric, version="v1", since=since, until=since, rows=1, estimates=estimates,
                realised=measured(stream, metric, rows),
            )
        )  # fmt: skip
        if track_of(entries, name).withdrawn:
            return at + 1
    return None


def by_rows(stream: Stream, metric: str) -> list[float]:
    """CBPE from the score of each row (isotonic), or the loss by boosting on all features: nothing is binned."""
    ref, out = stream.reference, []
    if stream.task is Task.REGRESSION:
        seen = np.column_stack([stream.inputs, stream.score])
        loss = np.abs(stream.outcome - stream.score)
        model = HistGradientBoostingRegressor(max_iter=60, random_state=0).fit(seen[ref], loss[ref])
        return [float(model.predict(seen[rows]).mean()) for rows in stream.windows]
    map_ = IsotonicRegression(out_of_bounds="clip").fit(stream.score[ref], stream.outcome[ref])
    for rows in stream.windows:
        score = np.sort(stream.score[rows])
        rate = map_.predict(score)

        class Answers:
            decided = score >= 0.5

        out.append(float(EXPECTED[metric](rate, 1 - rate, Answers)))
    return out


def importance_weighted(stream: Stream, metric: str) -> list[float]:
    """The reference's own labels, weighted by how a classifier tells a window's inputs from the reference's."""
    out, seen = [], np.column_stack([stream.inputs, stream.score])
    ref = np.arange(stream.reference.start, stream.reference.stop, max(len(seen) // 50_000, 1))
    for window in stream.windows:
        rows = np.linspace(window.start, window.stop - 1, len(ref)).astype(int)  # equal sides
        side = np.repeat([0, 1], len(ref))
        domain = HistGradientBoostingClassifier(max_iter=15, max_leaf_nodes=8, random_state=0)
        domain.fit(np.vstack([seen[ref], seen[rows]]), side)
        p = np.clip(domain.predict_proba(seen[ref])[:, 1], 0.01, 0.99)
        weight = p / (1 - p)
        score, outcome = stream.score[ref], stream.outcome[ref]
        if metric == "mae":
            out.append(float(np.average(np.abs(score - outcome), weights=weight)))
        elif metric == "accuracy":
            out.append(float(np.average((score >= 0.5) == (outcome > 0.5), weights=weight)))
        else:
            out.append(float(sklearn.metrics.roc_auc_score(outcome, score, sample_weight=weight)))
    return out


def nannyml(python: Path, stream: Stream) -> dict:
    """Run NannyML in its own environment on the same rows."""
    names = [f"f{i}" for i in range(stream.inputs.shape[1])]
    frame = pd.DataFrame(stream.inputs, columns=names)
    frame["score"], frame["outcome"] = stream.score, stream.outcome
    frame["decided"] = (stream.score >= 0.5).astype(int)
    with tempfile.TemporaryDirectory() as work:
        files = [Path(work) / "reference.parquet", Path(work) / "windows.parquet"]
        frame[stream.reference].to_parquet(files[0])
        chunks = [frame[rows].assign(chunk=at) for at, rows in enumerate(stream.windows)]
        pd.concat(chunks).to_parquet(files[1])
        argv = [python, HERE / "nannyml_estimates.py", *files, str(stream.task), *names]
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise SystemExit(f"NannyML failed on {stream.name}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def compared(stream: Stream, python: Path | None) -> Iterator[dict]:
    """Yield one row of the table for each metric."""
    theirs = nannyml(python, stream) if python else None
    for metric in stream.metrics:
        realised = np.array([measured(stream, metric, rows).value for rows in stream.windows])
        begun = time.perf_counter()
        said, votes = kept_ledger(stream, metric)
        took = (time.perf_counter() - begun) / len(said)
        values = {name: np.array([s[name] for s in said]) for name in (SCORES, TRACKED, REFERENCE, LAST)}
        rowwise = "score of each row" if stream.task is Task.BINARY else "loss model (boosting)"
        values[rowwise] = np.array(by_rows(stream, metric))[:, None]
        values["importance-weighted"] = np.array(importance_weighted(stream, metric))[:, None]
        if theirs:
            of = theirs["metrics"][metric]
            values["NannyML"] = np.column_stack([of["value"], of["low"], of["high"]])
        spoken = [at for at, v in enumerate(votes) if v]
        voted = np.array([abs(said[at][votes[at]][0] - realised[at]) for at in spoken])
        yield {
            "set": stream.name,
            "metric": metric,
            "windows": len(realised),
            "rows a window": stream.windows[0].stop - stream.windows[0].start,
            "error": {n: float(np.abs(v[:, 0] - realised).mean()) for n, v in values.items()},
            "coverage": {
                n: float(((v[:, 1] <= realised) & (realised <= v[:, 2])).mean())
                for n, v in values.items()
                if n not in NO_INTERVAL
            },
            "withdrawn after": {n: withdrawn_after(stream, metric, said, n) for n in (SCORES, TRACKED)},
            "spoken for": f"{len(spoken)} of {len(votes)}",
            "spoken error": float(voted.mean()) if len(voted) else None,
            "ms a window": 1000 * took,
            "nannyml": theirs["version"] if theirs else None,
        }


COLUMNS = (SCORES, TRACKED, REFERENCE, LAST, "rows", "importance-weighted", "NannyML")


def show(row: dict) -> None:
    """Print one line."""
    error = dict(row["error"])
    error["rows"] = error.get("score of each row", error.get("loss model (boosting)"))
    print(f"{row['set']:16s}{row['metric']:9s}" + "".join(f"{error.get(n, np.nan):14.4f}" for n in COLUMNS), end="")
    cover = [row["coverage"].get(n) for n in (SCORES, TRACKED, "NannyML")]
    print("   " + " ".join("  – " if c is None else f"{c:4.0%}" for c in cover), end="")
    print(f"  withdrawn {row['withdrawn after']}  vote {row['spoken for']}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nannyml", type=Path, help="the Python of an environment with NannyML")
    parser.add_argument("--windows", type=int, default=14)
    parser.add_argument("--datasets", type=Path, default=DATASETS)
    asked = parser.parse_args()
    if not asked.nannyml:
        print("NannyML is left out: name the Python of an environment that has it with --nannyml")
    print(f"mean absolute error against realised; then coverage of 90 % intervals: {SCORES}, {TRACKED}, NannyML")
    print(" " * 25 + "".join(f"{n[:13]:>14s}" for n in COLUMNS))
    found = []
    for stream in streams(asked.datasets, asked.windows):
        for row in compared(stream, asked.nannyml):
            show(row)
            found.append(row)
    out = HERE / "results" / "estimates.json"
    out.parent.mkdir(exist_ok=True)
    versions = {"python": platform.python_version(), "numpy": np.__version__, "scikit-learn": sklearn.__version__}
    out.write_text(json.dumps({"versions": versions, "machine": platform.machine(), "rows": found}, indent=1))
    print(f"written to {out}")


if __name__ == "__main__":
    main()
