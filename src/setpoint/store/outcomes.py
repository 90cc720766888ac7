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

        An outcome is a repeat if this very entry exists, or if nobody said when it became known and the value in effect
        is the same. `predicted` says of each whether the log has a prediction of its id.
        """
        ids = np.array([o.id for o in outcomes], object)
        codes = hashes(ids)
        lo, hi = np.searchsorted(self._hash, codes), np.searchsorted(self._hash, codes, side="right")
        kept, corrected, here = Kept(), 0, dict[int, list[tuple[int, float]]]()
        for outcome, code, start, stop in zip(outcomes, codes.tolist(), lo.tolist(), hi.tolist(), strict=True):
            value = number_of(outcome.value, schema)
            before = [(int(self._known[i]), float(self._value[i])) for i in range(start, stop)] + here.get(code, [])
            same = bool(before) and _same(_in_effect(outcome.known_us, before), value)
            if (same and not outcome.stated) or any(k == outcome.known_us and _same(v, value) for k, v in before):
                continue
            here.setdefault(code, []).append((outcome.known_us, value))
            corrected += bool(before) and not same
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
        """Return value (NaN) and known (NaT) for hashes of ids, of what was known by `as_of` (microseconds).

        The entry that became known last counts; it is known since the first of the entries before it that say the same.
        """
        value, known = np.full(len(codes), np.nan), np.full(len(codes), np.datetime64("NaT", "us"))
        lo, hi = np.searchsorted(self._hash, codes), np.searchsorted(self._hash, codes, side="right")
        row = np.repeat(np.arange(len(codes)), hi - lo)
        entry = np.arange(len(row)) + np.repeat(lo - (np.cumsum(hi - lo) - (hi - lo)), hi - lo)
        row, entry = row[self._known[entry] <= as_of], entry[self._known[entry] <= as_of]
        if not len(row):
            return value, known
        order = np.lexsort((entry, self._known[entry], row))
        row, entry = row[order], entry[order]
        told = self._value[entry]
        other = (np.diff(row) != 0) | ~_all_same(told[1:], told[:-1])
        first = np.flatnonzero(np.concatenate([[True], other]))  # of each run of entries of one id that say the same
        last = np.flatnonzero(np.concatenate([np.diff(row) != 0, [True]]))  # entry of each id
        begun = first[np.searchsorted(first, last, side="right") - 1]
        value[row[last]] = told[last]
        known[row[last]] = self._known[entry[begun]].view("datetime64[us]")
        known[np.isnan(value)] = np.datetime64("NaT")
        return value, known


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


def _in_effect(known: int, before: list[tuple[int, float]]) -> float:
    """Return the value that counts at a time; before the first entry, that of the first."""
    earlier = [(k, n, v) for n, (k, v) in enumerate(before) if k <= known]
    return max(earlier)[2] if earlier else min(before)[1]


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)


def _all_same(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (a == b) | (np.isnan(a) & np.isnan(b))
    return same


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
