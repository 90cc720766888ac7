"""The feed of outcomes on real streams in their own order: false alarms, and how soon a stop is seen.

    python bench/faults/feed.py [--data-sets NAME...]

The first third of a stream trains a model, the rest is looked at once a day. Outcomes come an hour after the row; those
of cmapss_fd001 when the engine has failed, as they really do. Then the feed stops at the middle. All of it again beside
a test of load that no outcome comes of: from the middle on, and where the feed stops from a month before, it asks
three times as often as all others.
"""

import argparse
import os
import sys
import warnings
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from plan import DATA
from sets import SETS
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from setpoint.domain.feed import delivered
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records, joined, moment
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.monitor.feed import feed
from setpoint.monitor.limits import Limits
from setpoint.monitor.seen import Seen

START, HOUR = np.datetime64("2024-01-01", "us"), np.timedelta64(3_600_000_000, "us")
DAY = 24 * HOUR
A_DAY = {"elec2": 48, "noaa_weather": 24, "diabetes130": 200, "bank_marketing": 60, "cmapss_fd001": 100}
NEVER = np.datetime64("NaT", "us")


def stream(name: str) -> tuple[Records, Schema]:
    """Return a data set in its own order, answered by a model of its first third."""
    task, target, load = SETS[name]
    table = load(DATA)
    y = table[target].astype(str).factorize(sort=True)[0] if task == "binary" else table[target].to_numpy(float)
    x = table.drop(columns=target)
    x = x.apply(lambda c: c if c.dtype.kind in "if" else c.astype(str).factorize()[0]).to_numpy(float)
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    first = len(y) // 3
    model = kind(max_iter=60, random_state=0).fit(x[:first], y[:first])
    x, y = x[first:], y[first:].astype(float)
    score = model.predict(x) if task == "regression" else model.predict_proba(x)[:, 1]
    step = DAY // A_DAY.get(name, 24)
    time = START + np.arange(len(y)) * step
    late = (y * (step / HOUR) * 3600e6).astype(np.int64).astype("timedelta64[us]") if name == "cmapss_fd001" else HOUR
    text = np.full(len(y), "", object)
    rows = Records(
        id=np.arange(len(y)).astype(str).astype(object), time=time, version=text, score=score, outcome=y,
        known=time + late, latency_us=text, maps=text, inputs={}, caller=np.full(len(y), "shop", object),
    )  # fmt: skip
    schema = Schema(
        features=(Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target=target, task=Task(task),
        classes=(0, 1) if task == "binary" else (),
    )  # fmt: skip
    return rows, schema


def watched(rows: Records, schema: Schema) -> list[tuple[float, str, str]]:
    """Look once a day; return the alarms: the day, the metric, and what is said."""
    none, told, found = rows.take(np.zeros(len(rows), bool)), None, []
    for now in np.arange(START + 3 * DAY, rows.time[-1], DAY):
        seen = rows.between(moment(now) - timedelta(days=56), moment(now))
        there = seen.known <= now
        seen = replace(seen, outcome=np.where(there, seen.outcome, np.nan), known=np.where(there, seen.known, NEVER))
        told = delivered(told, seen.labelled, moment(now - DAY), moment(now))
        at = Seen(
            now=moment(now), since=moment(now - DAY), schema=schema, limits=Limits(rows=0, columns={}), recent=none,
            baseline=seen, labelled=seen.labelled, refused={"": 1}, objectives=(Objective(metric="mae", at_most=1.0),),
            false_actions_per_year=2.0, answers=seen, healthy=seen, behind_s=told.behind_s,
        )  # fmt: skip
        found += [(float((now - START) / DAY), f.metric, f.detail) for f in feed(at) if f.alarm]
    return found


def loaded(rows: Records, since: np.datetime64) -> Records:
    """Return a stream beside a test of load: its last rows over and over, that nobody knows the outcome of."""
    late = rows.between(moment(since), None)
    more = late.take(np.sort(np.tile(np.arange(len(late)), 3)))
    n = len(more)
    more = replace(more, outcome=np.full(n, np.nan), known=np.full(n, NEVER), caller=np.full(n, "load", object))
    both = joined(rows, more)
    return both.take(np.argsort(both.time, kind="stable"))


def measured(rows: Records, schema: Schema, load: bool) -> tuple[dict[str, int], float, list[tuple[float, str, str]]]:
    """Return the false alarms of a stream, and after how many days a stop at its middle is seen."""
    middle = rows.time[len(rows) // 2]
    said = watched(loaded(rows, middle) if load else rows, schema)
    stopped = replace(rows, known=np.where(rows.known >= middle, NEVER, rows.known))
    stopped = stopped.between(moment(middle) - timedelta(days=60), moment(middle) + timedelta(days=60))
    stopped = loaded(stopped, middle - 30 * DAY) if load else stopped
    at = float((middle - START) / DAY)
    after = next((d - at for d, m, _ in watched(stopped, schema) if m == "late" and d > at), float("nan"))
    return {m: sum(s[1] == m for s in said) for m in ("late", "constant", "level")}, after, said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-sets", nargs="*", default=list(SETS))
    warnings.simplefilter("ignore")
    print(f"{'stream':16}{'load':>6}{'days':>7}{'late':>6}{'constant':>10}{'level':>7}   stop seen after, days")
    for name in parser.parse_args().data_sets:
        rows, schema = stream(name)
        for load in (False, True):
            count, after, said = measured(rows, schema, load)
            days = (rows.time[-1] - START) / DAY
            numbers = f"{count['late']:6}{count['constant']:10}{count['level']:7}"
            print(f"{name:16}{'yes' if load else '':>6}{days:7.0f}{numbers}   {after:.1f}", flush=True)
            for day, metric, words in said[:4]:
                print(f"    day {day:.0f} {metric}: {words}")


if __name__ == "__main__":
    main()
