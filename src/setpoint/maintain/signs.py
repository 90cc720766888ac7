"""Which rows show that a column is broken, by the sign that a repair names."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.feature_map import Sign
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.schema import Schema
from setpoint.maintain.case import Case, as_seen, latest
from setpoint.maintain.joint import Joint, fit_joint
from setpoint.maintain.loss import Floats

Bools = NDArray[np.bool_]
Held = float | str | None
FAR = 0.99  # quantile of the healthy distances from what the other columns let expect


def held_value(column: Column) -> Held:
    """Return the value that most rows hold; None where no value comes."""
    known = Counter(v for v in column.tolist() if v is not None and v == v)
    return known.most_common(1)[0][0] if known else None


def shown(sign: Sign, healthy: Columns, sent: Columns, name: str, schema: Schema, held: Held = None) -> Bools:
    """Return which of the rows that were sent show the sign, shape (n,); `held` is the value of a frozen column."""
    column = sent[name]
    match sign:
        case Sign.MISSING:
            return missing(column)
        case Sign.HELD:
            return np.asarray(column == held)
        case Sign.UNSEEN:
            known = {None, *healthy[name].tolist(), *next(f.levels for f in schema.features if f.name == name)}
            return np.array([v not in known for v in column.tolist()], dtype=bool)
    return _unlike(healthy, sent, name, schema)


def share_shown(sign: Sign, case: Case, rows: Records, name: str, held: Held = None) -> float:
    """Return the share of the rows since a fault that show the sign."""
    healthy = as_seen(latest(case.healthy), case.maps)
    return float(shown(sign, healthy, as_seen(rows, case.maps), name, case.schema, held).mean())


def missing(column: Column) -> Bools:
    """Return which values do not come, shape (n,)."""
    return np.array([v is None for v in column.tolist()], bool) if column.dtype == object else np.isnan(column)


def _unlike(healthy: Columns, sent: Columns, name: str, schema: Schema) -> Bools:
    """Return which values are no value of healthy rows, or as far as few of them from what other columns foretell."""
    column = sent[name]
    joint = fit_joint(healthy, schema) if column.dtype != object else None
    if joint is None or name not in joint.names:
        known = set(healthy[name].tolist())
        return np.array([v not in known for v in column.tolist()], dtype=bool)
    far = np.quantile(_distance(joint, healthy, name), FAR)
    return np.asarray(_distance(joint, sent, name) > far)


def _distance(joint: Joint, columns: Columns, name: str) -> Floats:
    column = joint.names.index(name)
    z = joint.standardised(columns)
    found: Floats = np.abs(z[:, column] * joint.scale[column] + joint.centre[column] - joint.expected(z, column))
    return found
