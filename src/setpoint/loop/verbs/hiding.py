"""What people ask of records and outcomes by raw values, where the record has something else in their place."""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from setpoint.domain.keys import Change, Keys
from setpoint.domain.schema import Handling, Schema
from setpoint.domain.sensitive import ID, caller_opener, hasher_of, hidden, opener_of, sealed

Hashers = Mapping[str, Change]


def hashers(model: str, schema: Schema, keys: Keys) -> Hashers:
    """Return what hashes a raw value, by the name of the column; ids under `id`."""
    names = [ID, *(f.name for f in hidden(schema))]
    known = {name: found for name in names if (found := hasher_of(model, schema, name, keys))}
    return known | {"request_id": known[ID]} if ID in known else known


def hidden_condition(text: str, hashed: Hashers) -> str:
    """Return a condition with the hash beside each raw value that is compared with a hashed column.

    What was recorded before the column was sensitive is still found by the raw value. A text that is no condition
    stays as it is: who reads it says so.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return text
    return ast.unparse(_Hider(hashed).visit(tree))


class _Hider(ast.NodeTransformer):
    def __init__(self, hashed: Hashers) -> None:
        self._hashed = hashed

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Make membership of an equality with a hashed column, and add the hashes to a list."""
        if len(node.ops) != 1:
            return node
        left, op, right = node.left, node.ops[0], node.comparators[0]
        if isinstance(op, ast.Eq | ast.NotEq) and isinstance(left, ast.Constant):
            left, right = right, left
        change = self._hashed.get(_column(left) or "")
        if change is None:
            return node
        if isinstance(op, ast.Eq | ast.NotEq) and isinstance(right, ast.Constant):
            found: ast.cmpop = ast.In() if isinstance(op, ast.Eq) else ast.NotIn()
            return ast.Compare(left, [found], [ast.List(_both([right], change), ast.Load())])
        if isinstance(op, ast.In | ast.NotIn) and isinstance(right, ast.List | ast.Tuple | ast.Set):
            return ast.Compare(left, [op], [ast.List(_both(right.elts, change), ast.Load())])
        return node


def _column(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id="inputs"), attr=name):
            return name
        case ast.Subscript(value=ast.Name(id="inputs"), slice=ast.Constant(value=str(name))):
            return name
    return None


def _both(values: Sequence[ast.expr], change: Change) -> list[ast.expr]:
    texts = [v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)]
    return [*values, *(ast.Constant(change(text)) for text in texts)]


def decrypted(table: pa.Table, model: str, schema_of: Callable[[str], Schema], keys: Keys) -> pa.Table:
    """Return records with what is encrypted in clear; each row as its own version recorded it."""
    versions: list[str] = table["version"].to_pylist()
    schemas = {v: schema_of(v) for v in dict.fromkeys(versions)}
    inputs = table["inputs"].combine_chunks()
    columns = {field.name: pc.struct_field(inputs, [field.name]) for field in inputs.type}
    for name in {n for schema in schemas.values() for n in sealed(schema) if n in columns}:
        by = {v for v, schema in schemas.items() if name in sealed(schema)}
        columns[name] = _opened(columns[name], [v in by for v in versions], opener_of(model, name, keys))
    made = pa.StructArray.from_arrays(list(columns.values()), list(columns), mask=pc.is_null(inputs))
    table = table.set_column(table.column_names.index("inputs"), "inputs", made)
    callers = [schemas[v].sensitive_caller is Handling.ENCRYPT for v in versions]
    if any(callers):
        clear = _opened(table["caller"].combine_chunks(), callers, caller_opener(model, keys))
        table = table.set_column(table.column_names.index("caller"), "caller", clear)
    return table


def _opened(column: Any, mine: Sequence[bool], open_: Change) -> pa.Array:
    values = zip(column.to_pylist(), mine, strict=True)
    return pa.array([open_(v) if here and v is not None else v for v, here in values], pa.string())
