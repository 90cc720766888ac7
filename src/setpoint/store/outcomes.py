"""Outcomes in memory: which are new, and what was known when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.classes import either
from setpoint.domain.record import Outcome, OutcomeReceipt, Scalar
from setpoint.domain.schema import Schema
from setpoint.errors import InvalidInput
from setpoint.store.rows import join_codes

FOREVER = np.iinfo(np.int64).max
EXAMPLES = 5
NO_DAY = np.iinfo(np.int32).min  # of an outcome whose id was not predicted when it was told
SPREAD = np.int64(-7046029254386353131)  # 2^64 divided by the golden ratio

Ints = NDArray[np.int64]


@dataclass(slots=True)
class Kept:
    """Outcomes to be stored, in order of their arrival.

    `values` are the numbers they are compared as, `days` the days since 1970 on which their ids were predicted when
    they were told; an outcome joins the rows of its id on these days, or wherever they appear when there are none.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    days: list[tuple[int, ...]] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of outcomes."""
        return len(self.outcomes)


@dataclass(frozen=True, slots=True)
class Predicted:
    """On which days the ids of a delivery were predicted: pairs of the place in the delivery and the day, (n,)."""

    row: Ints
    day: Ints

    @classmethod
    def of(cls, found: Iterable[tuple[int, NDArray[np.bool_]]]) -> "Predicted":
        """Return the pairs of days and masks over a delivery."""
        pairs = {(row, day) for day, mask in found for row in np.flatnonzero(mask).tolist()}
        row, day = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
        return cls(row, day)


class Outcomes:
    """Outcomes by the hash of their id and the day of its prediction."""

    def __init__(self) -> None:
        self._key = np.empty(0, np.int64)  # sorted; entries of one key in order of arrival
        self._known = np.empty(0, np.int64)
        self._value = np.empty(0, np.float64)
        self._anywhere = False  # whether some outcome was told before its prediction was there

    def put(self, kept: Kept) -> None:
        """Take judged outcomes in."""
        times = [max(len(days), 1) for days in kept.days]
        ids = np.repeat(np.array([o.id for o in kept.outcomes], object), times)
        known = np.repeat(np.array([o.known_us for o in kept.outcomes], np.int64), times)
        days = np.array([day for days in kept.days for day in days or (NO_DAY,)], np.int64)
        self.load(ids, known, np.repeat(np.array(kept.values, np.float64), times), days)

    def load(self, ids: NDArray[Any], known: Ints, values: NDArray[np.float64], days: Ints) -> None:
        """Take stored outcomes in, in order of arrival."""
        self._anywhere |= bool((days == NO_DAY).any())
        new = _keys(join_codes(ids), days)
        order = np.argsort(new, kind="stable")
        new = new[order]
        at = np.searchsorted(self._key, new, side="right")
        self._key = np.insert(self._key, at, new)
        self._known = np.insert(self._known, at, known[order])
        self._value = np.insert(self._value, at, values[order])

    def judge(self, outcomes: Sequence[Outcome], schema: Schema, predicted: Predicted) -> tuple[Kept, OutcomeReceipt]:
        """Tell what is new from what is repeated. Changes nothing: `put` what was stored.

        An outcome is a repeat if this very entry exists, or if nobody said when it became known and the value in effect
        is the same, on each day that its id was predicted.
        """
        ids = np.array([o.id for o in outcomes], object)
        codes, values = join_codes(ids), numbers_of([o.value for o in outcomes], schema)
        known = np.isin(np.arange(len(ids)), predicted.row)
        row = np.concatenate([predicted.row, np.flatnonzero(~known)])
        day = np.concatenate([predicted.day, np.full(int((~known).sum()), NO_DAY)])
        order = np.argsort(row, kind="stable")
        row, day = row[order], day[order]
        key, kept, corrected, here = _keys(codes[row], day), Kept(), set[int](), dict[int, list[tuple[int, float]]]()
        mine, anywhere = self._found(key), self._found(codes[row])
        if self._all_new(key, mine, anywhere) and len(np.unique(row)) == len(row) == len(outcomes):
            told: list[tuple[int, ...]] = [() if d == NO_DAY else (d,) for d in day.tolist()]
            kept = Kept([*outcomes], [*values], told)
            return kept, _receipt(ids, known, kept, set())
        for n, (at, of_day, code) in enumerate(zip(row.tolist(), day.tolist(), key.tolist(), strict=True)):
            outcome, value = outcomes[at], values[at]
            before = self._entries(*mine[:, n]) + here.get(code, [])
            if of_day != NO_DAY:
                before += self._entries(*anywhere[:, n])
            if before:
                same = _same(_in_effect(outcome.known_us, before), value)
                if (same and not outcome.stated) or any(k == outcome.known_us and _same(v, value) for k, v in before):
                    continue
                if not same:
                    corrected.add(at)
            here.setdefault(code, []).append((outcome.known_us, value))
            if not kept.outcomes or kept.outcomes[-1] is not outcome:
                kept.outcomes.append(outcome)
                kept.values.append(value)
                kept.days.append(())
            kept.days[-1] += (of_day,) if of_day != NO_DAY else ()
        return kept, _receipt(ids, known, kept, corrected)

    def known_by(self, codes: Ints, days: Ints, as_of: int = FOREVER) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return value (NaN) and known (NaT) for codes of ids and days, of what was known by `as_of` (microseconds).

        The entry that became known last counts; it is known since the first of the entries before it that say the same.
        """
        value, known = np.full(len(codes), np.nan), np.full(len(codes), np.datetime64("NaT", "us"))
        row, entry = self._pairs(_keys(codes, days))
        if self._anywhere:
            more, others = self._pairs(codes)
            row, entry = np.concatenate([row, more]), np.concatenate([entry, others])
        row, entry = row[self._known[entry] <= as_of], entry[self._known[entry] <= as_of]
        if not len(row):
            return value, known
        if len(row) == 1 or (np.diff(row) > 0).all():  # one entry an id, in order: nothing to choose from
            value[row], known[row] = self._value[entry], self._known[entry].view("datetime64[us]")
            known[np.isnan(value)] = np.datetime64("NaT")
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

    def _all_new(self, key: Ints, mine: Ints, anywhere: Ints) -> bool:
        """Whether nothing is known of any key of a delivery, and none comes twice in it."""
        free = (mine[0] == mine[1]).all() and (anywhere[0] == anywhere[1]).all()
        return bool(free) and len(np.unique(key)) == len(key)

    def _found(self, keys: Ints) -> Ints:
        """Return where the entries of keys begin and end, shape (2, n)."""
        first = np.searchsorted(self._key, keys)
        if not len(self._key):
            return np.stack([first, first])
        there = self._key[np.minimum(first, len(self._key) - 1)] == keys
        last = first + there
        again = np.flatnonzero(there & (self._key[np.minimum(last, len(self._key) - 1)] == keys))  # entries of one key
        last[again] = np.searchsorted(self._key, keys[again], side="right")
        return np.stack([first, last])

    def _pairs(self, keys: Ints) -> tuple[Ints, Ints]:
        """Return the places of keys and of their entries, pair by pair."""
        lo, hi = self._found(keys)
        row = np.repeat(np.arange(len(keys)), hi - lo)
        return row, np.arange(len(row)) + np.repeat(lo - (np.cumsum(hi - lo) - (hi - lo)), hi - lo)

    def _entries(self, start: int, stop: int) -> list[tuple[int, float]]:
        return [(int(self._known[i]), float(self._value[i])) for i in range(start, stop)]


