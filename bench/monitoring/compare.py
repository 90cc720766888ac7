"""Two tables of 50 columns with planted changes through compare, beside pyarrow's reading alone and five libraries.

python bench/monitoring/compare.py [--rows 1000000] [--seed 7] [--repeat 3] [--peers evidently …] [--cache FOLDER]

Each run is a process of its own, imports included; ours and reading take turns. Libraries get a virtual environment in
the cache folder when it has none; one that cannot be installed is skipped with the reason.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import planted

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("SETPOINT_BENCH_CACHE", Path.home() / ".cache" / "setpoint-bench"))
PEERS = {
    "evidently": ("evidently==0.7.23", "pyarrow", "pandas<3"),
    "nannyml": ("nannyml==0.13.1", "statsmodels", "pyarrow", "pandas<3"),
    "whylogs": ("whylogs[viz]==1.6.4", "pyarrow", "pandas<3"),
    "frouros": ("frouros==0.9.0", "pyarrow", "pandas<3"),
    "alibi": ("alibi-detect==0.13.0", "pyarrow<20", "pandas<3"),
}
LIMIT_S = 900  # of one run


@dataclass(frozen=True)
class Run:
    """One process: seconds by the clock and of CPU, the most memory it held, and what it called."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    called: dict[str, str] | None


def run(python: str, script: str, paths: tuple[Path, Path]) -> Run | str:
    """Run a script on two files; in words why there is no result."""
    command = [python, "-W", "ignore", str(HERE / "peers" / f"{script}.py"), *map(str, paths)]
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=said, stderr=complained)
        limit = threading.Timer(LIMIT_S, child.kill)
        limit.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        limit.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        if child.returncode:
            why = complained.read().strip().splitlines() or [f"took longer than {LIMIT_S} s"]
            return why[-1][:120]
        called = json.loads(said.read().strip().splitlines()[-1])["called"]
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, called)


def environment(name: str, cache: Path) -> Path | str:
    """Return the Python of a library's virtual environment, made if there is none; in words why there is none."""
    folder = cache / f"v_{name}"
    python = folder / "bin" / "python"
    if not python.exists():
        cache.mkdir(parents=True, exist_ok=True)
        print(f"installing {name} into {folder}", file=sys.stderr)
        made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False)
        if not made.returncode:
            install = [str(python), "-m", "pip", "install", "-q", *PEERS[name]]
            made = subprocess.run(install, capture_output=True, text=True, check=False)
        if made.returncode:
            return (made.stderr.strip().splitlines() or ["cannot be installed"])[-1][:120]
    return python


def median(runs: list[Run]) -> Run:
    """Return the medians of several runs of the same."""
    middle = (statistics.median(getattr(r, name) for r in runs) for name in ("wall_s", "cpu_s", "peak_mb"))
    return Run(*middle, runs[0].called)


def line(name: str, found: Run, read: Run) -> str:
    told = f"{name:<14} {found.wall_s:>8.2f} {found.cpu_s:>8.2f} {found.peak_mb:>8.0f}"
    told += f" {found.wall_s / read.wall_s:>7.1f} {found.cpu_s / read.cpu_s:>7.1f}"
    if found.called is None:
        return told
    score = planted.scored(found.called)
    named = f"{score['named']:>6}" if name == "setpoint" else f"{'–':>6}"  # the others name no kinds
    return f"{told} {score['found']:>6}{named} {score['trifling']:>9} {score['clean']:>6}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repeat", type=int, default=3, help="runs of ours and of reading; libraries run once")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--cache", type=Path, default=CACHE, help="virtual environments and data")
    asked = parser.parse_args()
    paths = planted.written(asked.cache / "planted", asked.rows, asked.seed)
    turns: dict[str, list[Run]] = {"setpoint": [], "read": []}
    for _ in range(asked.repeat):
        for name, runs in turns.items():
            found = run(sys.executable, name, paths)
            if isinstance(found, str):
                raise SystemExit(f"{name}: {found}")
            runs.append(found)
    read, results = median(turns["read"]), {"read": median(turns["read"]), "setpoint": median(turns["setpoint"])}
    print(f"{asked.rows:,} rows × 50 columns, seed {asked.seed}; 12 planted, 10 trifling, 28 clean\n")
    heads = f"{'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'× wall':>7} {'× CPU':>7}"
    print(f"{'':<14} {heads}  found named  trifling  clean")
    for name in ("read", "setpoint"):
        print(line({"read": "pyarrow reads"}.get(name, name), results[name], read), flush=True)
    skipped = {}
    for name in asked.peers:
        python = environment(name, asked.cache)
        found = python if isinstance(python, str) else run(str(python), name, paths)
        if isinstance(found, str):
            skipped[name] = found
            print(f"{name:<14} skipped: {found}", flush=True)
        else:
            results[name] = found
            print(line(name, found, read), flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    out = {name: {**vars(found), **planted.scored(found.called or {})} for name, found in results.items()}
    stored = {"rows": asked.rows, "seed": asked.seed, "runs": out, "skipped": skipped}
    path = HERE / "results" / f"compare_{asked.rows}_{asked.seed}.json"
    path.write_text(json.dumps(stored, indent=2) + "\n")


if __name__ == "__main__":
    main()
