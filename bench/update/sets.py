"""Training sets: what they cost at a million rows, what the steps on demand find beside dummies, and whether they help.

Prints tables, and writes results/update-sets.json beside this file.

    python bench/update/sets.py [--data FOLDER] [--only scale replays issues help] [--cleanlab PYTHON]
"""

import argparse
import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.segments import splits_of
from setpoint.domain.training_set import WEIGHT, Balance, LabelIssues, Repeats, SetSpec, Source
from setpoint.domain.value import replace
from setpoint.update.sets.label_issues import Issues, far_numbers, unlikely_classes
from setpoint.update.sets.learner import folds_of, levels_of, matrix, predictions, probabilities
from setpoint.update.sets.made import Ground, TrainingSet, make_set
from setpoint.update.sets.repeats import came_again, natural_length, row_codes
from setpoint.update.trainers.rows import columns_of, target_of

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "datasets"
START = datetime(2020, 1, 1, tzinfo=UTC)
MINUTE = np.timedelta64(1, "m")
WINDOWS = 6
CLEANLAB = """
import sys, numpy as np
from cleanlab.filter import find_label_issues
d = np.load(sys.argv[1])
order = find_label_issues(d["y"], d["p"], return_indices_ranked_by="self_confidence", n_jobs=1)
np.save(sys.argv[2], order)
"""


@dataclass
class Data:
    """One table in time order: features, the target as `y`, and a column by which segments are balanced."""

    name: str
    frame: pd.DataFrame
    task: Task
    segment: str

    @property
    def schema(self) -> Schema:
        texts = {c for c in self.frame if c != "y" and self.frame[c].dtype.kind not in "ifub"}
        features = tuple(
            Feature(name=c, kind=Kind.CATEGORICAL if c in texts else Kind.NUMERIC,
                    dtype=DType.STRING if c in texts else DType.FLOAT)
            for c in self.frame if c != "y"
        )  # fmt: skip
        return Schema(
            features=features, target="y", task=self.task, classes=(0, 1) if self.task is Task.BINARY else (), id="id"
        )

    def table(self, rows: slice) -> pa.Table:
        part = self.frame.iloc[rows]
        return pa.Table.from_pandas(part.assign(id=part.index.astype(str)), preserve_index=False)

    def records(self, rows: slice, y: np.ndarray | None = None) -> Records:
        part = self.frame.iloc[rows]
        at = stamp(START) + part.index.to_numpy() * MINUTE
        return Records(
            id=part.index.astype(str).to_numpy(object), time=at, version=np.full(len(part), "v1", object),
            score=np.zeros(len(part)), outcome=part["y"].to_numpy(float) if y is None else y, known=at,
            latency_us=np.zeros(len(part)), maps=np.full(len(part), "", object),
            inputs={f.name: values(part[f.name], f) for f in self.schema.features},
        )  # fmt: skip

    def made(self, spec: SetSpec, rows: slice, recent: slice, y: np.ndarray) -> TrainingSet:
        """Return the set of some rows, with these outcomes; nothing else is in the log."""
        first = self.table(slice(rows.start, rows.start + 500))
        segments = splits_of(columns_of(self.table(rows), self.schema), self.schema, [self.segment])
        end = START + timedelta(days=9_999)
        source = Source(model="m", reference="v1", champion="v1", until=end, as_of=end)
        return make_set(
            Ground(table=first), self.records(rows, y), self.schema, source, replace(spec, rows=0),
            segments=segments, recent=self.records(recent),
        )  # fmt: skip


def values(column: pd.Series, feature: Feature) -> np.ndarray:
    """Return a column as the log holds it."""
    if feature.dtype is not DType.STRING:
        return column.to_numpy(float)
    return np.where(column.isna(), None, column.astype(object))


def data_sets(data: Path) -> Iterator[Data]:
    bank = pd.read_parquet(data / "bank_marketing").drop(columns=["duration", "row_order", "year"])
    yield Data("bank_marketing", bank.assign(y=(bank["y"] == "yes") * 1.0), Task.BINARY, "job")
    gas = pd.read_parquet(data / "gas_turbine")
    gas = gas.assign(y=gas["NOX"]).drop(columns=["NOX", "CO", "year", "hour_seq"])
    yield Data("gas_turbine NOX", gas, Task.REGRESSION, "AT")
    stay = pd.read_parquet(data / "diabetes130").iloc[::3].reset_index(drop=True)
    stay = stay.assign(y=stay["time_in_hospital"] * 1.0)
    stay = stay.drop(columns=["time_in_hospital", "encounter_id", "patient_nbr", "readmitted"])
    yield Data("diabetes130 stay", stay, Task.REGRESSION, "age")
    elec = pd.read_parquet(data / "elec2")
    yield Data("elec2", elec.assign(y=elec["class"] * 1.0).drop(columns="class"), Task.BINARY, "period")


