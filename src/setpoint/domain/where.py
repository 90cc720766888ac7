"""Conditions on records, as people write them: `age > 60 and label == 'yes' and outcome is None`.

The text has the grammar of Python expressions, and is only read: it is translated into operations of Arrow, never run.
"""

import ast
import difflib
import keyword
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.errors import InvalidInput

LONGEST = 2_000
GROUPS = ("inputs", "outputs")
COMPARED: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Eq: pc.equal,
    ast.NotEq: pc.not_equal,
    ast.Lt: pc.less,
    ast.LtE: pc.less_equal,
    ast.Gt: pc.greater,
    ast.GtE: pc.greater_equal,
}
COMPUTED: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: pc.add,
    ast.Sub: pc.subtract,
    ast.Mult: pc.multiply,
    ast.Div: pc.divide,
}
SAME = 1e-9  # of two numbers' size: computed ones that differ by less are equal, for 0.1 + 0.2 is not 0.3
ALLOWED = "names, numbers, texts, None, comparisons, `in`, `is None`, `and`, `or`, `not`, + - * / and abs()"


def matching(table: pa.Table, text: str) -> pa.Table:
    """Return the rows of which a condition is true; of a comparison with a missing value it is not.

    Names are those of the columns; `inputs` and `outputs` hold one field a feature and output, which can be named
    alone where nothing else has the name, else as `inputs.age` or `inputs['mean radius']`. A time is written as ISO
    8601 text, UTC where it has no zone.

    Parameters
    ----------
    table : pyarrow.Table
        As `RecordLog.table` returns it.
    text : str
        For example `status != 200 or 'range:age' in violations`.

    Raises
    ------
    InvalidInput
        If the text is no such condition, or names what there is not; the text says what was expected.
    """
    return table.filter(truth(table, text))


def truth(table: pa.Table, text: str) -> Any:
    """Return where a condition holds, as a mask with nulls where a missing value leaves it open; see `matching`."""
    if len(text) > LONGEST:
        raise InvalidInput(f"the condition has {len(text):,} characters; at most {LONGEST:,} are read")
    try:
        return _Reader(table, text).truth(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, OverflowError, RecursionError) as e:
        if isinstance(e, InvalidInput):
            raise
        raise InvalidInput(f"{text!r} is no condition: {getattr(e, 'msg', e)}; write for example age > 60") from e


def named(name: str) -> str:
    """Write a feature as a condition names it: `age`, or `inputs['mean radius']` where it is no plain word."""
    plain = name.isidentifier() and not keyword.iskeyword(name) and name not in GROUPS
    return name if plain else f"inputs[{name!r}]"


def names_in(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the features that a condition is about, in the order of the text.

    Raises
    ------
    InvalidInput
        If it is no expression, or names none of `known`.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError) as e:
        raise InvalidInput(f"{text!r} is no condition: {getattr(e, 'msg', e)}; write for example start <= end") from e
    words = [w for w in map(_word, ast.walk(tree)) if w is not None and w not in (*GROUPS, "abs")]
    strange = next((w for w in words if w not in known), None)
    if strange is not None or not words:
        what = f"{strange} is no column{_nearest(strange, list(known))}" if strange else "it names no column"
        raise InvalidInput(f"in {text!r}: {what}; there are: {', '.join(known)}")
    return tuple(dict.fromkeys(words))


def _word(node: ast.AST) -> str | None:
    """Return the name that a node is, if it is one."""
    match node:
        case ast.Subscript(value=ast.Name(id="inputs"), slice=ast.Constant(value=str(name))):
            return name
        case ast.Attribute(value=ast.Name(id="inputs"), attr=name) | ast.Name(id=name):
            return name
    return None


