"""False calls and power of compare on simulated tables of 50 columns, beside PSI > 0.2 and KS p < 0.05.

python bench/monitoring/rates.py [--times 200] [--seed 0] [--rows 200 1000 5000 50000]

Like with like: rows are independent, or an AR(1) of 0.9 in every column. Power: one column moves by 0.2 deviations.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.signal import lfilter
from scipy.stats import ks_2samp

from setpoint.monitor import compare

HERE = Path(__file__).parent
COLUMNS = 50
LEVELS = np.array(["a", "b", "c", "d", "e", "f"], object)
CUTS = [-1.0, -0.3, 0.2, 0.9, 1.6]


def table(rng: np.random.Generator, rows: int, rho: float, moved: float = 0.0) -> pa.Table:
    """20 normal, 10 lognormal, 5 of few numbers, 5 of yes and no, 10 of levels; `moved` is of the first column."""
    noise = rng.normal(size=(COLUMNS, rows + 200)) * np.sqrt(1 - rho**2)
    z = lfilter([1.0], [1.0, -rho], noise, axis=1)[:, 200:]
    z[0] += moved
    columns: dict[str, pa.Array] = {}
    for at in range(COLUMNS):
        x = z[at]
        match at:
            case _ if at < 20:
                columns[f"n{at}"] = pa.array(x)
            case _ if at < 30:
                columns[f"l{at}"] = pa.array(np.exp(x))
            case _ if at < 35:
                columns[f"f{at}"] = pa.array(np.clip(np.round(x), -2, 2))
            case _ if at < 40:
                columns[f"b{at}"] = pa.array(x > 0.8)
            case _:
                columns[f"c{at}"] = pa.array(LEVELS[np.searchsorted(CUTS, x)])
    return pa.table(columns)


def psi(a: np.ndarray, b: np.ndarray) -> float:
    edges = np.quantile(a, np.linspace(0, 1, 11)[1:-1])
    p, w = (np.maximum(np.bincount(np.searchsorted(edges, x), minlength=10) / len(x), 1e-4) for x in (a, b))
    return float(((w - p) * np.log(w / p)).sum())


def dummies(a: pa.Table, b: pa.Table) -> tuple[bool, bool, bool, bool]:
    """Whether PSI and KS call any of the numbers, and the first column."""
    pairs = [(a[n].to_numpy(), b[n].to_numpy()) for n in a.column_names[:30]]
    stable, tests = [psi(x, y) > 0.2 for x, y in pairs], [ks_2samp(x, y).pvalue < 0.05 for x, y in pairs]
    return any(stable), any(tests), stable[0], tests[0]


def run(rows: int, rho: float, times: int, seed: int) -> dict[str, float]:
    rng = np.random.default_rng([seed, rows, int(10 * rho)])
    false, power, other = 0, 0, np.zeros((2, 4))
    kinds: dict[str, int] = {}
    for _ in range(times):
        a, b, c = table(rng, rows, rho), table(rng, rows, rho), table(rng, rows, rho, 0.2)
        quiet = compare(a, b)
        false += bool(quiet.changed)
        for column in quiet.columns:
            if column.changed:
                kinds[column.kind] = kinds.get(column.kind, 0) + 1
        power += compare(a, c, columns=a.column_names)["n0"].changed
        other += [dummies(a, b), dummies(a, c)]
    (psi_false, ks_false, *_), (_, _, psi_found, ks_found) = (100 * other / times).tolist()
    return {
        "rows": rows, "rho": rho, "times": times, "false": 100 * false / times, "power": 100 * power / times,
        "psi_false": psi_false, "psi_power": psi_found, "ks_false": ks_false, "ks_power": ks_found, "kinds": kinds,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, nargs="*", default=[200, 1_000, 5_000, 50_000])
    asked = parser.parse_args()
    print("tables called changed, % (a column of 0.2 sd found, %)")
    print(f"{'rows':>7} {'rows are':<12} {'ours':>14} {'PSI > 0.2':>14} {'KS p < 0.05':>14}")
    results = []
    for rho in (0.0, 0.9):
        for rows in asked.rows:
            times = max(asked.times * 2_000 // max(rows, 2_000), min(asked.times, 20))
            found = run(rows, rho, times, asked.seed)
            results.append(found)
            ours, other, tests = (
                f"{found[a]:.1f} ({found[b]:.0f})"
                for a, b in (("false", "power"), ("psi_false", "psi_power"), ("ks_false", "ks_power"))
            )
            kind = "AR(1) 0.9" if rho else "independent"
            print(f"{rows:>7,} {kind:<12} {ours:>14} {other:>14} {tests:>14}  {found['kinds'] or ''}", flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "rates.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