def scale() -> dict[str, dict[str, float]]:
    """A set of a million rows and 50 columns, of a reference and a log of a million rows each."""
    n, rng, levels = 1_000_000, np.random.default_rng(0), np.array([f"level {i}" for i in range(20)], object)
    numbers, texts = [f"n{i}" for i in range(42)], [f"t{i}" for i in range(8)]
    schema = Schema(
        features=(*(Feature(name=c, kind=Kind.NUMERIC, dtype=DType.FLOAT) for c in numbers),
                  *(Feature(name=c, kind=Kind.CATEGORICAL, dtype=DType.STRING) for c in texts)),
        target="y", task=Task.REGRESSION, time="at", id="id",
    )  # fmt: skip

    def columns() -> dict[str, np.ndarray]:
        drawn = {c: rng.normal(size=n) for c in numbers}
        return drawn | {c: levels[rng.integers(0, 20, n)] for c in texts}

    at, y = stamp(START) + np.arange(n) * np.timedelta64(1, "s"), rng.normal(size=n)
    earlier = pa.array(at - np.timedelta64(n, "s"), pa.timestamp("us", "UTC"))
    reference = pa.table({**columns(), "y": y, "at": earlier, "id": [f"r{i}" for i in range(n)]})
    log = Records(
        id=np.array([f"l{i}" for i in range(n)], object), time=at, version=np.full(n, "v1", object), score=np.zeros(n),
        outcome=y, known=at, latency_us=np.zeros(n), maps=np.full(n, "", object), inputs=columns(),
    )  # fmt: skip
    until = START + timedelta(seconds=n // 2)
    source = Source(model="m", reference="v1", champion="v1", until=until, as_of=until)
    found, before = {}, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    specs = {
        "as it is": SetSpec(), "duplicates": SetSpec(duplicates=Repeats.DROP),
        "importance": SetSpec(importance=True), "label issues": SetSpec(label_issues=LabelIssues.REPORT),
    }  # fmt: skip
    for name, spec in specs.items():
        began = time.process_time()
        rows = len(make_set(Ground(table=reference), log, schema, source, spec))
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        found[name] = {"cpu_s": time.process_time() - began, "more_mb": more, "rows": rows}
        print(f"{name:14} {found[name]['cpu_s']:6.1f} s CPU   {more:6.0f} MB more   {rows:,} rows")
    return found


def replays(data: Path) -> dict[str, dict[str, float]]:
    """A stretch of 5 % of the rows comes again under new ids; found and accused, beside 'every equal row'."""
    found = {}
    for d in data_sets(data):
        names = [*d.schema.names, "y"]
        reference, rows = row_codes(d.table(slice(0, 5_000)), names), 10_000
        codes = row_codes(d.table(slice(5_000, 5_000 + rows)), names)
        codes = np.concatenate([codes, codes[2_000:2_500]])
        length = natural_length(reference)
        told = np.zeros(len(codes), bool) if length is None else came_again(codes, length)
        naive = came_again(codes, 1)
        found[d.name] = {
            "stretch": length or 0, "found": float(told[rows:].mean()), "accused": float(told[:rows].mean()),
            "naive_found": float(naive[rows:].mean()), "naive_accused": float(naive[:rows].mean()),
        }  # fmt: skip
        f = found[d.name]
        print(f"{d.name:18} stretches of {f['stretch']:2}   found {f['found']:6.1%}  accused {f['accused']:6.2%}   "
              f"every equal row: found {f['naive_found']:6.1%}  accused {f['naive_accused']:6.2%}")  # fmt: skip
    return found


def planted(y: np.ndarray, task: Task, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return outcomes with some of them wrong, and which: flipped classes, numbers of another row."""
    wrong = rng.random(len(y)) < share
    other = 1 - y if task is Task.BINARY else rng.permutation(y)
    return np.where(wrong, other, y), wrong


def issues(data: Path, cleanlab: str | None) -> dict[str, dict[str, float]]:
    """2 % of the outcomes are wrong; of as many rows, what the highest loss, chance and cleanlab find."""
    found, rng = {}, np.random.default_rng(0)
    for d in data_sets(data):
        rows = slice(2_000, 12_000)
        y, wrong = planted(d.frame["y"].to_numpy()[rows], d.task, 0.02, rng)
        table = d.table(rows)
        x, folds = matrix(table, d.schema, levels_of(table, d.schema)), folds_of(len(y))
        p = np.empty(0)
        if d.task is Task.BINARY:
            p = probabilities(x, y.astype(np.int64), 2, folds)
            told, loss = unlikely_classes(p, y.astype(np.int64)), 1 - p[np.arange(len(y)), y.astype(int)]
        else:
            guess = predictions(x, y, folds)
            told, loss = far_numbers(guess, y), np.abs(y - guess)
        found[d.name] = scored(told, loss, wrong) | by_cleanlab(cleanlab, p, y, wrong, len(told))
        print(f"{d.name:18}", "  ".join(f"{k} {v:.3g}" for k, v in found[d.name].items()))
    return found


def scored(told: Issues, loss: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    k, highest = max(len(told), 1), np.argsort(-loss)[: len(told)]
    hits = int(wrong[told.row].sum())
    return {
        "wrong": int(wrong.sum()), "named": len(told), "found": hits / wrong.sum(), "right": hits / k,
        "accused": (len(told) - hits) / (~wrong).sum(), "right_by_highest_loss": wrong[highest].sum() / k,
        "right_by_chance": float(wrong.mean()),
    }  # fmt: skip


def by_cleanlab(python: str | None, p: np.ndarray, y: np.ndarray, wrong: np.ndarray, most: int) -> dict[str, float]:
    """Return what cleanlab's own filter finds from the same probabilities, in the other interpreter."""
    if python is None or not len(p):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "asked.npz", Path(folder) / "answer.npy"
        np.savez(asked, p=p, y=y.astype(np.int64))
        subprocess.run([python, "-c", CLEANLAB, asked, answer], check=True, capture_output=True)
        order = np.load(answer)
    return {"cleanlab_named": len(order), "cleanlab_right": float(wrong[order].mean()),
            "cleanlab_right_of_as_many": float(wrong[order[:most]].mean())}  # fmt: skip


VARIANTS = {
    "importance": SetSpec(importance=True),
    "balance sqrt": SetSpec(balance=Balance.SQRT),
    "balance equal": SetSpec(balance=Balance.EQUAL),
    "drop issues": SetSpec(label_issues=LabelIssues.DROP),
}


def helps(data: Path) -> dict[str, dict[str, list[float]]]:
    """Refit before each of six windows, outcomes a window late; change of the loss in %, by step on demand.

    Of `2 % wrong` the outcomes that are learnt from are wrong in 2 % of the rows, as planted above.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for d in data_sets(data):
        of_set: dict[str, list[tuple[float, float]]] = {}
        step, rng = len(d.frame) // (WINDOWS + 4), np.random.default_rng(0)
        for w in range(4, WINDOWS + 4):
            rows, recent, test = slice((w - 4) * step, (w - 1) * step), slice((w - 1) * step, w * step), None
            test = slice(w * step, (w + 1) * step)
            clean = d.frame["y"].to_numpy()[rows]
            dirty, _ = planted(clean, d.task, 0.02, rng)
            for words, y in (("", clean), ("2 % wrong: ", dirty)):
                plain = loss_of(d, d.made(SetSpec(), rows, recent, y), test)
                for name, spec in VARIANTS.items():
                    if words and name != "drop issues":
                        continue
                    made = d.made(spec, rows, recent, y)
                    of_set.setdefault(words + name, []).append((plain, loss_of(d, made, test)))
        print(d.name)
        found[d.name] = {}
        for name, pairs in of_set.items():
            before, after = np.array(pairs).T
            change = 100 * (after / before - 1)
            mean, se = change.mean(), change.std(ddof=1) / np.sqrt(len(change))
            found[d.name][name] = [float(mean), float(se), float((change < 0).mean())]
            print(
                f"  {name:24} loss {mean:+6.2f} % ± {1.96 * se:.2f}   better in {(change < 0).sum()} of {len(change)}"
            )
    return found


def loss_of(d: Data, made: TrainingSet, test: slice) -> float:
    """Return the mean loss of a boosting that was fitted to a set."""
    levels = levels_of(made.table, d.schema)
    x, target = matrix(made.table, d.schema, levels), target_of(made.table, d.schema)
    weights = made.table[WEIGHT].to_numpy() if WEIGHT in made.table.column_names else None
    kind = HistGradientBoostingClassifier if d.task is Task.BINARY else HistGradientBoostingRegressor
    model = kind(max_iter=100, random_state=0, early_stopping=False).fit(x, target, sample_weight=weights)
    later, truth = matrix(d.table(test), d.schema, levels), d.frame["y"].to_numpy()[test]
    if d.task is Task.REGRESSION:
        return float(np.abs(model.predict(later) - truth).mean())
    p = np.clip(model.predict_proba(later)[:, 1], 1e-6, 1 - 1e-6)
    return float(-np.where(truth == 1, np.log(p), np.log(1 - p)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", nargs="+", default=["scale", "replays", "issues", "help"])
    parser.add_argument("--cleanlab", help="a Python that has cleanlab, to hold the search for issues against it")
    asked = parser.parse_args()
    parts = {
        "scale": scale, "replays": lambda: replays(asked.data),
        "issues": lambda: issues(asked.data, asked.cleanlab), "help": lambda: helps(asked.data),
    }  # fmt: skip
    found = {}
    for name in asked.only:
        print(f"\n{name}: {(parts[name].__doc__ or globals().get(name, helps).__doc__ or '').splitlines()[0]}")
        found[name] = parts[name]()
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "update-sets.json").write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
