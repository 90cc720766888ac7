"""The gate before candidates that are known to be bad, or good: which it rejects, and with which reason.

Each bad candidate is an honest refit on real rows with one thing wrong. bank_marketing has none: no model knows more
there than chance (ROC AUC 0.45 to 0.6), so nobody could tell that its labels were shuffled. The good ones are honest,
and better by 5 % or more on the rows of a long future that the gate does not see as a whole, better on each third of
it, and better than every naive answer there; those that turn out no better are worse, and the rest lies between.
Beside it a dummy gate that asks for a smaller mean loss. Prints three tables; exits with 1 where a bad
one passes, or more than one good one in ten does not.

    python bench/update/planted.py [--data FOLDER] [--only NAME ...]
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from setpoint.domain.rollout import Decision  # noqa: E402
from setpoint.domain.schema import Task  # noqa: E402
from tests.planted import Place, Planted, Stream, bad, dummy_accepts, good, judged, look  # noqa: E402

DATA = ROOT.parent / "shared" / "datasets"
FUTURE = 6_000  # rows on which it is settled what is better
BETTER = 0.05  # of the champion's loss on them
BIKE = ["season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed"]


def streams(data: Path) -> Iterator[tuple[Stream, float, dict[str, object]]]:
    """Yield streams; for bad candidates where in the stream, and what of it is broken (nothing: none is made)."""
    d = pd.read_parquet(data / "bike_hourly")
    yield (
        Stream("bike_hourly", d[BIKE].astype(float), d.cnt.to_numpy(float), Task.REGRESSION, late=72,
               stated=("workingday",)),
        0.5, {"segment": ("workingday", (-0.5, 0.5)), "trigger": ("windspeed", 0.7777), "scale": "hr"},
    )  # fmt: skip
    d = pd.read_parquet(data / "gas_turbine")
    yield (
        Stream("gas_turbine NOX", d.drop(columns=["NOX", "CO", "year", "hour_seq"]).astype(float),
               d.NOX.to_numpy(float), Task.REGRESSION, late=367, stated=("AT",)),
        0.5, {"segment": ("AT", (25.0, 60.0)), "trigger": ("AFDP", 7.7777), "scale": "AT"},
    )  # fmt: skip
    d = pd.read_parquet(data / "elec2")
    yield (
        Stream("elec2", d.drop(columns="class").astype(float), d["class"].to_numpy(float), Task.BINARY, late=453,
               stated=("period",)),
        0.3, {"segment": ("period", (0.5, 0.75)), "trigger": ("nswdemand", 1.2345), "scale": "nswprice"},
    )  # fmt: skip
    d = pd.read_parquet(data / "noaa_weather")
    yield (
        Stream("noaa_weather", d.drop(columns="target").astype(float), d.target.to_numpy(float), Task.BINARY,
               stated=("feat_5",)),
        0.5, {"segment": ("feat_5", (0.0, 5.0)), "trigger": ("feat_4", 77.77), "scale": "feat_1"},
    )  # fmt: skip
    d = pd.read_parquet(data / "bank_marketing")
    y = (d["y"] == "yes").to_numpy(float)
    d = d.drop(columns=["y", "duration", "row_order", "year"])
    d = d.apply(lambda c: c.astype(float) if c.dtype.kind in "if" else c.astype(object))
    yield Stream("bank_marketing", d, y, Task.BINARY, late=411), 0.5, {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", nargs="*", default=[])
    args = parser.parse_args()
    began, missed, tally = time.process_time(), 0, Counter()
    print("| stream | bad candidate | expected | verdict | first reason | looks | mean loss better |")
    print("|---|---|---|---|---|---|---|")
    chosen = [(s, at, how) for s, at, how in streams(args.data) if not args.only or s.name in args.only]
    for s, at, how in chosen:
        place = fresh(s, at)
        for planted in bad(place, **how) if how else ():
            verdict, looks = judged(place, planted)
            right = verdict.decision is Decision.REJECT and verdict.reason in planted.reason.split(" or ")
            missed += not right
            dummy = "accepts" if dummy_accepts(place, planted) else "rejects"
            told = verdict.reason if right else f"**{verdict.reason or '–'}**"
            print(
                f"| {s.name} | {planted.name} | {planted.reason} | {verdict.decision} | {told} | {looks} | {dummy} |",
                flush=True,
            )
    print(f"\n{missed} bad candidates passed, or were rejected with another first reason\n")
    print("| stream | at row | candidate | gain later | truly | verdict | looks | first reason | mean loss better |")
    print("|---|---|---|---|---|---|---|---|---|")
    for s, _, _ in chosen:
        for place in places(replace(s, stated=())):
            for planted in good(place):
                gain, kind = truly(place, planted)
                verdict, looks = judged(place, planted)
                dummy = dummy_accepts(place, planted)
                tally[kind, "all"] += 1
                tally[kind, str(verdict.decision)] += 1
                tally[kind, "dummy"] += dummy
                print(
                    f"| {s.name} | {place.cut} | {planted.name} | {gain:+.1%} | {kind} | {verdict.decision} | {looks} "
                    f"| {verdict.reason} | {'accepts' if dummy else 'rejects'} |", flush=True,
                )  # fmt: skip
    print("\n| truly | candidates | accepted | rejected | still waiting | accepted by mean loss |")
    print("|---|---|---|---|---|---|")
    for kind in ("good", "between", "worse"):
        counts = [tally[kind, x] for x in ("all", "accept", "reject", "wait", "dummy")]
        print(f"| {kind} | " + " | ".join(map(str, counts)) + " |")
    print(f"\n{time.process_time() - began:.0f} s CPU; Python {sys.version.split()[0]}, NumPy {np.__version__}")
    return int(missed > 0 or tally["good", "accept"] < 0.9 * tally["good", "all"])


def fresh(s: Stream, at: float) -> Place:
    """Return a place whose champion is as good as one can be: what is wrong with a candidate is what was done to it."""
    n, cut = len(s.y), round(at * len(s.y))
    return Place(s, range(n // 16, cut - n // 40), range(n // 16, cut))


def places(s: Stream) -> Iterator[Place]:
    """Yield places along a stream, each with a champion that has learnt nothing of the last eighth or quarter."""
    n, size = len(s.y), len(s.y) // 4
    for share in (0.4, 0.5, 0.6, 0.7):
        for lag in (n // 8, n // 4):
            cut = round(share * n)
            yield Place(s, range(max(0, cut - lag - size), cut - lag), range(cut - size, cut))


def truly(place: Place, planted: Planted) -> tuple[float, str]:
    """Return the gain on the future as a fraction of the champion's loss, and what that makes of a candidate."""
    case = look(place, planted, min(FUTURE, len(place.stream.y) - place.cut), 1)
    old, new = case.champion.held.losses, case.candidate.held.losses
    gains = [1 - b.mean() / a.mean() for a, b in zip(np.array_split(old, 3), np.array_split(new, 3), strict=True)]
    gain, naive = 1 - float(new.mean() / old.mean()), min(float(np.nanmean(v)) for v in case.naive.values())
    if gain >= BETTER and min(gains) > 0 and new.mean() < naive:
        return gain, "good"
    return gain, "worse" if gain <= 0 else "between"


if __name__ == "__main__":
    sys.exit(main())
