"""A data contract as a Python file that needs nothing but pandera."""

import ast
from collections.abc import Iterator

from setpoint.domain.data_contract import ColumnTerms, DataContract, Rule
from setpoint.errors import InvalidInput

HEAD = '''"""The data contract of {subject}, learnt from {rows:,} rows by `setpoint monitor contract`.

    schema.validate(frame, lazy=True)    raises pandera's SchemaErrors, with every broken term and rule
"""

import pandas as pd
import pandera.pandas as pa


def texts(s):
    return s.dropna().map(lambda v: isinstance(v, str)).all()


def whole(s):
    return s.isna() | (s == s.round())


def rises(s):
    return ~(s.diff() < 0) if s.dtype.kind != "M" else ~(s.diff() < pd.Timedelta(0))


def nulls_at_most(share):
    return pa.Check(lambda s: s.isna().mean() <= share, error=f"more than {{share:.1%}} nulls", ignore_na=False)


def said(s):
    return s.astype("boolean")


def same(a, b):
    apart = abs(a - b)  # infinite where something was divided by zero
    return said((a == b) | ((apart < float("inf")) & (apart <= 1e-9 * (abs(a) + abs(b)))))


def one_of(s, values):
    return s.isin(values).astype("boolean").mask(s.isna())


def rule(condition, name, among=None, most=0.0):
    """Check a condition on rows, those aside where a missing value leaves it open; `most` is natural."""

    def kept(frame):
        d = frame.convert_dtypes()
        held = condition(d).astype("boolean").fillna(True).astype(bool)
        if among is not None:
            held |= ~among(d).astype("boolean").fillna(False).astype(bool)
        return held | ((~held).mean() <= most)

    return pa.Check(kept, name=name, error=name)


def pairs(of, to, known):
    """Check that what goes with each value is what always went with it."""

    def kept(frame):
        expected = frame[of].map(lambda v: known.get(v if isinstance(v, str) else f"{{v:g}}"), na_action="ignore")
        found = frame[to].map(lambda v: v if isinstance(v, str) else f"{{v:g}}", na_action="ignore")
        return expected.isna() | found.isna() | (expected == found)

    return pa.Check(kept, name=f"{{of}} determines {{to}}", error=f"{{of}} determines {{to}}")


'''
KINDS = {
    "float64": "pd.api.types.is_numeric_dtype",
    "int64": "pd.api.types.is_numeric_dtype",
    "bool": "pd.api.types.is_bool_dtype",
    "string": "texts",
    "timestamp": "pd.api.types.is_datetime64_any_dtype",
}


def as_pandera(contract: DataContract, subject: str) -> str:
    """Return the text of a Python module whose `schema` is the contract as a `pandera.DataFrameSchema`.

    Parameters
    ----------
    contract : DataContract
    subject : str
        What the contract is of, for the first line.
    """
    columns = "\n".join(f"        {c.name!r}: {_column(c)}," for c in contract.columns)
    rules = "\n".join(f"        {_rule(r)}," for r in contract.rules)
    body = f"schema = pa.DataFrameSchema(\n    columns={{\n{columns}\n    }},\n    checks=[\n{rules}\n    ],\n)\n"
    return HEAD.format(subject=subject.replace('"', "'").replace("\\", "/"), rows=contract.rows) + body


def _column(terms: ColumnTerms) -> str:
    nullable = terms.most_nulls > 0
    unique = ", unique=True" if terms.unique else ""
    return f"pa.Column(checks=[{', '.join(_checks(terms))}], nullable={nullable}{unique})"


def _checks(terms: ColumnTerms) -> Iterator[str]:
    yield f"pa.Check({KINDS[terms.dtype]}, error={terms.dtype!r})"
    if 0 < terms.most_nulls < 1:
        yield f"nulls_at_most({terms.most_nulls:.4g})"
    if terms.dtype == "int64":
        yield "pa.Check(whole, error='whole numbers')"
    if terms.low is not None:
        yield f"pa.Check.ge({terms.low:.10g})"
    if terms.high is not None:
        yield f"pa.Check.le({terms.high:.10g})"
    if terms.levels:
        yield f"pa.Check.isin({list(terms.levels)!r})"
    if terms.increasing:
        yield "pa.Check(rises, error='never falls')"


def _rule(rule: Rule) -> str:
    if rule.kind == "determines":
        return f"pairs({rule.columns[0]!r}, {rule.columns[1]!r}, {rule.levels!r})"
    among = f", among=lambda d: {as_pandas(rule.among)}" if rule.among else ""
    most = f", most={2 * rule.broken:.4g}" if rule.broken else ""
    name = f"{rule.text}, where {rule.among}" if rule.among else rule.text
    return f"rule(lambda d: {as_pandas(rule.text)}, {name!r}{among}{most})"


def as_pandas(text: str) -> str:
    """Translate a condition (see `setpoint.domain.where`) into an expression on a pandas frame `d`."""
    return _truth(ast.parse(text.strip(), mode="eval").body)


def _truth(node: ast.expr) -> str:
    match node:
        case ast.BoolOp(op=op, values=values):
            return f"({(' & ' if isinstance(op, ast.And) else ' | ').join(map(_truth, values))})"
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return f"~{_truth(inner)}"
        case ast.Compare(left=left, ops=ops, comparators=rights):
            pairs = zip([left, *rights], ops, rights, strict=False)
            return f"({' & '.join(_compared(a, op, b) for a, op, b in pairs)})"
    raise InvalidInput(f"{ast.unparse(node)} is no condition")


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr) -> str:
    a = _value(left)
    match op:
        case ast.Is():
            return f"{a}.isna()"
        case ast.IsNot():
            return f"{a}.notna()"
        case ast.In() | ast.NotIn():
            listed = ast.literal_eval(right)
            return f"{'~' if isinstance(op, ast.NotIn) else ''}one_of({a}, {list(listed)!r})"
    b = _value(right)
    if any(isinstance(part, ast.BinOp | ast.Call) for side in (left, right) for part in ast.walk(side)):
        alike = {ast.Eq: "same({a}, {b})", ast.NotEq: "~same({a}, {b})"}
        if type(op) in alike:
            return alike[type(op)].format(a=a, b=b)
        if isinstance(op, ast.LtE | ast.GtE):
            return f"(said({a} {SIGNS[type(op)]} {b}) | same({a}, {b}))"
        return f"(said({a} {SIGNS[type(op)]} {b}) & ~same({a}, {b}))"
    return f"said({a} {SIGNS[type(op)]} {b})"


SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def _value(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=value):
            return repr(value)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return f"(-{_value(inner)})"
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner)
        case ast.BinOp(left=left, op=op, right=right):
            return f"({_value(left)} {ARITHMETIC[type(op)]} {_value(right)})"
        case ast.Call(args=[inner]):
            return f"abs({_value(inner)})"
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return f"d[{name!r}]"
        case ast.Subscript(slice=ast.Constant(value=name)):
            return f"d[{name!r}]"
    raise InvalidInput(f"{ast.unparse(node)} is no value")