class _Reader:
    """Translates one condition over one table."""

    def __init__(self, table: pa.Table, text: str) -> None:
        self._table, self._text = table, text
        self._fields = {
            group: [field.name for field in table.schema.field(group).type]
            for group in GROUPS
            if group in table.schema.names
        }

    def truth(self, node: ast.expr) -> Any:
        """Return a condition as a mask, null where it cannot be said."""
        match node:
            case ast.BoolOp(op=op, values=values):
                both = pc.and_kleene if isinstance(op, ast.And) else pc.or_kleene
                return reduce(both, map(self.truth, values))
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return pc.invert(self.truth(inner))
            case ast.Compare(left=left, ops=ops, comparators=rights):
                pairs = zip([left, *rights], ops, rights, strict=False)
                return reduce(pc.and_kleene, [self._compared(a, op, b) for a, op, b in pairs])
        raise self._no(node, "is no condition")

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Any:
        match op:
            case ast.Is() | ast.IsNot():
                if not (isinstance(right, ast.Constant) and right.value is None):
                    raise self._no(right, "cannot stand after `is`; expected None")
                null = pc.is_null(self._column(left), nan_is_null=True)
                return null if isinstance(op, ast.Is) else pc.invert(null)
            case ast.In() | ast.NotIn():
                found = self._contained(left, right)
                return found if isinstance(op, ast.In) else pc.invert(found)
        if not any(isinstance(part, ast.Name) for side in (left, right) for part in ast.walk(side)):
            raise self._no(left, "is compared with no column")
        if _is_computed(left) or _is_computed(right):
            return _compared_numbers(self._number(left), op, self._number(right))
        a, b = self._operand(left, right), self._operand(right, left)
        try:
            return COMPARED[type(op)](a, b)
        except pa.ArrowException as e:
            raise self._no(left, f"({a.type}) cannot be compared with {ast.unparse(right)} ({b.type})") from e

    def _contained(self, left: ast.expr, right: ast.expr) -> Any:
        """Return where a value is one of those listed, or where a list holds a value."""
        if isinstance(right, ast.List | ast.Tuple | ast.Set):
            column = self._column(left)
            wanted = [self._constant(each, column.type) for each in right.elts]
            missing = pc.is_null(column, nan_is_null=True)
            return pc.if_else(missing, pa.scalar(None, pa.bool_()), pc.is_in(column, pa.array(wanted, column.type)))
        lists = self._column(right)
        if not pa.types.is_list(lists.type):
            raise self._no(right, "holds no lists; expected a list of values, or violations or maps")
        value = self._constant(left, lists.type.value_type)
        flat, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
        held = np.zeros(len(lists), bool)
        held[np.asarray(pc.filter(parents, pc.equal(flat, value)))] = True
        return pa.array(held, mask=np.asarray(pc.is_null(lists)))

    def _number(self, node: ast.expr) -> Any:
        """Return a column of numbers, or a single one, computed from others."""
        match node:
            case ast.BinOp(left=left, op=op, right=right) if type(op) in COMPUTED:
                return COMPUTED[type(op)](self._number(left), self._number(right))
            case ast.Call(func=ast.Name(id="abs"), args=[inner], keywords=[]):
                return pc.abs(self._number(inner))
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return pc.negate(self._number(inner))
            case ast.Constant(value=int() | float() as number):
                return pa.scalar(float(number))
        column = self._column(node)
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            raise self._no(node, "holds no numbers to compute with")
        return pc.cast(column, pa.float64(), safe=False)

    def _operand(self, node: ast.expr, other: ast.expr) -> Any:
        if isinstance(node, ast.Constant | ast.UnaryOp):
            kind = self._column(other).type
            value = self._constant(node, kind)
            return pa.scalar(value, kind if pa.types.is_timestamp(kind) else None)
        return self._column(node)

    def _constant(self, node: ast.expr, kind: pa.DataType) -> Any:
        """Return a number, text or time that can be compared with a column of a type."""
        try:
            value = ast.literal_eval(node)
        except ValueError:
            raise self._no(node, "is no number and no text") from None
        number = isinstance(value, int | float)
        if pa.types.is_timestamp(kind) and isinstance(value, str):
            try:
                when = datetime.fromisoformat(value)
            except ValueError:
                raise self._no(node, "is no time; expected ISO 8601, like '2024-05-01T12:00'") from None
            return when.replace(tzinfo=UTC) if when.tzinfo is None else when
        if pa.types.is_string(kind) and isinstance(value, str):
            return value
        if (pa.types.is_integer(kind) or pa.types.is_floating(kind)) and number:
            return value
        expected = "text" if pa.types.is_string(kind) else "a number" if pa.types.is_primitive(kind) else str(kind)
        raise self._no(node, f"is compared with {expected}, which it is not")

    def _column(self, node: ast.expr) -> Any:
        """Return the column that is named."""
        match node:
            case ast.Name(id=name):
                return self._named(name, node)
            case ast.Attribute(value=ast.Name(id=group), attr=name) if group in self._fields:
                return self._in_group(group, name, node)
            case ast.Subscript(value=ast.Name(id=group), slice=ast.Constant(value=str(name))) if group in self._fields:
                return self._in_group(group, name, node)
        raise self._no(node, "is no column")

    def _named(self, name: str, node: ast.expr) -> Any:
        if name in self._table.column_names and name not in GROUPS:
            return _whole(self._table[name])
        groups = [group for group, fields in self._fields.items() if name in fields]
        if len(groups) == 1:
            return self._in_group(groups[0], name, node)
        if groups:
            raise self._no(node, f"is both an input and an output; write inputs.{name} or outputs.{name}")
        known = [n for n in self._table.column_names if n not in GROUPS] + list(chain(*self._fields.values()))
        raise self._no(node, f"is no column{_nearest(name, known)}; there are: {', '.join(known)}")

    def _in_group(self, group: str, name: str, node: ast.expr) -> Any:
        fields = self._fields[group]
        if name not in fields:
            raise self._no(node, f"is none of the {group}{_nearest(name, fields)}; there are: {', '.join(fields)}")
        return pc.struct_field(_whole(self._table[group]), [name])

    def _no(self, node: ast.expr, what: str) -> InvalidInput:
        return InvalidInput(f"in {self._text!r}: {ast.unparse(node)} {what}. A condition has {ALLOWED}")


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece; what is one is not copied."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _is_computed(node: ast.expr) -> bool:
    """Whether there is something to compute: a number with a sign is none."""
    return any(isinstance(part, ast.BinOp | ast.Call) for part in ast.walk(node))


def _compared_numbers(a: Any, op: ast.cmpop, b: Any) -> Any:
    """Compare computed numbers, those that are the same but for rounding as equal; null where one is no number."""
    size = pc.max_element_wise(pc.abs(a), pc.abs(b), skip_nulls=False)
    apart = pc.abs(pc.subtract(a, b))
    near = pc.and_kleene(pc.is_finite(size), pc.less_equal(apart, pc.multiply(pa.scalar(SAME), size)))
    same = pc.or_kleene(pc.equal(a, b), near)
    match op:
        case ast.Eq():
            found = same
        case ast.NotEq():
            found = pc.invert(same)
        case ast.LtE() | ast.GtE():
            found = pc.or_kleene(COMPARED[type(op)](a, b), same)
        case _:
            found = pc.and_not_kleene(COMPARED[type(op)](a, b), same)
    unknown = pc.or_kleene(pc.is_nan(a), pc.is_nan(b))
    return pc.if_else(unknown, pa.scalar(None, pa.bool_()), found)


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
