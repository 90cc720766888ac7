"""Two tables with planted changes, drawn with any seed: what a comparison should find, and what it should not.

50 features (30 numbers, 20 of levels), a score, a label and a timestamp. Planted are 12: five shifts, two scales,
three changes of frequency, one new level and one share of nulls; ten more move by a trifle; 28 stay. The relation of
the label to the score changes in the later half of the current rows.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SHIFTS = {"n00": 0.1, "n05": 0.2, "n12": 0.3, "n22": 0.4, "n27": 0.5}
SCALES = {"n08": 1.2, "n18": 1.3}
FREQUENCIES = {"c03": 0.10, "c09": 0.08, "c15": 0.15}  # total variation
NEW_LEVEL, NEW_SHARE = "c11", 0.02
NULLS, NULL_SHARE = "n25", 0.20
TRIFLES = {"n02": 0.005, "n06": 0.01, "n13": 0.008, "n16": 0.01, "n20": 0.01, "n28": 0.007}
TRIFLING = {"c01": 0.004, "c05": 0.003, "c12": 0.004, "c17": 0.004}
SIZES = (3, 3, 4, 5, 5, 6, 8, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200)
KINDS = {
    **dict.fromkeys(SHIFTS, "shift"), **dict.fromkeys(SCALES, "scale"), **dict.fromkeys(FREQUENCIES, "frequency"),
    NEW_LEVEL: "new_level", NULLS: "nulls",
}  # fmt: skip
TRIFLING_COLUMNS = [*TRIFLES, *TRIFLING]


def table(rows: int, seed: int, current: bool) -> pa.Table:
    """Return the reference or the current table; the same seed gives other rows in each."""
    rng = np.random.default_rng([seed, int(current)])
    factors = rng.normal(size=(3, rows))
    columns: dict[str, pa.Array] = {}
    standard: dict[str, np.ndarray] = {}
    for at in range(30):
        name = f"n{at:02}"
        x = _standard(rng, at, factors)
        if current:
            x = x * SCALES.get(name, 1.0) + SHIFTS.get(name, TRIFLES.get(name, 0.0))
        standard[name] = x
        share = (NULL_SHARE if current and name == NULLS else 0.02) if at >= 20 else 0.0
        y = np.exp(0.3 + (0.3 + 0.1 * (at - 10)) * x) if 10 <= at < 18 else (2 + at) * x - 7 * at
        columns[name] = pa.array(y, mask=rng.random(rows) < share) if share else pa.array(y)
    for at, size in enumerate(SIZES):
        columns[f"c{at:02}"] = _levels(rng, f"c{at:02}", size, rows, current)
    columns |= _answers(rng, standard, rows, current)
    return pa.table(columns)


def _standard(rng: np.random.Generator, at: int, factors: np.ndarray) -> np.ndarray:
    """Correlated normals, normals that are to be lognormal, then tails of 3 to 6 degrees of freedom."""
    rows = factors.shape[1]
    if at < 10 or at >= 24:
        return 0.6 * factors[at % 3] + 0.8 * rng.normal(size=rows)
    return rng.normal(size=rows) if at < 18 else rng.standard_t(3 + 0.5 * (at - 18), rows)


def _levels(rng: np.random.Generator, name: str, size: int, rows: int, current: bool) -> pa.Array:
    shares = 1 / np.arange(1, size + 1) ** 0.8
    shares /= shares.sum()
    if current:
        even = np.arange(size) % 2 == 0
        moved = FREQUENCIES.get(name, TRIFLING.get(name, 0.0))
        shares = shares + np.where(even, -moved * shares / shares[even].sum(), moved * shares / shares[~even].sum())
        if name == NEW_LEVEL:
            shares = np.append(shares * (1 - NEW_SHARE), NEW_SHARE)
    codes = rng.choice(len(shares), rows, p=shares).astype(np.int32)
    names = pa.array([*(f"{name} level {k}" for k in range(size)), "not seen before"])
    return pa.DictionaryArray.from_arrays(pa.array(codes), names).cast(pa.string())


def _answers(
    rng: np.random.Generator, standard: dict[str, np.ndarray], rows: int, current: bool
) -> dict[str, pa.Array]:
    odds = -0.5 + 0.9 * standard["n01"] + 0.6 * standard["n04"] - 0.7 * standard["n07"] + 0.3 * standard["n05"]
    true = odds.copy()
    if current:
        true[rows // 2 :] -= 1.3 * standard["n01"][rows // 2 :]
    start = np.datetime64("2025-03-01" if not current else "2025-03-29", "ms")
    return {
        "score": pa.array(1 / (1 + np.exp(-odds))),
        "label": pa.array((rng.random(rows) < 1 / (1 + np.exp(-true))).astype(np.int64)),
        "at": pa.array(start + (np.arange(rows) * (28 * 86_400_000 // rows)).astype("timedelta64[ms]")),
    }


def written(folder: Path, rows: int, seed: int) -> tuple[Path, Path]:
    """Write both tables as Parquet, unless they are there; return their paths.

    A process of its own draws them: what a child holds at its start counts as its peak, and that is what we hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"reference_{rows}_{seed}.parquet", folder / f"current_{rows}_{seed}.parquet"
    for path, current in zip(paths, ("", "current"), strict=True):
        if not path.exists():
            subprocess.run([sys.executable, __file__, str(path), str(rows), str(seed), current], check=True)
    return paths


def scored(called: dict[str, str]) -> dict[str, int]:
    """Count planted changes found, those named right, and calls of trifling and of clean columns."""
    features = [f"n{at:02}" for at in range(30)] + [f"c{at:02}" for at in range(20)]
    clean = [name for name in features if name not in KINDS and name not in TRIFLING_COLUMNS]
    return {
        "found": sum(name in called for name in KINDS),
        "named": sum(called.get(name) == kind for name, kind in KINDS.items()),
        "trifling": sum(name in called for name in TRIFLING_COLUMNS),
        "clean": sum(name in called for name in clean),
    }


if __name__ == "__main__":
    pq.write_table(
        table(int(sys.argv[2]), int(sys.argv[3]), bool(sys.argv[4])),
        sys.argv[1],
        compression="zstd",
        row_group_size=131_072,
    )