def _receipt(ids: NDArray[Any], known: NDArray[np.bool_], kept: Kept, corrected: set[int]) -> OutcomeReceipt:
    strangers = ids[~known].tolist()
    return OutcomeReceipt(
        received=len(ids),
        recorded=len(kept),
        repeated=len(ids) - len(kept),
        corrected=len(corrected),
        unknown=len(strangers),
        unknown_examples=tuple(dict.fromkeys(strangers))[:EXAMPLES],
    )


def _keys(codes: Ints, days: Ints) -> Ints:
    with np.errstate(over="ignore"):
        keys: Ints = np.where(days == NO_DAY, codes, codes ^ (days * SPREAD))
    return keys


def numbers_of(values: Sequence[Scalar], schema: Schema) -> list[float]:
    """Return outcomes as the numbers they are compared as.

    Regression: the value. Classes: the place of the class among them, from 0.0. NaN for what is neither.
    """
    if schema.classes:
        codes: dict[Scalar, float] = {str(label): float(code) for code, label in enumerate(schema.classes)}
        codes |= {label: float(code) for code, label in enumerate(schema.classes)}
        return [codes[v] if v in codes else codes.get(str(v), float("nan")) for v in values]
    return [_number(v) for v in values]


def _number(value: Scalar) -> float:
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
    numbers = numbers_of([o.value for o in outcomes], schema)
    wrong = next((o for o, number in zip(outcomes, numbers, strict=True) if not np.isfinite(number)), None)
    if wrong is not None:
        expected = either(schema.classes) if schema.classes else "a finite number"
        raise InvalidInput(f"outcome of id {wrong.id!r} is {wrong.value!r}; {schema.target!r} must be {expected}")
