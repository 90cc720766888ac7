"""False incidents on streams where nothing happens, and what is found when something does, beside the usual dummies.

python bench/monitoring/quiet.py [--looks 1000] [--rows 100] [--trials 200] [--seed 7]

50 columns (35 of numbers, 15 of levels), an hourly look, a budget of two false actions a year. The limits are learnt
from a reference of 90 days; 28 days of history come before the first look. Streams: independent rows; hours that wander
(AR(1) 0.9, a tenth of the variance); a day and a week of season with an amplitude of half a deviation.
"""

import argparse
import json
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import scipy
from scipy import stats

from setpoint.domain.profile import Binning, ColumnProfile, Profile, binning_of, profile_of
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.series import Series, series_of
from setpoint.maintain.triage import opens
from setpoint.monitor.limits import Limits, learn
from setpoint.monitor.observe import of_scopes
from setpoint.monitor.scope import BASELINE, HOUR, Scope
from setpoint.monitor.seen import Seen

HERE = Path(__file__).parent
START = datetime(2025, 1, 6, tzinfo=UTC)
NUMBERS, LEVELS = 35, 15
REFERENCE_DAYS = 90
BUDGET = 2.0
SCHEMA = Schema(
    features=(
        *(Feature(name=f"x{i:02d}", kind=Kind.NUMERIC, dtype=DType.FLOAT) for i in range(NUMBERS - 1)),
        *(Feature(name=f"c{i:02d}", kind=Kind.CATEGORICAL, dtype=DType.STRING) for i in range(LEVELS)),
    ),
    target="y",
    task=Task.REGRESSION,
)
COLUMNS = [*SCHEMA.names, SCHEMA.score]

Table = dict[str, np.ndarray]


