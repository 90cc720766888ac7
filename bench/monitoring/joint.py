"""Relations between columns: false calls and planted changes, beside NannyML's PCA and domain classifier.

python bench/monitoring/joint.py [--runs N] [--nannyml PYTHON]     PYTHON: an interpreter that has nannyml

Each run draws a reference and a current table of 5,000 rows × 20 columns. NannyML is run in a process of its own, with
its defaults and ten chunks; a run counts as called when at least half of its current chunks alert.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from setpoint.monitor.joint import joint_change

HERE = Path(__file__).parent
ROWS, COLUMNS = 5_000, 20
Pair = tuple[pd.DataFrame, pd.DataFrame]
PEER = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import pandas as pd, nannyml as nml
out = []
for ref, cur in json.load(open(sys.argv[1])):
    r, c = pd.read_parquet(ref), pd.read_parquet(cur)
    names, one = list(r.columns), {}
    for name, kind, key in (("pca", nml.DataReconstructionDriftCalculator, "column_names"),
                            ("dc", nml.DomainClassifierCalculator, "feature_column_names")):
        if name not in sys.argv[2:]:
            continue
        began = time.perf_counter()
        kw = {key: names, "chunk_number": 10}
        found = kind(**kw).fit(r).calculate(c).filter(period="analysis").to_df()
        alert = [col for col in found.columns if col[-1] == "alert"]
        one[name] = [int(found[alert[0]].sum()), time.perf_counter() - began]
    out.append(one)
print(json.dumps(out))
"""


def table(seed: int, *, rho: float = 0.6, phi: float = 0.0, shifted: bool = False, moved: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = lfilter([np.sqrt(1 - phi**2)], [1, -phi], rng.normal(size=(ROWS + 300, COLUMNS)), axis=0)[300:]
    x[:, 1] = rho * x[:, 0] + np.sqrt(1 - rho**2) * x[:, 1]
    x[:, 3] = 0.8 * x[:, 2] + 0.6 * x[:, 3]
    if shifted:
        x[:, 3] = np.roll(x[:, 3], 1)
    if moved:
        x[:, 5:8] += 0.5
    return pd.DataFrame(x, columns=[f"x{at}" for at in range(COLUMNS)])


CASES = {
    "like with like": ({}, {}),
    "like with like, AR 0.9": ({"phi": 0.9}, {"phi": 0.9}),
    "three means moved by 0.5 sd": ({}, {"moved": True}),
    "correlation 0.6 to -0.2": ({}, {"rho": -0.2}),
    "correlation 0.6 to 0.3": ({}, {"rho": 0.3}),
    "rows misjoined by one": ({}, {"shifted": True}),
    "correlation 0.6 to -0.2, AR 0.9": ({"phi": 0.9}, {"phi": 0.9, "rho": -0.2}),
}


def ours(pairs: list[Pair]) -> tuple[int, int, int, int, float]:
    began = time.process_time()
    found = [joint_change(*({n: f[n].to_numpy() for n in f} for f in pair)) for pair in pairs]
    seconds = (time.process_time() - began) / len(pairs)
    classifier = sum((f.auc_low or 0) > (f.auc_limit or 1) for f in found)
    components = sum(abs(f.reconstruction or 0) > (f.reconstruction_limit or 1) for f in found)
    return sum(f.changed for f in found), sum(bool(f.pairs) for f in found), classifier, components, seconds


def theirs(pairs: list[Pair], python: str, which: list[str]) -> dict[str, tuple[int, float]]:
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for at, pair in enumerate(pairs):
            names = [str(Path(folder) / f"{at}-{side}.parquet") for side in "rc"]
            for frame, name in zip(pair, names, strict=True):
                frame.to_parquet(name)
            files.append(names)
        (Path(folder) / "files.json").write_text(json.dumps(files))
        command = [python, "-c", PEER, str(Path(folder) / "files.json"), *which]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    runs = json.loads(answer.strip().splitlines()[-1])
    return {n: (sum(r[n][0] >= 5 for r in runs), float(np.mean([r[n][1] for r in runs]))) for n in which}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--nannyml")
    parser.add_argument("--peers", nargs="*", default=["pca", "dc"])
    asked = parser.parse_args()
    print(f"python {platform.python_version()}, numpy {np.__version__}, {asked.runs} runs, called")
    heads = [f"nannyml {n}, s" for n in asked.peers]
    print("".ljust(34), "setpoint", "pairs", "auc", "pca", "CPU s", *heads, sep="  ")
    results = {}
    for name, (before, after) in CASES.items():
        pairs = [(table(s, **before), table(10_000 + s, **after)) for s in range(asked.runs)]
        changed, named, auc, pca, seconds = ours(pairs)
        peers = theirs(pairs, asked.nannyml, asked.peers) if asked.nannyml else {}
        told = [f"{n} {c} {s:.1f}" for n, (c, s) in peers.items()]
        print(name.ljust(34), f"{changed:8}  {named:5}  {auc:3}  {pca:3}  {seconds:7.2f}", *told, sep="  ", flush=True)
        results[name] = {"setpoint": changed, "pairs": named, "auc": auc, "pca": pca, "seconds": seconds, **peers}
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "joint.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
