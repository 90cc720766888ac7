"""The live monitors on real streams: what they say when nothing was planted, and what they call planted changes.

python bench/monitoring/real.py [SET ...] [--planted] [--starts 3] [--data FOLDER]
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from naming import Change, renamed, some, spread
from quiet import dummies
from streams import BUDGET, SOURCES, Stream, is_number

from setpoint.domain.finding import Finding
from setpoint.domain.records import stamp
from setpoint.domain.series import Series
from setpoint.maintain.triage import opens
from setpoint.monitor.limits import ColumnLimits
from setpoint.monitor.observe import of_scopes

DATA = Path(__file__).parents[3] / "shared" / "datasets"
LIVE = timedelta(days=7)  # how long an incident waits for its columns to alarm again


def quiet(stream: Stream) -> None:
    """Look at the stream as it is."""
    spent, slow, alarms = 0.0, 0, Counter[str]()
    incidents: list[tuple[str, list[Finding]]] = []
    last: dict[str, object] = {}
    for now in stream.looks:
        seen, began = stream.seen(stream.hours, now), time.process_time()
        found = [f for f in of_scopes(seen) if f.alarm]
        spent += time.process_time() - began
        slow += any(not opens(f) for f in found)
        new = [f for f in found if opens(f) and now - last.get(f.column, now - 2 * LIVE) > LIVE]
        if new:
            incidents.append((f"{now:%Y-%m-%d}", new))
        last.update({f.column: now for f in found if opens(f)})
        window = stream.hours.between(now - stream.source.every, now).profile()
        if window.rows:
            for rule, alarm in dummies(stream.reference, window).items():
                alarms[rule] += alarm
    looks = len(stream.looks)
    years = looks * stream.source.every / timedelta(days=365.25)
    print(
        f"{stream.name} ({stream.source.clock}): {stream.cut:,} rows of reference, "
        f"{len(stream.binning.columns)} columns, "
        f"{looks} looks in {years:.1f} years ({BUDGET * years:.1f} false allowed): {len(incidents)} incidents; "
        f"slow drift {slow / looks:.0%} of looks; {1e3 * spent / looks:.1f} ms of CPU a look; "
        + ", ".join(f"{rule} {n / looks:.0%}" for rule, n in alarms.items()),
        flush=True,
    )
    for day, findings in incidents:
        for f in findings:
            print(f"   {day} {f.column} {f.metric} [{f.kind}] {f.value:.3g} > {f.limit:.3g}: {f.detail[:150]}")


PLANTED: dict[str, list[str]] = {
    "bank_marketing": ["age", "euribor3m", "job", "education"],
    "diabetes130": ["num_lab_procedures", "num_medications", "age", "race"],
    "elec2": ["nswprice", "nswdemand"],
    "gas_turbine": ["AT", "AP", "TIT"],
    "noaa_weather": ["feat_1", "feat_3", "feat_6"],
    "online_retail": ["Quantity", "UnitPrice", "Country"],
    "bike_hourly": ["temp", "hum", "weathersit"],
}
PAIRS = {
    "bank_marketing": [("job", "education"), ("age", "campaign")],
    "diabetes130": [("num_lab_procedures", "num_medications")],
    "elec2": [("nswprice", "nswdemand")],
    "gas_turbine": [("AT", "AFDP"), ("TIT", "TEY")],
    "noaa_weather": [("feat_1", "feat_7"), ("feat_1", "feat_4")],
    "online_retail": [("Quantity", "UnitPrice")],
    "bike_hourly": [("temp", "hum"), ("hum", "windspeed")],
}
STRENGTHS = {"weak": 1.0, "strong": 2.0}
NUMBERS: dict[str, Change] = {
    "nulls": lambda x, s, r: x.mask(some(r, len(x), 0.6 if s > 1 else 0.2)),
    "frozen": lambda x, s, r: stuck(x, s),
    "unit": lambda x, s, r: x * (100 if s > 1 else 2.54),
    "spike": lambda x, s, r: x.mask(some(r, len(x), 0.8 if s > 1 else 0.4), x.dropna().quantile(0.6, "nearest")),
    "scale": lambda x, s, r: x.mean() + (5.0 if s > 1 else 2.0) * (x - x.mean()),
    "shift": lambda x, s, r: x + (4.0 if s > 1 else 1.5) * spread(x),
}
LEVELS: dict[str, Change] = {
    "nulls": NUMBERS["nulls"],
    "frozen": NUMBERS["frozen"],
    "new_level": lambda x, s, r: x.mask(some(r, len(x), 0.6 if s > 1 else 0.2), "never seen"),
    "renamed": renamed,
    "frequency": lambda x, s, r: x.mask(some(r, len(x), 0.8 if s > 1 else 0.4), x.value_counts().index[1]),
}
LOOKS = 7


def beyond(limits: ColumnLimits) -> Change:
    """Some rows lie beyond all that was ever natural."""
    wide = limits.high - limits.low

    def change(x: pd.Series, strength: float, rng: np.random.Generator) -> pd.Series:
        high = limits.high + wide * (0.5 + rng.random(len(x)))
        return x.mask(some(rng, len(x), 0.6 if strength > 1 else 0.2), high)

    return change


def stuck(x: pd.Series, strength: float) -> pd.Series:
    """From now on one value: a usual one, or the last one seen."""
    return pd.Series(np.full(len(x), x.mode()[0] if strength == 1.0 else x.iloc[0]), dtype=x.dtype)


def planted(stream: Stream, starts: int) -> Iterator[tuple[str, str, str, str]]:
    """Plant each change at several times; yield the strength, the kind, the column and what was said of it."""
    rng = np.random.default_rng(7)
    looks = stream.looks
    for at in np.linspace(len(looks) // 8, len(looks) - LOOKS - 1, starts).astype(int):
        began = looks[at]
        rows = slice(
            *np.searchsorted(stream.times, [stamp(began - stream.source.every), stamp(looks[at + LOOKS])]).tolist()
        )
        if rows.stop - rows.start < 24:
            continue
        usual = {
            f.column
            for n in range(LOOKS)
            for f in of_scopes(stream.seen(stream.hours, looks[at + n]))
            if f.alarm and opens(f)
        }
        for strength, changes in cases(stream, rows, rng):
            kind, columns = changes[0], {c: x.to_numpy() for c, x in changes[1].items()}
            if usual & set(columns):
                continue
            hours = stream.with_change(rows, columns)
            yield strength, kind, "+".join(columns), said(stream, hours, looks[at : at + LOOKS], list(columns), usual)


def cases(
    stream: Stream, rows: slice, rng: np.random.Generator
) -> Iterator[tuple[str, tuple[str, dict[str, pd.Series]]]]:
    for column in PLANTED[stream.name]:
        x = pd.Series(stream.columns[column][rows])
        kinds = NUMBERS if is_number(stream.columns[column]) else LEVELS
        limits = stream.limits.columns[column]
        if kinds is NUMBERS:
            kinds = {**kinds, "range": beyond(limits)}
        for kind, change in kinds.items():
            if x.nunique() > 1:
                for strength, times in STRENGTHS.items():
                    yield strength, (kind, {column: change(x, times, rng)})
    for strength, (a, b) in zip(STRENGTHS, PAIRS[stream.name], strict=False):
        yield strength, ("swapped", {a: pd.Series(stream.columns[b][rows]), b: pd.Series(stream.columns[a][rows])})


def said(stream: Stream, hours: Series, looks: list[datetime], columns: list[str], usual: set[str]) -> str:
    """Return the look that found all the columns, what they were called then, and the other columns that alarmed."""
    others: set[str] = set()
    kinds: dict[str | None, str] = {}
    first, at_once = 0, ""
    for number, now in enumerate(looks, 1):
        found = [f for f in of_scopes(stream.seen(hours, now)) if f.alarm and opens(f)]
        others |= {f.column or "" for f in found} - usual - {*columns, stream.schema.score}
        kinds = {
            **kinds,
            **{f.column: f.kind for f in sorted(found, key=lambda f: f.value / f.limit) if f.column in columns},
        }
        if first:  # the window of the look before may have held rows from before the change
            break
        if len(kinds) == len(columns):
            first, at_once = number, "+".join(sorted(set(kinds.values())))
    later = "+".join(sorted(set(kinds.values())))
    return f"{first} {at_once or '-'} {later or '-'} {','.join(others)}"


def tally(streams: Iterator[Stream], starts: int) -> None:
    counts: dict[tuple[str, str], Counter[str]] = {}
    wrong: Counter[str] = Counter()
    for stream in streams:
        for strength, kind, column, text in planted(stream, starts):
            number, called, later, others = text.split(" ")
            count = counts.setdefault((kind, strength), Counter())
            count["planted"] += 1
            for within in (1, 3, 7):
                count[f"in {within}"] += 0 < int(number) <= within
            count["right"] += int(number) > 0 and called == kind
            count["then"] += int(number) > 0 and later == kind
            count["others"] += bool(others)
            if int(number) == 0 or later != kind or others:
                wrong[f"{kind} {strength} {stream.name}.{column}: look {number}, {called}, then {later} {others}"] += 1
        print(f"  {stream.name} planted", flush=True)
    heads = ("planted", "in 1", "in 3", "in 7", "right", "then", "others")
    print(f"{'':<22}" + "".join(f"{h:>9}" for h in heads))
    for (kind, strength), count in sorted(counts.items()):
        print(f"{kind + ' ' + strength:<22}" + "".join(f"{count[h]:>9}" for h in heads))
    for case, n in sorted(wrong.items()):
        print(f"  {n} x {case}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=list(SOURCES))
    parser.add_argument("--planted", action="store_true", help="plant changes instead")
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--data", type=Path, default=DATA)
    given = parser.parse_args()
    streams = (Stream(name, given.data) for name in given.sets or SOURCES)
    if given.planted:
        tally(streams, given.starts)
        return
    for stream in streams:
        quiet(stream)


if __name__ == "__main__":
    main()
