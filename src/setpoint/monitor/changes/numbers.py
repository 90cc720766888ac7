"""Numbers: location, scale and shape of quantile bins, units, spikes and values outside the reference."""

import math

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.profile import ColumnProfile
from setpoint.domain.value import replace
from setpoint.monitor.changes import shares
from setpoint.monitor.changes.curves import curve_of, gap
from setpoint.monitor.changes.maps import fit_limit, unit_of
from setpoint.monitor.changes.values import KS, LOCATION, SCALE, SHARE, Change, Effect, Noise
from setpoint.stats.distances import bin_scores, kolmogorov_smirnov

SAME_SPREAD = 1.05  # a factor below which the middle of a column is as wide as it was: its shape changed
EXPLAINED = 0.5  # of a distance: what is left of it then is no second change
USUAL = 1.36  # times √(1/n + 1/m): the distance that two samples of one distribution pass in 5 % of cases

FloatArray = NDArray[np.float64]


def number_change(p: ColumnProfile, w: ColumnProfile, noise: Noise, column: str) -> Change | None:
    """Return how a column of numbers changed, if it surely did; both profiles hold numbers, cut alike."""
    held = int(np.argmax(w.bins))
    if w.low == w.high and w.finite == w.filled and p.low < p.high:
        return shares.frozen(float(p.bins[held]) / p.filled, w, noise, column, f"{w.low:.6g}")
    effects = number_effects(p, w, noise)
    sure = [effect for effect in effects if effect.sure]
    if not sure:
        return None
    kind, effect, detail = _name(p, w, noise, {each.name: each for each in effects})
    best = max(sure, key=lambda each: each.low / each.floor)
    return Change(
        column=column, kind=kind, effect=effect, low=best.low, floor=best.floor, detail=detail, evidence=effects
    )


def number_effects(p: ColumnProfile, w: ColumnProfile, noise: Noise) -> tuple[Effect, ...]:
    """Measure location, scale, Kolmogorov–Smirnov distance and the share outside the reference."""
    base, now = p.bins / p.filled, w.bins / w.filled
    s, q = (_inner(scores) for scores in bin_scores(base))
    sizes = {
        "shift": (float(now @ s), "location", LOCATION),
        "scale": (float(now @ q), "scale", SCALE),
        "shape": (float(kolmogorov_smirnov(now, base)), "shape", KS),
    }
    variance = {"shift": 1.0, "scale": 1.0, "shape": 0.25}  # of one row's part: standard scores, at most a fair coin
    measured = []
    for name, (size, statistic, floor) in sizes.items():
        low = abs(size) - noise.width(statistic, w.filled, p.filled, variance[name])
        measured.append(Effect(name=name, size=size, low=low, floor=floor))
    return (*measured, _heaviest(p, w, noise), shares.outside(p, w, noise), shares.far_outside(p, w, noise))


def _inner(scores: FloatArray) -> FloatArray:
    """Return scores in which rows outside the reference count as its extremes: how far out they are is no rank."""
    return np.concatenate([scores[1:2], scores[1:-1], scores[-2:-1]]) if len(scores) > 2 else scores


def _heaviest(p: ColumnProfile, w: ColumnProfile, noise: Noise) -> Effect:
    """Return by how much the inner bin that gained most rose."""
    at, strict = _gained(p, w), replace(noise, alpha=noise.alpha / max(len(p.bins), 1))
    return shares.risen(float(w.bins[at]), w.filled, float(p.bins[at]), p.filled, strict, name="spike", floor=SHARE)


def _gained(p: ColumnProfile, w: ColumnProfile) -> int:
    gain = w.bins / w.filled - p.bins / p.filled
    return 1 + int(np.argmax(gain[1:-1])) if len(gain) > 2 else 0


def _name(p: ColumnProfile, w: ColumnProfile, noise: Noise, effects: dict[str, Effect]) -> tuple[str, float, str]:
    usual = USUAL * math.sqrt(noise.design.shape * (1 / w.filled + 1 / p.filled))
    mapped = _mapped(p, w, usual) if min(p.finite, w.finite) and p.std > 0 and w.std > 0 else None
    if mapped and mapped[0] == "unit":
        return mapped
    if effects["spike"].sure and _only_there(p, w, usual):
        return _spike(p, w, effects["spike"].size)
    outside = effects["range"].sure or effects["far"].sure
    if outside and not mapped and (_same_within(p, w, usual) or not _moved(effects)):
        return _range(p, w, effects["range"].size)
    return mapped if mapped and outside else _moment(p, w, effects)


