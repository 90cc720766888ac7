"""The micro-window of a look beside its baseline, as matrices."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column, Records
from setpoint.domain.schema import Kind
from setpoint.monitor.limits import ColumnLimits
from setpoint.monitor.seen import SMALLEST_LOOK, Seen

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Micro:
    """Recent and baseline rows; numeric columns (features, then the score) as matrices of shape (rows, n_numeric)."""

    recent: Records
    baseline: Records
    names: tuple[str, ...]
    categorical: tuple[str, ...]
    limits: Mapping[str, ColumnLimits]
    now: FloatArray
    before: FloatArray

    @property
    def columns(self) -> int:
        """Number of columns watched."""
        return len(self.names) + len(self.categorical)

    def learnt(self, field: str) -> FloatArray:
        """Return one number of the limits for every numeric column."""
        return np.array([getattr(self.limits[name], field) for name in self.names], np.float64)


def micro(seen: Seen) -> Micro:
    """Lay out the micro-window; one shorter than `SMALLEST_LOOK` rows takes in the rows just before it."""
    recent, baseline = seen.recent, seen.baseline
    short = min(SMALLEST_LOOK - len(recent), len(baseline))
    if short > 0:
        cut = len(baseline) - short
        recent = joined(baseline.take(np.arange(cut, len(baseline))), recent)
        baseline = baseline.take(np.arange(cut))
    features = [f for f in seen.schema.features if f.name in seen.limits.columns]
    numeric = tuple(f.name for f in features if f.kind is Kind.NUMERIC)
    score = (seen.schema.score,) if seen.schema.score in seen.limits.columns else ()
    return Micro(
        recent=recent,
        baseline=baseline,
        names=numeric + score,
        categorical=tuple(f.name for f in features if f.kind is Kind.CATEGORICAL),
        limits=seen.limits.columns,
        now=_matrix(recent, numeric, bool(score)),
        before=_matrix(baseline, numeric, bool(score)),
    )


def _matrix(records: Records, names: tuple[str, ...], score: bool) -> FloatArray:
    columns: list[Column] = [records.inputs[name] for name in names] + ([records.score] if score else [])
    out = np.empty((len(records), len(columns)))
    for at, column in enumerate(columns):
        out[:, at] = column
    return out


def joined(first: Records, second: Records) -> Records:
    """Return two stretches as one."""
    plain = {
        f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)])
        for f in fields(Records)
        if f.name != "inputs"
    }
    inputs = {name: np.concatenate([column, second.inputs[name]]) for name, column in first.inputs.items()}
    return Records(**plain, inputs=inputs)
