"""Two tables side by side: which columns differ, how, and by how much."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import special

from setpoint.domain.profile import Binning, ColumnProfile, Counted, Cuts, cuts_of, profile_of
from setpoint.domain.records import Column
from setpoint.domain.schema import Kind
from setpoint.domain.value import value
from setpoint.errors import InvalidInput
from setpoint.monitor.slow import FLOORS
from setpoint.stats.distances import bin_scores, expected_variation, kolmogorov_smirnov, pooled, total_variation
from setpoint.stats.intervals import block_means, share_high, share_low

if TYPE_CHECKING:
    import pandas as pd

FALSE_COMPARISONS = 0.01  # share of comparisons of like with like in which any column may be called changed
SHARE_FLOOR = 0.02
TESTS = 6  # a column goes through
CUT_ROWS = 100_000  # rows that cuts are taken from
EVERY = 2**62  # levels
UNIT_FACTOR, UNIT_FIT = 1.5, 0.10  # an affine map that scales by at least this, and leaves at most this (deviations)
DECILES = np.linspace(0.05, 0.95, 19)

FloatArray = NDArray[np.float64]
Verdict = tuple[str, float, str]  # kind, effect, detail


@value
class ColumnChange:
    """What became of one column. `kind` is empty where nothing did; `effect` is in the unit `detail` names."""

    column: str
    changed: bool
    kind: str = ""
    effect: float = 0.0
    detail: str = ""


def compare(reference: "pa.Table | pd.DataFrame", current: "pa.Table | pd.DataFrame") -> dict[str, Any]:
    """Say which columns of `current` differ from `reference`.

    A column is changed when the lower confidence bound of an effect passes a floor; the first that does names the
    change: nulls, new_level, unit, range, shift or scale, shape. Rows of the reference are taken in their order, so
    that dependence between neighbours widens the bounds.

    Returns
    -------
    dict
        `rows` of each table, `columns` with the fields of `ColumnChange`, and the names of those `changed`.

    Raises
    ------
    InvalidInput
        If a table has no rows.
    """
    before, after = _table(reference, "reference"), _table(current, "current")
    names = before.column_names
    alpha = FALSE_COMPARISONS / (TESTS * max(len(names), 1))
    columns = [_column(name, before, after, alpha) for name in names]
    columns += [
        ColumnChange(column=name, changed=True, kind="extra", effect=1.0, detail="the reference has no such column")
        for name in after.column_names
        if name not in names
    ]
    return {
        "rows": {"reference": before.num_rows, "current": after.num_rows},
        "columns": [asdict(column) for column in columns],
        "changed": [column.column for column in columns if column.changed],
    }


def _table(table: Any, name: str) -> pa.Table:
    arrow = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
    if not arrow.num_rows:
        raise InvalidInput(f"the {name} table has no rows; there is nothing to compare")
    return arrow


def _column(name: str, before: pa.Table, after: pa.Table, alpha: float) -> ColumnChange:
    if name not in after.column_names:
        return ColumnChange(column=name, changed=True, kind="missing", effect=1.0, detail="the current table lacks it")
    kind = Kind.NUMERIC if _is_number(before[name].type) and _is_number(after[name].type) else Kind.CATEGORICAL
    reference, current = _values(before[name], kind), _values(after[name], kind)
    cuts = _cuts(reference, kind)
    p, w = (profile_of({name: part}, Binning(columns={name: cuts})).columns[name] for part in (reference, current))
    found = _nulls(p, w, alpha)
    if found is None and w.filled and p.filled:
        found = _numeric(reference, current, p, w, cuts, alpha) if kind is Kind.NUMERIC else _levels(p, w, alpha)
    if found is None:
        return ColumnChange(column=name, changed=False)
    return ColumnChange(column=name, changed=True, kind=found[0], effect=found[1], detail=found[2])


def _cuts(reference: Column, kind: Kind) -> Cuts:
    """Cut numbers at quantiles; levels are all counted, however many there are."""
    if kind is Kind.CATEGORICAL:
        return Cuts(kind=Counted.CATEGORICAL, spare=EVERY)
    return cuts_of(reference[:: max(len(reference) // CUT_ROWS, 1)], kind)


def _is_number(kind: pa.DataType) -> bool:
    t = pa.types
    return bool(t.is_integer(kind) or t.is_floating(kind) or t.is_boolean(kind) or t.is_decimal(kind))


def _values(column: pa.ChunkedArray, kind: Kind) -> Column:
    if kind is Kind.NUMERIC:
        numbers: Column = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return numbers if numbers.dtype == np.float64 else numbers.astype(np.float64)
    return np.array([None if v is None else str(v) for v in column.to_pylist()], dtype=object)


def _share_risen(hits: int, rows: int, natural: float, natural_rows: int, alpha: float) -> bool:
    """Whether a share is surely above another one, by more than the floor."""
    above = share_high(natural * natural_rows, natural_rows, alpha)
    return share_low(hits, rows, alpha) > above + SHARE_FLOOR


def _nulls(p: ColumnProfile, w: ColumnProfile, alpha: float) -> Verdict | None:
    before, after = p.nulls / p.rows, w.nulls / w.rows
    if _share_risen(w.nulls, w.rows, before, p.rows, alpha) or _share_risen(p.nulls, p.rows, after, w.rows, alpha):
        return "nulls", after - before, f"{after:.1%} of rows are null, {before:.1%} in the reference"
    return None


def _levels(p: ColumnProfile, w: ColumnProfile, alpha: float) -> Verdict | None:
    new = {level: count for level, count in w.levels.items() if level not in p.levels}
    if _share_risen(sum(new.values()), w.filled, 0.0, p.filled, alpha):
        share = sum(new.values()) / w.filled
        most = ", ".join(repr(level) for level in sorted(new, key=lambda v: (-new[v], v))[:3])
        return "new_level", share, f"{share:.1%} of rows hold levels that the reference has not: {most}"
    a, b = pooled(dict(w.levels), dict(p.levels))
    distance, n, m = float(total_variation(a, b)), w.filled, p.filled
    spread = np.sqrt((1 / n + 1 / m) / 4)  # of a total variation, at most
    if distance - expected_variation(b, n, m) - _z(alpha) * spread > FLOORS["drift_tv"]:
        return "shape", distance, f"{distance:.1%} of rows changed level (total variation)"
    return None


def _z(alpha: float) -> float:
    return -float(special.ndtri(alpha / 2))


def _numeric(
    reference: FloatArray, current: FloatArray, p: ColumnProfile, w: ColumnProfile, cuts: Cuts, alpha: float
) -> Verdict | None:
    base, shares = p.bins / p.filled, w.bins / w.filled
    s, q = bin_scores(base)
    filled = reference[~np.isnan(reference)]
    bins = np.searchsorted(np.asarray(cuts.edges), filled, side="left")
    bound = _z(alpha) * np.sqrt(1 / w.filled + 1 / p.filled)
    effects = {
        "shift": (abs(float(shares @ s)), bound * np.sqrt(design_effect(s[bins])), FLOORS["drift_location"]),
        "scale": (abs(float(shares @ q)), bound * np.sqrt(design_effect(q[bins])), FLOORS["drift_scale"]),
        "shape": (float(kolmogorov_smirnov(shares, base)), bound * np.sqrt(design_effect(s[bins])), FLOORS["drift_ks"]),
    }
    sure = {kind: effect for kind, (effect, width, floor) in effects.items() if effect - width > floor}
    beyond = _range(p, w, current, alpha)
    if (sure or beyond) and (unit := _unit(reference[np.isfinite(reference)], current[np.isfinite(current)])):
        return unit
    if beyond:
        return beyond
    moved = {kind: effect for kind, effect in sure.items() if kind != "shape"} or sure
    if not moved:
        return None
    kind = max(moved, key=lambda k: moved[k])
    return kind, moved[kind], f"mean {p.mean:.6g} → {w.mean:.6g}, standard deviation {p.std:.6g} → {w.std:.6g}"


def design_effect(scores: FloatArray, blocks: int = 20) -> float:
    """Return how many dependent rows are worth one: variance of block means against that of independent rows."""
    if len(scores) < 2 * blocks or not scores.std():
        return 1.0
    return max(float(block_means(scores, blocks).var(ddof=1) / scores.var()) * len(scores) / blocks, 1.0)


def _unit(reference: FloatArray, current: FloatArray) -> Verdict | None:
    """Find an affine map from reference to current: another unit or scale."""
    if not len(reference) or not len(current):
        return None
    x, y = np.quantile(reference, DECILES), np.quantile(current, DECILES)
    if not x.std() or not y.std():
        return None
    scale, offset = np.polyfit(x, y, 1)
    left = float(np.sqrt(np.mean(np.square(scale * x + offset - y))) / y.std())
    if scale <= 0 or abs(np.log(scale)) < np.log(UNIT_FACTOR) or left > UNIT_FIT:
        return None
    return "unit", float(scale), f"about {scale:.4g} × the reference {'+' if offset >= 0 else '−'} {abs(offset):.4g}"


def _range(p: ColumnProfile, w: ColumnProfile, current: FloatArray, alpha: float) -> Verdict | None:
    out = int(((current < p.low) | (current > p.high)).sum())
    if not _share_risen(out, w.filled, p.infinite / p.filled, p.filled, alpha):
        return None
    share = out / w.filled
    return "range", share, f"{share:.1%} of rows lie outside {p.low:.6g} to {p.high:.6g}"
