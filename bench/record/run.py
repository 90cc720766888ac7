"""What recording costs: the way in, windows of the log, profiles and bytes, against log size and other stores.

`python bench/record/run.py` records 10 million rows (an hour or so); `--quick` a tenth of that, in a few minutes. It
prints tables, and writes `results/record.json` and `results/record.svg` beside this file. Every step runs in a process
of its own; costs are processor time first, then the wall's. `--whylogs PYTHON` adds an environment that has whylogs.
"""

import argparse
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import charts
import pyarrow.parquet as pq
import rows
from deltalake import DeltaTable
from rows import BLOCK, NARROW, WIDE
from steps import memory_mb, size_of

HERE = Path(__file__).parent
SIZES = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
HOUR = 3_600_000_000 // rows.STEP_US  # rows
MONTH = 30 * 24 * HOUR
STORES = (
    "Parquet, one file, snappy",
    "Parquet, one file, zstd",
    "Parquet, a folder a day",
    "Delta by day",
    "DuckDB",
    "SQLite",
)
PACKAGES = ("setpoint", "deltalake", "pyarrow", "numpy", "duckdb", "msgspec")


class Step:
    """A process that answers lines of JSON; one that takes too long or too much is ended."""

    def __init__(self, script, *arguments, patience_s=float("inf"), most_mb=float("inf")):
        argv = [sys.executable, HERE / script, *arguments]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.patience_s, self.most_mb = patience_s, most_mb
        self.process.stdout.readline()

    def ask(self, **asked):
        """Return the answer, or why there is none."""
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        end = time.monotonic() + self.patience_s
        while not select.select([self.process.stdout], [], [], 0.05)[0]:
            why = None
            if time.monotonic() > end:
                why = f"> {self.patience_s:.0f} s"
            elif memory_mb(self.process.pid)["rss_mb"] > self.most_mb:
                why = f"> {self.most_mb / 1024:.0f} GB"
            if why:
                self.process.kill()
                self.process.wait()
                return {"gave_up": why}
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(map(str, self.process.args))} ended without an answer")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def main():
    """Measure everything, print tables, write JSON and a picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--chunk", type=int, default=250_000, help="rows between two figures of ingestion")
    parser.add_argument("--rounds", type=int, default=3, help="fresh processes a window")
    parser.add_argument("--patience", type=float, default=120.0, help="seconds that a window is waited for")
    parser.add_argument("--most-gb", type=float, default=8.0, help="memory that a window may take")
    parser.add_argument("--quick", action="store_true", help="a million rows")
    parser.add_argument("--no-stores", action="store_true", help="leave out the other stores")
    parser.add_argument("--whylogs", type=Path, help="the Python of an environment with whylogs")
    asked = parser.parse_args()
    asked.rows = min(asked.rows, 1_000_000) if asked.quick else asked.rows
    asked.store_rows = min(asked.rows, 1_000_000)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    packages = {name: version(name) for name in PACKAGES}
    print(machine, commit(), *(f"{name} {v}" for name, v in packages.items()), sep="; ", flush=True)
    found = {"machine": machine, "commit": commit(), "packages": packages, "rows": asked.rows}
    with tempfile.TemporaryDirectory(prefix="record-", ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        for shape in (NARROW, WIDE):
            found[shape.model] = recorded(shape, work / shape.model, asked)
        found["profiling"] = profiling(work, asked.whylogs)
        found["stores"] = {} if asked.no_stores else {name: stored(name, work / "store", asked) for name in STORES}
    report_stores(found)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "record.json").write_text(json.dumps(found, indent=2) + "\n")
    (results / "record.svg").write_text(charts.picture(found))
    print(f"\n{results / 'record.json'}, {results / 'record.svg'}")


def commit():
    """Return which source this is, if git knows."""
    asked = ["git", "-C", str(HERE), "describe", "--always", "--dirty"]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip() or "no commit"


def recorded(shape, home, asked):
    """Record rows chunk by chunk; look at the log at every size."""
    features = len(shape.schema.names)
    print(f"\n{features} columns: {shape.numbers} numbers and {shape.texts} texts; requests of one row")
    print(f"{'rows':>11}{'spool us':>10}{'ingest us':>11}{'records/s of a core':>21}{'wall us':>9}{'MB':>7}{'peak':>7}")
    chunks, windows = [], {}
    with Step("steps.py", "write", home, shape.model) as writer, Step("steps.py", "ingest", home, shape.model) as taker:
        first = 0
        count = asked.rows // shape.rarer
        for last in cuts(count, asked.chunk):
            wrote = writer.ask(blocks=[first // BLOCK, last // BLOCK])
            took = taker.ask()
            if took["records"] != last - first or took["outcomes"] != wrote["outcomes"]:
                raise AssertionError(f"{last - first} records and {wrote['outcomes']} outcomes became {took}")
            chunks.append({"rows": last, "records": last - first, "wrote": wrote, "took": took})
            per = 1e6 / (last - first)
            print(f"{last:>11,}{wrote['cpu_s'] * per:>10.2f}{took['cpu_s'] * per:>11.2f}"
                  f"{(last - first) / took['cpu_s']:>21,.0f}{took['wall_s'] * per:>9.1f}{took['rss_mb']:>7}"
                  f"{took['peak_mb']:>7}", flush=True)  # fmt: skip
            if last in SIZES or last == count:
                windows[last] = looks(shape, home, last, asked)
            first = last
    return {
        "features": features,
        "chunks": chunks,
        "windows": windows,
        "bytes": kept_bytes(home / "records" / shape.model, count),
        "spool_bytes": spool_bytes(chunks),
    }


def cuts(count, chunk):
    """Return where ingestion pauses: at every chunk and every size."""
    return sorted({*range(chunk, count, chunk), *(size for size in SIZES if size < count), count})


def spool_bytes(chunks):
    """Return bytes a record, and an outcome."""
    wrote = [chunk["wrote"] for chunk in chunks]
    records, outcomes = sum(chunk["records"] for chunk in chunks), sum(w["outcomes"] for w in wrote)
    return {
        "record": sum(w["bytes"] for w in wrote) / records,
        "outcome": sum(w["outcome_bytes"] for w in wrote) / max(1, outcomes),
    }


def kept_bytes(folder, count):
    """Return bytes a record of each table: of the files that count, and of all that lies there."""
    tables = sorted(path.parent for path in folder.glob("*/_delta_log"))
    found = {}
    for table in tables:
        files = DeltaTable(table).get_add_actions(flatten=True)
        live = sum(files["size_bytes"].to_pylist())
        found[table.name] = {"live": live / count, "all": size_of(table) / count, "files": len(files["size_bytes"])}
    found["everything"] = {"live": sum(f["live"] for f in found.values()), "all": size_of(folder) / count}
    return found


def looks(shape, home, count, asked):
    """Ask the log for windows, each in fresh processes."""
    middle = max(0, (count - HOUR) // 2)
    windows = {
        "table, an hour amid": ("table", middle, middle + HOUR),
        "table, the last hour": ("table", max(0, count - HOUR), count),
        "read, the last hour": ("read", max(0, count - HOUR), count),
    }
    end = count * shape.rarer
    month = {f"profile, a month, {len(shape.schema.names)} columns": ("profile", max(0, end - MONTH), end)}
    found = {}
    for name, window in (windows | month if shape is NARROW else month).items():
        rounds = []
        for _ in range(asked.rounds):
            with Step(
                "steps.py", "look", home, shape.model, *window, patience_s=asked.patience, most_mb=asked.most_gb * 1024
            ) as step:
                rounds.append(step.ask())
            if "gave_up" in rounds[-1]:
                break
        found[name] = summary(rounds)
        print(f"{'':11}{name}: {told(found[name])}", flush=True)
    return found


def summary(rounds):
    """Return the medians and ranges of fresh processes, in milliseconds."""
    if "gave_up" in rounds[-1]:
        return {"gave_up": rounds[-1]["gave_up"]}
    ms = lambda spent, key: [1e3 * s[key] for s in spent]  # noqa: E731
    cold, warm = [r["cold"] for r in rounds], [spent for r in rounds for spent in r["warm"]]
    return {
        "rows": rounds[-1]["rows"],
        "cold_cpu_ms": statistics.median(ms(cold, "cpu_s")),
        "cold_ms": statistics.median(ms(cold, "wall_s")),
        "cold_range_ms": [min(ms(cold, "wall_s")), max(ms(cold, "wall_s"))],
        "warm_cpu_ms": statistics.median(ms(warm, "cpu_s")),
        "warm_ms": statistics.median(ms(warm, "wall_s")),
        "warm_range_ms": [min(ms(warm, "wall_s")), max(ms(warm, "wall_s"))],
        "peak_mb": max(r["peak_mb"] for r in rounds),
    }


def told(found):
    """Return a summary in words."""
    if "gave_up" in found:
        return f"given up, {found['gave_up']}"
    low, high = found["cold_range_ms"]
    return (
        f"{found['rows']:,} rows, fresh {found['cold_ms']:,.0f} ms ({low:,.0f}-{high:,.0f}; CPU "
        f"{found['cold_cpu_ms']:,.0f}), again {found['warm_ms']:,.1f} ms (CPU {found['warm_cpu_ms']:,.1f}), "
        f"peak {found['peak_mb']:,} MB"
    )


def profiling(work, whylogs):
    """Return what it costs to profile a record, and a feature of it, in microseconds."""
    with Step("steps.py", "count", NARROW.model) as step:
        counted = {"setpoint": step.ask()}
    if whylogs:
        table = rows.flat(rows.block(NARROW, 0))
        pq.write_table(table.select(NARROW.schema.names), work / "block.parquet")
        argv = [whylogs, HERE / "whylogs_peer.py", work / "block.parquet", "5"]
        said = subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True).stdout
        counted["whylogs"] = json.loads(said.splitlines()[-1])
    print("\nprofiling, CPU us a record (range), and a feature of it")
    for name, one in counted.items():
        per = [1e6 * spent["cpu_s"] / one["records"] for spent in one["spent"]]
        one |= {"us": statistics.median(per), "range_us": [min(per), max(per)]}
        one["us_a_feature"] = one["us"] / one["features"]
        print(f"{name:12}{one['us']:>8.2f} ({min(per):.2f}-{max(per):.2f}){one['us_a_feature']:>8.3f}", flush=True)
    return counted


def stored(name, folder, asked):
    """Give the same rows to another store, read an hour of it, and remove it."""
    chunks, first = [], 0
    with Step("stores.py", "store", name, folder, NARROW.model) as step:
        for last in cuts(asked.store_rows, asked.chunk):
            chunks.append({"rows": last, "records": last - first, **step.ask(blocks=[first // BLOCK, last // BLOCK])})
            first = last
    found = {"chunks": chunks, "us": 1e6 * sum(c["cpu_s"] for c in chunks) / asked.store_rows,
             "wall_us": 1e6 * sum(c["wall_s"] for c in chunks) / asked.store_rows,
             "peak_mb": max(c["peak_mb"] for c in chunks), "bytes": size_of(folder) / asked.store_rows}  # fmt: skip
    if "one file" not in name:
        middle, rounds = max(0, (asked.store_rows - HOUR) // 2), []
        for _ in range(asked.rounds):
            with Step("stores.py", "ask", name, folder, middle, middle + HOUR, patience_s=asked.patience) as step:
                rounds.append(step.ask())
        found["hour"] = summary(rounds)
    subprocess.run(["rm", "-rf", folder], check=True)
    return found


def report_stores(found):
    """Print bytes a record, and what other stores cost on the same rows."""
    mine, count = found[NARROW.model], found["rows"]
    print(f"\nbytes a record, of {count:,} with {mine['features']} columns and outcomes for {rows.TOLD:.0%}")
    for table, size in mine["bytes"].items():
        files = f"{size['files']:>7} files" if "files" in size else ""
        print(f"{table:26}{size['live']:>8.1f}{size['all']:>8.1f} with what lies there still{files}")
    print(f"{'spool':26}{mine['spool_bytes']['record']:>8.1f}; {mine['spool_bytes']['outcome']:.1f} an outcome")
    head = f"{'same rows, ready columns':26}{'CPU us':>8}{'wall us':>9}{'peak MB':>9}{'bytes':>8}"
    print(f"\n{head}   an hour, ms: fresh · again")
    took = [chunk["took"] for chunk in mine["chunks"]]
    ours = {
        "us": 1e6 * sum(t["cpu_s"] for t in took) / count,
        "wall_us": 1e6 * sum(t["wall_s"] for t in took) / count,
        "peak_mb": max(t["peak_mb"] for t in took),
        "bytes": mine["bytes"]["everything"]["all"],
        "hour": mine["windows"][count]["table, an hour amid"],
    }
    for name, one in {"Setpoint, from requests": ours, **found["stores"]}.items():
        hour = one.get("hour")
        asked = "" if hour is None else hour.get("gave_up") or f"{hour['cold_ms']:>10.1f} · {hour['warm_ms']:.1f}"
        print(
            f"{name:26}{one['us']:>8.2f}{one['wall_us']:>9.2f}{one['peak_mb']:>9}{one['bytes']:>8.1f}   {asked}",
            flush=True,
        )


if __name__ == "__main__":
    main()