def _moved(effects: dict[str, Effect]) -> bool:
    return any(effects[name].sure for name in ("shift", "scale", "shape"))


def _mapped(p: ColumnProfile, w: ColumnProfile, usual: float) -> tuple[str, float, str] | None:
    """Tell whether the column as a whole was converted, moved or spread: all its values by one rule."""
    before, after = curve_of(p), curve_of(w)
    unit = unit_of(p, w, before, after, usual)
    if unit:
        return "unit", unit.factor, f"{unit}"
    factor = w.std / p.std
    limit = fit_limit(gap(after, before), usual)
    if gap(after, before, 1.0, w.mean - p.mean) <= limit:
        return "shift", (w.mean - p.mean) / p.std, _moments(p, w)
    if gap(after, before, factor, w.mean - factor * p.mean) <= limit:
        return "scale", math.log(factor), _moments(p, w)
    return None


def _only_there(p: ColumnProfile, w: ColumnProfile, usual: float) -> bool:
    """Whether the distributions agree but for the bin that gained most."""
    at, base, now = _gained(p, w), p.bins / p.filled, w.bins / w.filled
    rest = [np.delete(shares_, at) / max(1.0 - shares_[at], 1e-12) for shares_ in (now, base)]
    return float(kolmogorov_smirnov(*rest)) <= max(EXPLAINED * float(kolmogorov_smirnov(now, base)), usual)


def _same_within(p: ColumnProfile, w: ColumnProfile, usual: float) -> bool:
    """Whether the distributions agree but for rows outside the reference, or most rows are there."""
    within = [each.bins[1:-1] / max(each.bins[1:-1].sum(), 1) for each in (w, p)]
    most = w.bins[1:-1].sum() < w.filled / 2
    whole = float(kolmogorov_smirnov(w.bins / w.filled, p.bins / p.filled))
    return bool(most or float(kolmogorov_smirnov(*within)) <= max(EXPLAINED * whole, usual))


def _spike(p: ColumnProfile, w: ColumnProfile, rise: float) -> tuple[str, float, str]:
    low, high = p.cuts.edges[_gained(p, w) - 1], p.cuts.edges[_gained(p, w)]
    close = high - low <= 1e-3 * (p.high - p.low)
    place = f"at or near {high:.6g}" if close else f"at a value between {low:.6g} and {high:.6g}"
    return "spike", rise, f"{rise:.1%} more of the rows {place}"


def outside_change(p: ColumnProfile, w: ColumnProfile, beyond: Effect, column: str) -> Change:
    """Return the change of a column that surely holds more values outside its reference."""
    kind, effect, detail = _range(p, w, beyond.size)
    return Change(
        column=column, kind=kind, effect=effect, low=beyond.low, floor=beyond.floor, detail=detail, evidence=(beyond,)
    )


def _range(p: ColumnProfile, w: ColumnProfile, share: float) -> tuple[str, float, str]:
    ends = f"{p.low:.6g} to {p.high:.6g}"
    reached = ", ".join(f"{v:.6g}" for v in (w.low, w.high) if v < p.low or v > p.high)
    return "range", share, f"{share:.1%} of rows lie outside {ends}, as far as {reached or 'infinity'}"


def _moment(p: ColumnProfile, w: ColumnProfile, effects: dict[str, Effect]) -> tuple[str, float, str]:
    """Name what moved most: the location, the scale, or the shape alone."""
    moved = [effects[name] for name in ("shift", "scale") if effects[name].sure] or [effects["shape"]]
    most = max(moved, key=lambda effect: abs(effect.size))
    if most.name != "scale":
        return most.name, most.size, _moments(p, w)
    wider = _wider(p, w)
    kept = abs(wider) < math.log(SAME_SPREAD)
    return ("shape", effects["shape"].size, _moments(p, w)) if kept else ("scale", wider, _moments(p, w))


def _wider(p: ColumnProfile, w: ColumnProfile) -> float:
    """Return the log of how much wider the middle four fifths lie."""
    before, after = (np.diff(curve_of(each).quantile(np.array([0.1, 0.9])))[0] for each in (p, w))
    return math.log(after / before) if before > 0 and after > 0 else 0.0


def _moments(p: ColumnProfile, w: ColumnProfile) -> str:
    return f"mean {p.mean:.6g} → {w.mean:.6g}, standard deviation {p.std:.6g} → {w.std:.6g}"
