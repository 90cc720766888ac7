"""Every kind of change planted in real and simulated columns: is it called, and called by its name?

python bench/monitoring/naming.py [--seeds 3] [--rows 2000 10000] [--data FOLDER]

Half of a table's rows, drawn at random, are the reference, the other half the current table; a change is planted in one
column of the latter, weak and strong. The split without a change is the quiet side.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from setpoint.monitor import compare

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "datasets"
TABLES = {
    "bike_hourly": ["temp", "hum", "windspeed", "cnt"],
    "bank_marketing": ["age", "euribor3m", "job", "education"],
    "diabetes130": ["num_lab_procedures", "num_medications", "age", "admission_type_id"],
    "elec2": ["nswprice", "nswdemand", "vicdemand"],
    "gas_turbine": ["AT", "AP", "TIT", "CO"],
}
Change = Callable[[pd.Series, float, np.random.Generator], pd.Series]


def simulated(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    letters = np.array(["red", "green", "blue", "grey", "black", "white"], object)
    return pd.DataFrame(
        {
            "normal": 50 + 10 * rng.normal(size=rows),
            "lognormal": rng.lognormal(2, 0.7, rows),
            "gamma": 5 * rng.gamma(3, size=rows),
            "colour": rng.choice(letters, rows, p=[0.35, 0.25, 0.15, 0.12, 0.08, 0.05]),
        }
    )


def some(rng: np.random.Generator, rows: int, share: float) -> np.ndarray:
    return rng.random(rows) < share


def spread(x: pd.Series) -> float:
    return float(x.std()) or 1.0


def renamed(x: pd.Series, strength: float, rng: np.random.Generator) -> pd.Series:
    level = x.value_counts().index[0 if strength > 1 else 1]
    return x.replace(level, str(level).upper() + "." if strength > 1 else f"{level} (new)")


def vanished(x: pd.Series, strength: float, rng: np.random.Generator) -> pd.Series:
    counts = x.value_counts(normalize=True)
    level = counts.index[1] if strength > 1 else counts[counts > 0.03].index[-1]
    return x.replace(level, counts.index[0])


def frozen(x: pd.Series, strength: float, rng: np.random.Generator) -> pd.Series:
    start = 0 if strength > 1 else int(0.7 * len(x))
    return x.where(np.arange(len(x)) < start, x.dropna().iloc[start // 2])


def outside(x: pd.Series, strength: float, rng: np.random.Generator) -> pd.Series:
    high = x.max() + spread(x) * (1 + rng.random(len(x)))
    return x.mask(some(rng, len(x), 0.1 if strength > 1 else 0.03), high)


def humps(x: pd.Series, strength: float, rng: np.random.Generator) -> pd.Series:
    """Two humps instead of one, in normal scores: location and scale of the ranks stay."""
    part = 0.35 if strength > 1 else 0.5
    z = special.ndtri((x.rank(method="first") - 0.5) / x.count())
    moved = part * z + np.sqrt(1 - part**2) * np.where(rng.random(len(x)) < 0.5, -1.0, 1.0)
    ordered = np.sort(x.dropna().to_numpy())
    at = np.clip((special.ndtr(moved) * len(ordered)).fillna(0).astype(int), 0, len(ordered) - 1)
    return pd.Series(ordered[at]).where(x.notna())


NUMBERS: dict[str, Change] = {
    "nulls": lambda x, s, r: x.mask(some(r, len(x), 0.3 if s > 1 else 0.1)),
    "frozen": frozen,
    "unit": lambda x, s, r: x * (100 if s > 1 else 2.54),
    "spike": lambda x, s, r: x.mask(some(r, len(x), 0.3 if s > 1 else 0.1), x.dropna().quantile(0.6, "nearest")),
    "range": outside,
    "scale": lambda x, s, r: x.mean() + (2.0 if s > 1 else 1.5) * (x - x.mean()),
    "shift": lambda x, s, r: x + (1.0 if s > 1 else 0.35) * spread(x),
    "shape": humps,
}
LEVELS: dict[str, Change] = {
    "nulls": NUMBERS["nulls"],
    "frozen": frozen,
    "new_level": lambda x, s, r: x.mask(some(r, len(x), 0.2 if s > 1 else 0.05), "never seen"),
    "vanished_level": vanished,
    "renamed": renamed,
    "frequency": lambda x, s, r: x.mask(some(r, len(x), 0.3 if s > 1 else 0.12), x.value_counts().index[1]),
}


def halves(data: Path, rows: int, seed: int) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield tables with two random halves of their rows."""
    rng = np.random.default_rng([seed, rows])
    tables = {"simulated": simulated(rng, 2 * rows)}
    for name, columns in TABLES.items():
        if (data / name).exists():
            tables[name] = pd.read_parquet(data / name / f"{name}.parquet", columns=columns)
    for name, frame in tables.items():
        order = rng.permutation(len(frame))[: 2 * rows]
        half = len(order) // 2
        yield name, frame.iloc[order[:half]].reset_index(drop=True), frame.iloc[order[half:]].reset_index(drop=True)


def judged(name: str, a: pd.DataFrame, b: pd.DataFrame, seed: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield strength, planted kind, column and the kind that was called; columns called beside it are 'quiet'."""
    for column in compare(a, b).columns:
        yield "quiet", "", f"{name}.{column.column}", column.kind
    for column in a.columns:
        rng = np.random.default_rng(seed)
        kinds = NUMBERS if pd.api.types.is_numeric_dtype(a[column]) and a[column].nunique() > 20 else LEVELS
        if kinds is LEVELS and pd.api.types.is_numeric_dtype(a[column]):
            continue
        for kind, change in kinds.items():
            for strength, times in (("weak", 1.0), ("strong", 2.0)):
                found = compare(a[[column]], b[[column]].assign(**{column: change(b[column], times, rng)}))
                yield strength, kind, f"{name}.{column}", found[column].kind
    for strength, pair in zip(("weak", "strong"), (list(a.columns[:2]), list(a.columns[1:3])), strict=True):
        if all(kind == a[pair].dtypes.iloc[0] for kind in a[pair].dtypes):
            found = compare(a[pair], b[pair].rename(columns=dict(zip(pair, pair[::-1], strict=True))))
            yield from ((strength, "swapped", f"{name}.{column}", found[column].kind) for column in pair)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--rows", type=int, nargs="*", default=[2_000, 10_000])
    parser.add_argument("--data", type=Path, default=DATA)
    asked = parser.parse_args()
    tally: dict[str, Counter[str]] = {}
    wrong: Counter[str] = Counter()
    for rows in asked.rows:
        for seed in range(asked.first, asked.first + asked.seeds):
            for name, a, b in halves(asked.data, rows, seed):
                for strength, kind, column, called in judged(name, a, b, seed):
                    verdict = "right" if called == kind else "missed" if not called else "wrong" if kind else "false"
                    tally.setdefault(f"{rows:,} {strength}", Counter())[verdict] += 1
                    if called != kind:
                        wrong[f"{rows:,} {strength} {kind or 'nothing'} in {column} → {called or 'nothing'}"] += 1
    print(f"{'':<16} {'right':>7} {'wrong':>7} {'missed':>7} {'false':>7}")
    for name, counts in tally.items():
        told = " ".join(f"{counts[verdict]:>7}" for verdict in ("right", "wrong", "missed", "false"))
        print(f"{name:<16} {told}")
    for case, count in sorted(wrong.items()):
        print(f"  {count} × {case}")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "naming.json").write_text(json.dumps({"tally": tally, "wrong": wrong}, indent=2) + "\n")


if __name__ == "__main__":
    main()