def stream(kind: str, hours: int, rows: int, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """Return rows of consecutive hours and their times."""
    n, hour = hours * rows, np.repeat(np.arange(hours), rows)
    times = stamp(START) + hour * np.timedelta64(3_600_000_000, "us")
    times = times + np.tile(np.arange(rows) * (3_600_000_000 // rows), hours).astype("timedelta64[us]")
    table: Table = {}
    for at, name in enumerate(COLUMNS):
        latent = rng.standard_normal(n)
        if kind == "wandering":
            latent = np.sqrt(0.9) * latent + np.sqrt(0.1) * _wander(hours, rng)[hour]
        elif kind == "seasonal":
            phase = rng.uniform(0, 2 * np.pi, 2)
            latent += 0.5 * np.sin(2 * np.pi * hour / 24 + phase[0]) + 0.25 * np.sin(2 * np.pi * hour / 168 + phase[1])
        table[name] = _shaped(at, name, latent)
    return table, times


def _wander(hours: int, rng: np.random.Generator) -> np.ndarray:
    out, noise = np.zeros(hours), rng.standard_normal(hours) * np.sqrt(1 - 0.9**2)
    for at in range(1, hours):
        out[at] = 0.9 * out[at - 1] + noise[at]
    return out


def _shaped(at: int, name: str, latent: np.ndarray) -> np.ndarray:
    """Give a column its own marginal: normal, lognormal or heavy tails; levels by cuts of the latent number."""
    if name.startswith("c"):
        shares = 1 / np.arange(1, 4 + 2 * at % 40 + 1) ** 0.8
        cuts = stats.norm.ppf(np.cumsum(shares / shares.sum())[:-1])
        return np.array([f"level {i}" for i in range(len(shares))], object)[np.searchsorted(cuts, latent)]
    if at % 3 == 1:
        return np.exp(0.6 * latent)
    return np.sinh(0.7 * latent) if at % 3 == 2 else 10 + 3 * latent


@dataclass(frozen=True)
class World:
    """What was learnt from a reference."""

    binning: Binning
    limits: Limits
    reference: Profile

    @classmethod
    def of(cls, table: Table, times: np.ndarray) -> "World":
        binning = binning_of(table, SCHEMA, table[SCHEMA.score])
        limits = learn(table, SCHEMA, binning, table[SCHEMA.score], times)
        return cls(binning, limits, profile_of(table, binning))

    def seen(self, hours: Series, now: datetime, looks: float = 8_766.0) -> Seen:
        first = now - HOUR - BASELINE
        scope = Scope(
            hours=hours.between(first, now),
            minutes=hours.between(now, now),
            limits=self.limits,
            reference=self.reference,
        )
        return Seen(
            now=now, since=now - HOUR, schema=SCHEMA, limits=self.limits, recent=NOTHING, baseline=NOTHING,
            labelled=NOTHING, refused={}, objectives=(), false_actions_per_year=BUDGET, looks_per_year=looks,
            scopes=(scope,),
        )  # fmt: skip


_none = np.zeros(0)
NOTHING = Records(
    id=_none, time=np.zeros(0, "datetime64[us]"), version=_none, score=_none, outcome=_none, known=_none,
    latency_us=_none, maps=_none, inputs={},
)  # fmt: skip


def dummies(reference: Profile, window: Profile) -> dict[str, bool]:
    """Return which of the usual rules alarm on any column."""
    psi = ks = False
    for name, p in reference.columns.items():
        a, b = _shares(p, window.columns[name])
        tens = (_tenths(a, p), _tenths(b, p)) if len(p.bins) else (a, b)
        q, r = (np.maximum(v, 1e-4) for v in tens)
        psi = psi or bool(((r - q) * np.log(r / q)).sum() > 0.2)
        n = window.columns[name].filled * p.filled / (window.columns[name].filled + p.filled)
        ks = ks or bool(stats.kstwobign.sf(np.sqrt(n) * np.abs(np.cumsum(a - b)).max()) < 0.05)
    return {"PSI > 0.2": psi, "KS p < 0.05": ks}


def _shares(p: ColumnProfile, w: ColumnProfile) -> tuple[np.ndarray, np.ndarray]:
    if len(p.bins):
        return p.bins / p.filled, w.bins / w.filled
    levels = sorted(set(p.levels) | set(w.levels))
    a, b = (np.array([c.levels.get(level, 0) for level in levels]) / max(c.filled, 1) for c in (p, w))
    return a, b


def _tenths(shares: np.ndarray, p: ColumnProfile) -> np.ndarray:
    place = np.minimum((np.cumsum(p.bins) / p.filled * 10 - 1e-9).astype(int), 9)
    return np.bincount(place, weights=shares, minlength=10)


def adwin(series: np.ndarray, delta: float = 0.002) -> np.ndarray:
    """Return at which points ADWIN cuts its window (Bifet & Gavaldà, SDM 2007), checking every cut exactly.

    `series` is brought to [0, 1] by its own range.
    """
    x = (series - series.min()) / max(np.ptp(series), 1e-12)
    cuts, first = np.zeros(len(x), bool), 0
    for at in range(10, len(x)):
        window = x[first : at + 1]
        n = len(window)
        if n < 10:
            continue
        sums, k = np.cumsum(window), np.arange(5, n - 4)
        left, right = sums[k - 1] / k, (sums[-1] - sums[k - 1]) / (n - k)
        m, d = 1 / (1 / k + 1 / (n - k)), np.log(2 * np.log(n) / delta)
        bound = np.sqrt(2 / m * window.var() * d) + 2 / (3 * m) * d
        passed = np.flatnonzero(np.abs(left - right) > bound)
        if len(passed):
            cuts[at], first = True, first + int(k[passed[-1]])
    return cuts


def quiet(kind: str, looks: int, rows: int, seed: int) -> dict[str, object]:
    """Look every hour at a stream where nothing happens."""
    rng = np.random.default_rng(seed)
    before = REFERENCE_DAYS * 24
    table, times = stream(kind, before + 28 * 24 + looks, rows, rng)
    cut = before * rows
    world = World.of({n: c[:cut] for n, c in table.items()}, times[:cut])
    first, last = START + before * HOUR, START + (before + 28 * 24 + looks) * HOUR
    hours = series_of({n: c[cut:] for n, c in table.items()}, times[cut:], first, last, HOUR, world.binning)
    false: list[str] = []
    slow, spent = 0, time.process_time()
    alarms = dict.fromkeys(["PSI > 0.2", "KS p < 0.05"], 0)
    for at in range(looks):
        now = first + (28 * 24 + at + 1) * HOUR
        found = [f for f in of_scopes(world.seen(hours, now)) if f.alarm]
        false += [f"{now:%m-%d %H} {f.column} {f.metric} {f.detail}" for f in found if opens(f)]
        slow += any(not opens(f) for f in found)
        for rule, alarm in dummies(world.reference, hours.between(now - HOUR, now).profile()).items():
            alarms[rule] += alarm
    spent = time.process_time() - spent
    means = [c.mean for c in hours.columns.values() if len(c.cuts.edges)]
    adwins = np.any([adwin(np.nan_to_num(m))[28 * 24 :] for m in means], axis=0)
    return {
        "looks": looks,
        "incidents": len({f[:8] for f in false}),
        "in": false[:5],
        "looks with slow drift": slow,
        "allowed": BUDGET * looks / 8_766,
        "ms of CPU a look": round(1e3 * spent / looks, 1),
        **alarms,
        "ADWIN on hourly means": int(adwins.sum()),
        "always": looks,
    }


SHIFTS = (0.0, 0.1, 0.2, 0.5)


def power(rows: int, trials: int, seed: int) -> dict[float, float]:
    """Return how often a shift of one of 50 columns, over a day of so many rows, is found on it; by its size."""
    rng = np.random.default_rng(seed)
    table, times = stream("independent", 24 * REFERENCE_DAYS, 100, rng)
    world, now = World.of(table, times), START + timedelta(days=200)
    found = dict.fromkeys(SHIFTS, 0)
    day = now - timedelta(days=1)
    when = stamp(day) + (np.arange(rows) * (86_399_000_000 // rows)).astype("timedelta64[us]")
    for trial in range(trials):
        name, shift = COLUMNS[3 * (trial % 10)], SHIFTS[trial % len(SHIFTS)]  # of the normal ones, sd 3
        window, _ = stream("independent", 1, rows, rng)
        window[name] = window[name] + 3 * shift
        hours = series_of(window, when, day - timedelta(days=7), now, HOUR, world.binning)
        found[shift] += any(f.alarm and f.column == name for f in of_scopes(world.seen(hours, now)))
    share = len(SHIFTS) / trials
    return {shift: round(count * share, 3) for shift, count in found.items()}


def show(title: str, rows: Iterator[tuple[str, dict[str, object]]]) -> dict[str, dict[str, object]]:
    print(f"\n{title}")
    kept = {}
    for name, result in rows:
        kept[name] = result
        print(f"  {name}: " + ", ".join(f"{key} {value}" for key, value in result.items() if key != "in"), flush=True)
        for line in result.get("in", []):  # type: ignore[union-attr]
            print(f"      {line}")
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--looks", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=100, help="an hour")
    parser.add_argument("--trials", type=int, default=400, help="of a shift, at each number of rows")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    print(f"python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, seed {given.seed}")
    kinds = ("independent", "wandering", "seasonal")
    still = show(
        f"Nothing happens: hours of {given.rows} rows, {len(COLUMNS)} columns",
        ((kind, quiet(kind, given.looks, given.rows, given.seed)) for kind in kinds),
    )
    sizes = (1_000, 5_000, 50_000)
    shifted = show(
        "A shift of one column (reference deviations): share of days on which it is found",
        ((f"{n:,} rows", {f"{k:g}": v for k, v in power(n, given.trials, given.seed).items()}) for n in sizes),
    )
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "quiet.json").write_text(json.dumps({"quiet": still, "power": shifted}, indent=2) + "\n")


if __name__ == "__main__":
    main()
