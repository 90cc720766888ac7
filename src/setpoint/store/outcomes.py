"""Outcomes in memory: which are new, and what was known when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.record import Outcome, OutcomeReceipt, Scalar
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput
from setpoint.store.rows import hashes

FOREVER = np.iinfo(np.int64).max
EXAMPLES = 5


@dataclass(slots=True)
class Kept:
    """Outcomes to be stored, in order of their arrival, and the numbers they are compared as."""

    outcomes: list[Outcome] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of outcomes."""
        return len(self.outcomes)


class Outcomes:
    """Outcomes by the hash of their id."""

    def __init__(self) -> None:
        self._hash = np.empty(0, np.int64)  # sorted; entries of one id in order of arrival
        self._known = np.empty(0, np.int64)
        self._value = np.empty(0, np.float64)

    def put(self, kept: Kept) -> None:
        """Take judged outcomes in."""
        ids = np.array([o.id for o in kept.outcomes], object)
        self.load(ids, np.array([o.known_us for o in kept.outcomes], np.int64), np.array(kept.values, np.float64))

    def load(self, ids: NDArray[Any], known: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Take stored outcomes in, in order of arrival."""
        new = hashes(ids)
        order = np.argsort(new, kind="stable")
        new = new[order]
        at = np.searchsorted(self._hash, new, side="right")
        self._hash = np.insert(self._hash, at, new)
        self._known = np.insert(self._known, at, known[order])
        self._value = np.insert(self._value, at, values[order])

    def judge(
        self, outcomes: Sequence[Outcome], schema: Schema, predicted: NDArray[np.bool_]
    ) -> tuple[Kept, OutcomeReceipt]:
        """Tell what is new from what is repeated. Changes nothing: `put` what was stored.

        An outcome is a repeat if the value in effect at its time is the same, or if this very entry exists. `predicted`
        says of each whether the log has a prediction of its id.
        """
        ids = np.array([o.id for o in outcomes], object)
        codes = hashes(ids)
        lo, hi = np.searchsorted(self._hash, codes), np.searchsorted(self._hash, codes, side="right")
        kept, corrected, here = Kept(), 0, dict[int, list[tuple[int, float]]]()
        for outcome, code, start, stop in zip(outcomes, codes.tolist(), lo.tolist(), hi.tolist(), strict=True):
            value = number_of(outcome.value, schema)
            before = [(int(self._known[i]), float(self._value[i])) for i in range(start, stop)] + here.get(code, [])
            if _repeats(outcome.known_us, value, before):
                continue
            here.setdefault(code, []).append((outcome.known_us, value))
            corrected += bool(before)
            kept.outcomes.append(outcome)
            kept.values.append(value)
        strangers = ids[~predicted].tolist()
        return kept, OutcomeReceipt(
            received=len(outcomes),
            recorded=len(kept),
            repeated=len(outcomes) - len(kept),
            corrected=corrected,
            unknown=len(strangers),
            unknown_examples=tuple(dict.fromkeys(strangers))[:EXAMPLES],
        )

    def known_by(self, codes: NDArray[np.int64], as_of: int = FOREVER) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return value (NaN) and known (NaT) for hashes of ids: the latest entry known by `as_of` (microseconds)."""
        lo, hi = np.searchsorted(self._hash, codes), np.searchsorted(self._hash, codes, side="right")
        value = np.full(len(codes), np.nan)
        known = np.full(len(codes), np.iinfo(np.int64).min)
        for nth in range(int((hi - lo).max(initial=0))):
            rows = np.flatnonzero(lo + nth < hi)
            entry = lo[rows] + nth
            later = (self._known[entry] <= as_of) & (self._known[entry] >= known[rows])
            rows, entry = rows[later], entry[later]
            value[rows], known[rows] = self._value[entry], self._known[entry]
        times = known.view("datetime64[us]").copy()  # the smallest integer is NaT
        times[np.isnan(value)] = np.datetime64("NaT")
        return value, times


def number_of(value: Scalar, schema: Schema) -> float:
    """Return an outcome as the number it is compared as.

    Regression: the value. Binary: 1.0 for the second class, 0.0 for the first. NaN for what is neither.
    """
    if schema.task is Task.BINARY:
        for code, label in enumerate(schema.classes):
            if value == label or str(value) == str(label):
                return float(code)
        return float("nan")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def _repeats(known: int, value: float, before: list[tuple[int, float]]) -> bool:
    if not before:
        return False
    if any(k == known and _same(v, value) for k, v in before):
        return True
    earlier = [(k, n, v) for n, (k, v) in enumerate(before) if k <= known]
    in_effect = max(earlier)[2] if earlier else min(before)[1]
    return _same(in_effect, value)


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)


def check(outcomes: Sequence[Outcome], schema: Schema) -> None:
    """Refuse values that cannot be outcomes of this model.

    Raises
    ------
    InvalidInput
        Naming the first one and what was expected.
    """
    wrong = next((o for o in outcomes if not np.isfinite(number_of(o.value, schema))), None)
    if wrong is not None:
        expected = " or ".join(map(repr, schema.classes)) if schema.task is Task.BINARY else "a finite number"
        raise InvalidInput(f"outcome of id {wrong.id!r} is {wrong.value!r}; {schema.target!r} must be {expected}")
