"""Repairs at the door on real columns: lifted while the fault lasts? lifted soon when it is over?

    python bench/faults/lifting.py [--data-sets NAME...] [--seeds N] [--cache FOLDER]

A repair is in place for 3,000 records of the fault and 3,000 of healthy traffic after it, and looked at every 100 (at
400 records a day, every six hours). A lift under the fault is false; of the others it counts how many records the lift
takes from the end of the fault on. Beside it two dummies: never lift, and lift at the next look.
"""

import argparse
import dataclasses
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))

from plan import CACHE, DATA
from sets import SETS, START, STEP, data_sets

from setpoint.deploy.reference import features_of
from setpoint.domain.fault import Fault
from setpoint.domain.feature_map import FeatureMap, Instead, Sign
from setpoint.domain.incident import Cause
from setpoint.domain.records import Records, moment
from setpoint.domain.traffic import Traffic
from setpoint.faults import plant, possible
from setpoint.faults.drawing import UNITS
from setpoint.maintain.remedies.levels import matched
from setpoint.maintain.remedies.swap import odds_of
from setpoint.maintain.signs import held_value, shown
from setpoint.maintain.well import well_again
from setpoint.store.bundles import FolderBundleStore

HEALTHY, LONG, EVERY = 2_000, 3_000, 100
PARTS = (("unit", "", 1.0), ("swapped", "", 1.0), ("swapped", "", 0.5), ("null", "", 1.0), ("null", "", 0.3),
         ("frozen", "", 1.0), ("frozen", "", 0.5), ("renamed", "renamed", 1.0), ("renamed", "recoded", 0.5),
         ("renamed", "new", 0.3), ("skew", "zero", 1.0), ("skew", "stale", 1.0))  # fmt: skip


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--data-sets", nargs="*", default=list(SETS))
    args.add_argument("--seeds", type=int, default=3)
    args.add_argument("--cache", type=Path, default=CACHE)
    args = args.parse_args()
    warnings.simplefilter("ignore")
    began, found = time.perf_counter(), {part: [] for part in PARTS}
    for data in data_sets(DATA, args.cache, args.data_sets):
        schema = FolderBundleStore(data.home / "bundles").get(data.name.replace("_", "-"), "v1").schema
        inputs = features_of(pa.Table.from_pandas(data.pool, preserve_index=False), schema.features)
        for part in PARTS:
            found[part] += [t for seed in range(args.seeds) if (t := trial(part, inputs, schema, seed)) is not None]
    report(found)
    print(f"\n{time.perf_counter() - began:.0f} s")


def trial(part, inputs, schema, seed):
    """Return after how many records of the fault a repair was lifted, and after how many of the end; None: never."""
    kind, how, strength = part
    rng = np.random.default_rng([seed, *map(ord, kind + how)])
    rows = rng.choice(len(next(iter(inputs.values()))), HEALTHY + 2 * LONG, replace=True)
    traffic = traffic_of({n: c[rows] for n, c in inputs.items()})
    healthy = records_of(traffic.take(np.arange(HEALTHY)))
    columns = possible(Cause(kind), traffic, schema)
    most = 2 if kind == "swapped" else 1
    if len(columns) < most:
        return None
    scale, offset = UNITS[int(rng.integers(len(UNITS)))]
    fault = Fault(
        kind=Cause(kind), how=how, columns=tuple(str(c) for c in rng.choice(columns, most, replace=False)),
        strength=strength, since=moment(traffic.time[HEALTHY]), until=moment(traffic.time[HEALTHY + LONG]),
        scale=scale if kind == "unit" else 1.0, offset=offset if kind == "unit" else 0.0,
    )  # fmt: skip
    try:
        sent = records_of(plant(fault, traffic, schema, seed=seed).traffic)
    except Exception as e:  # texts in a column of numbers, and the like
        print(f"left out: {fault.words}: {e}", file=sys.stderr)
        return None
    since = sent.take(np.arange(HEALTHY, len(sent)))
    repair = repair_of(fault, healthy, since.take(np.arange(LONG)), schema)
    if repair is None:
        return None
    lifted = [n for n in range(EVERY, 2 * LONG + 1, EVERY) if well(repair, since, n, healthy, schema)]
    early = next((n for n in lifted if n <= LONG), None)
    late = next((n - LONG for n in lifted if n > LONG), None)
    return early, late


def well(repair, since, n, healthy, schema):
    return well_again(repair, since.take(np.arange(max(0, n - 1_000), n)), healthy, schema)[0]


def repair_of(fault, healthy, since, schema):
    """Return the repair as its builder makes it; a unit's is the exact inverse."""
    name = fault.columns[0]
    feature = next(f for f in schema.features if f.name == name)
    if fault.kind is Cause.UNIT:
        return FeatureMap(id="m", feature=name, scale=1 / fault.scale, offset=-fault.offset / fault.scale)
    if fault.kind is Cause.SWAPPED:
        other = fault.columns[1]
        some = fault.strength < 1
        odds = odds_of(schema, healthy.inputs, since.inputs, name, other) if some else None
        return None if some and odds is None else FeatureMap(id="m", feature=name, swap=other, odds=odds)
    if fault.kind is Cause.RENAMED:
        open_ = dataclasses.replace(feature, nullable=True, contract=None)
        levels = matched(open_, healthy.inputs[name], since.inputs[name])
        return FeatureMap(id="m", feature=name, levels=levels) if levels.known else None
    sign = {Cause.NULL: Sign.MISSING, Cause.FROZEN: Sign.HELD}.get(fault.kind)
    if sign is None:
        sign = Sign.HELD if fault.way == "zero" else Sign.UNLIKE
    held = held_value(since.inputs[name]) if sign is Sign.HELD else None
    share = float(shown(sign, healthy.inputs, since.inputs, name, schema, held).mean())
    instead = Instead(held=held, everywhere=sign is Sign.UNLIKE, sign=sign, share=share)
    return FeatureMap(id="m", feature=name, instead=instead)


def traffic_of(inputs):
    n = len(next(iter(inputs.values())))
    when = START + np.arange(n) * STEP
    ids = np.arange(n).astype(str).astype(object)
    return Traffic(time=when, id=ids, inputs=inputs, outcome=np.zeros(n), known=when)


def records_of(traffic):
    n = len(traffic)
    none = np.zeros(n)
    return Records(
        id=traffic.id, time=traffic.time, version=np.full(n, "v1", object), score=none, outcome=none,
        known=traffic.known, latency_us=none, maps=np.full(n, "", object), inputs=traffic.inputs,
    )  # fmt: skip


def report(found) -> None:
    """Print a line for each kind of fault."""
    print("| fault | share of rows | repairs | lifted under it | lifted after it | records until then: median, worst |")
    print("|---|---|---|---|---|---|")
    for (kind, how, strength), trials in found.items():
        early = [e for e, _ in trials if e is not None]
        late = [after for e, after in trials if e is None and after is not None]
        kept = len(trials) - len(early)
        times = f"{np.median(late):.0f}, {max(late)}" if late else "–"
        name = f"{kind}, {how}" if how and how != kind else kind
        print(f"| {name} | {strength:.0%} | {len(trials)} | {len(early)} | {len(late)} of {kept} | {times} |")
    total = sum(map(len, found.values()))
    print(f"| *never lift* | | {total} | 0 | 0 of {total} | – |")
    print(f"| *lift at the next look* | | {total} | {total} | | |")


if __name__ == "__main__":
    main()
