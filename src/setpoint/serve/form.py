"""A schema compiled for the hot path: rows as callers send them, checked, and turned into columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from struct import error as PackError  # noqa: N812  # it is a class
from struct import pack
from types import NoneType
from typing import Any

import numpy as np

from setpoint.domain.as_sent import as_sent
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.levels import spelled
from setpoint.domain.record import Scalar
from setpoint.domain.records import Column, Columns, Numbers
from setpoint.domain.schema import DType, Feature, Kind, Schema
from setpoint.errors import InvalidRequest
from setpoint.serve.contract import MISSING, Breach, rules_of
from setpoint.serve.identity import A_TIME, event_us
from setpoint.serve.misfit import (
    MAX_INT,
    MIN_INT,
    TYPES,
    bad_fields,
    bad_value,
    bad_width,
    broken_rule,
    kind_of,
    listed,
    shown,
)
from setpoint.serve.whole import folded

KNOWN_PATTERNS = 4_096
Table = Sequence[Sequence[Scalar]]


@dataclass(frozen=True, slots=True)
class Rows:
    """Checked rows: `columns[j][i]` is feature j of row i as sent; `ids` and `times_us` where the rows carry them.

    `breach` says what broke the contract of single features, and is answered all the same.
    """

    n: int
    columns: Table
    ids: Sequence[str | None] | None = None
    times_us: Sequence[int | None] | None = None
    breach: Breach | None = None

    @property
    def seen(self) -> Table:
        """The columns as the model sees them, but for repairs."""
        return self.columns if self.breach is None else self.breach.seen


class Form:
    """What a request to one version must look like; every method raises InvalidRequest for what does not fit.

    Parameters
    ----------
    schema : Schema
        Features in the model's order.
    maps : sequence of FeatureMap
        Repairs that come after the door; what is asked of a value holds for what they make of it.
    """

    def __init__(self, schema: Schema, maps: Sequence[FeatureMap] = ()) -> None:
        self.schema, asked = schema, as_sent(schema, tuple(maps))
        self.names, self.outputs = schema.names, schema.outputs
        self.dtypes = tuple(f.dtype for f in schema.features)
        self._features, self.numeric_only = asked.features, schema.numeric_only
        self.tensors = {name: t for t in schema.tensors for name in (t.column, t.name)}
        self.row_shapes = {(len(self.names),), *(t.shape for t in schema.tensors if t.features == self.names)}
        self.strings = frozenset(f.name for f in schema.features if f.dtype is DType.STRING)
        self._sure = [TYPES[f.dtype] | ({NoneType} if f.nullable else set()) for f in self._features]
        self._beside = [name for name in (schema.time, schema.id) if name and name not in self.names]
        self._numeric = [j for j, f in enumerate(self._features) if f.kind is Kind.NUMERIC]
        self._numeric_names = [self.names[j] for j in self._numeric]
        self._categorical = [j for j, f in enumerate(self._features) if f.kind is Kind.CATEGORICAL]
        # the first name twice: with one name alone itemgetter would return no tuple
        self._pick: Callable[[Mapping[str, Any]], Sequence[Any]] = itemgetter(self.names[0], *self.names)
        self._patterns: dict[tuple[type, ...], Callable[[Sequence[Any]], Sequence[Any]] | None] = {}
        self._rules = rules_of(asked)
        self._judges = [(j, rule.holds_one) for j, rule in self._rules.items()]
        self._may_lack = {rule.feature.name: MISSING for rule in self._rules.values() if rule.lenient}

    def given(self, maps: Sequence[FeatureMap]) -> "Form":
        """Return the form to be used beside these repairs."""
        return Form(self.schema, maps) if as_sent(self.schema, tuple(maps)) != self.schema else self

    def lists(self, rows: Sequence[Any], *, strict: bool = False) -> Rows:
        """Check rows given as lists in schema order; `strict` looks for NaN as well, which true JSON cannot hold."""
        size = len(self.names)
        for i, row in enumerate(rows):
            if type(row) is not list:
                raise InvalidRequest(
                    f"row {i} is a {shown(row)}; expected a list of {size} values, or an object with the fields: "
                    f"{listed(self.names)}",
                    ("shape:row",),
                )
            if len(row) != size:
                raise bad_width(i, len(row), self.names)
        columns, breach = self._table(rows, strict)
        return Rows(len(rows), columns, None, None, breach)

    def records(self, rows: Sequence[Any], *, strict: bool = False) -> Rows:
        """Check rows given as objects; they may carry the schema's time and id columns beside the features."""
        size = len(self.names)
        picked = []
        for i, row in enumerate(rows):
            if type(row) is not dict:
                raise InvalidRequest(f"row {i} is a {shown(row)}; expected an object, as row 0 is", ("shape:row",))
            try:
                picked.append(self._pick(row)[1:])
            except KeyError:
                row = self._may_lack | row
                if not row.keys() >= set(self.names):
                    raise self._bad_fields(f"row {i}", row) from None
                picked.append(self._pick(row)[1:])
            if len(row) != size and len(row) != size + sum(name in row for name in self._beside):
                raise self._bad_fields(f"row {i}", row)
        columns, breach = self._table(picked, strict)
        return Rows(len(rows), columns, self._ids(rows), self._times(rows), breach)

    def by_name(self, given: Mapping[str, Sequence[Any]], n: int, *, strict: bool = False) -> Rows:
        """Check n rows given as columns, the schema's time and id columns among them or not."""
        if self._may_lack:
            given = {name: [MISSING] * n for name in self._may_lack} | dict(given)
        if given.keys() - set(self._beside) != set(self.names):
            raise self._bad_fields("the inputs", given)
        columns, breach = self._checked([given[name] for name in self.names], strict)
        beside = [{name: given[name][i] for name in self._beside if name in given} for i in range(n)]
        return Rows(n, columns, self._ids(beside), self._times(beside), breach)

    def matrix(self, flat: Sequence[Any], n: int, *, strict: bool = False) -> Rows:
        """Check n rows of all features, given one after the other in one flat list."""
        size = len(self.names)
        if n == 1:
            columns, breach = self._table([flat], strict)
        else:
            columns, breach = self._checked([flat[j::size] for j in range(size)], strict)
        return Rows(n, columns, None, None, breach)

    def stack(self, parts: Sequence[Rows]) -> Columns:
        """Return the rows of several requests as columns for the model, in the order of the requests."""
        if not self._categorical:
            return Numbers(self.names, self._numbers(parts))
        table = self._joined(parts)
        # all numbers at once: an array each would cost more than the model on a single row
        numbers = np.array([table[j] for j in self._numeric], dtype=np.float64)
        stacked: dict[str, Column] = dict(zip(self._numeric_names, numbers, strict=True))
        for j in self._categorical:
            stacked[self.names[j]] = _levels(self._features[j].dtype, table[j])
        return stacked

    def _numbers(self, parts: Sequence[Rows]) -> Column:
        """Return rows that are all numbers as one array of shape (n_features, n)."""
        size = len(self.names)
        try:  # a third of the time that NumPy takes for lists
            if sum([part.n for part in parts]) == len(parts):
                values = chain.from_iterable(chain.from_iterable([part.seen for part in parts]))
                return np.frombuffer(pack(f"{size * len(parts)}d", *values)).reshape(-1, size).T
            packed = [pack(f"{size * part.n}d", *chain.from_iterable(part.seen)) for part in parts]
        except (PackError, OverflowError):  # one is missing
            return np.array(self._joined(parts), dtype=np.float64)
        return np.concatenate([np.frombuffer(column).reshape(size, -1) for column in packed], axis=1)

    def _joined(self, parts: Sequence[Rows]) -> Table:
        if len(parts) == 1:
            return parts[0].seen
        return [list(chain.from_iterable(pieces)) for pieces in zip(*(part.seen for part in parts), strict=True)]

    def _table(self, rows: Sequence[Sequence[Any]], strict: bool) -> tuple[Table, Breach | None]:
        """Turn rows into checked columns; one row of types that were seen to fit before costs next to nothing."""
        if len(rows) == 1:
            columns = [[value] for value in rows[0]]
            if strict or not self._seen_to_fit(rows[0]):
                return self._checked(columns, strict)
            return columns, None
        return self._checked([list(column) for column in zip(*rows, strict=True)], strict)

    def _seen_to_fit(self, row: Sequence[Any]) -> bool:
        pattern = tuple(map(type, row))
        try:
            whole_numbers = self._patterns[pattern]
        except KeyError:
            if not all(kind in sure for kind, sure in zip(pattern, self._sure, strict=True)):
                return False
            places = [j for j, kind in enumerate(pattern) if kind is int]
            whole_numbers = itemgetter(places[0], *places) if places else None
            if len(self._patterns) < KNOWN_PATTERNS:
                self._patterns[pattern] = whole_numbers
        if whole_numbers is not None and not _within_64_bits({int}, whole_numbers(row)):
            return False
        return not self._judges or all(holds(row[j]) for j, holds in self._judges)

    def _checked(self, columns: Sequence[Sequence[Any]], strict: bool) -> tuple[Table, Breach | None]:
        """Raise for the first value that does not fit its feature; return what was sent, and what broke a contract."""
        codes: list[str] = []
        sent, seen = columns, columns
        for j, (feature, sure, column) in enumerate(zip(self._features, self._sure, columns, strict=True)):
            kinds, contract = set(map(type, column)), self._rules.get(j)
            fits = not strict and kinds <= sure and _within_64_bits(kinds, column)
            if fits and (contract is None or contract.holds(column)):
                continue
            if contract is None:
                _check(feature, column)
                continue
            as_sent, as_seen, broken = contract.apply(column)
            if broken:
                codes += broken
                sent, seen = [*sent[:j], as_sent, *sent[j + 1 :]], [*seen[:j], as_seen, *seen[j + 1 :]]
        return sent, Breach(tuple(codes), seen) if codes else None

    def _bad_fields(self, where: str, given: Mapping[str, Any]) -> InvalidRequest:
        names = folded(self.names, given, self.tensors) if self.tensors else self.names
        return bad_fields(where, given, names, self._beside)

    def _ids(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[str | None] | None:
        """Return the ids that the rows carry, or None when no row does."""
        name = self.schema.id
        if not name or not any(name in row for row in rows):
            return None
        return [_id(i, row.get(name), name) for i, row in enumerate(rows)]

    def _times(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[int | None] | None:
        """Return the event times that the rows carry, or None when no row does."""
        name = self.schema.time
        if not name or not any(name in row for row in rows):
            return None
        return [_when(i, row.get(name), name) for i, row in enumerate(rows)]


def _check(feature: Feature, column: Sequence[Any]) -> None:
    """Raise for the first value that does not fit."""
    for i, value in enumerate(column):
        rule = broken_rule(feature, value)
        if rule:
            raise bad_value(rule, feature, value, i)


def _within_64_bits(kinds: set[type], numbers: Sequence[Any]) -> bool:
    """Whether all whole numbers surely fit; with nulls among them each is looked at later."""
    if int not in kinds:
        return True
    return NoneType not in kinds and bool(max(numbers) <= MAX_INT and min(numbers) >= MIN_INT)


def _id(row: int, given: object, name: str) -> str | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | str) or not 0 < len(str(given)) <= 256:
        raise InvalidRequest(
            f"row {row}, id {name!r}: {shown(given)}; expected a string of 1 to 256 characters",
            (f"type:{name}",),
            f"row {row}, id {name!r}: {kind_of(given)}; expected a string of 1 to 256 characters",
        )
    return str(given)


def _when(row: int, given: object, name: str) -> int | None:
    if given is None:
        return None
    try:
        return event_us(given)
    except (ValueError, OverflowError):
        raise InvalidRequest(
            f"row {row}, time {name!r}: {shown(given)}; expected {A_TIME}",
            (f"type:{name}",),
            f"row {row}, time {name!r}: {kind_of(given)}; expected {A_TIME}",
        ) from None


def _levels(dtype: DType, values: Sequence[Scalar]) -> Column:
    """Return a category's column as the reference spells it: objects, str and None."""
    column = np.empty(len(values), dtype=object)
    column[:] = values if dtype is DType.STRING else [None if v is None else spelled(dtype, v) for v in values]
    return column
