"""Healthy rows about some columns, by which broken rows are told at the door: of few columns, none sensitive."""

from collections.abc import Sequence

import numpy as np

from setpoint.domain.odds import Tie
from setpoint.domain.records import Columns
from setpoint.domain.schema import Schema
from setpoint.domain.value import replace
from setpoint.maintain.joint import Joint, fit_joint
from setpoint.maintain.loss import Floats

MOST = 6  # other columns by which rows are told: each costs a request a microsecond


def joint_about(schema: Schema, healthy: Columns, columns: tuple[str, ...]) -> Joint | None:
    """Fit the density of some measurements and of those that say most of them; None where one is no measurement."""
    plain = _only(schema, [f.name for f in schema.features if f.sensitive is None])
    every = fit_joint(healthy, plain)
    if every is None or not set(columns) <= set(every.names):
        return None
    return fit_joint(healthy, _only(plain, [*columns, *_nearest(every, columns)]))


def ties(joint: Joint, own: tuple[int, ...], weights: Floats) -> tuple[Tie, ...]:
    """Return what the columns other than `own` say, by weights of standardised values, shape (d,)."""
    return tuple(
        Tie(feature=name, weight=float(weights[k] / joint.scale[k]), usual=float(joint.centre[k]))
        for k, name in enumerate(joint.names)
        if k not in own
    )


def _only(schema: Schema, names: Sequence[str]) -> Schema:
    return replace(schema, features=tuple(f for f in schema.features if f.name in names))


def _nearest(joint: Joint, columns: tuple[str, ...]) -> list[str]:
    """Return the other columns that say most of some."""
    says = np.abs(joint.precision[[joint.names.index(c) for c in columns]]).sum(axis=0)
    order = [joint.names[int(k)] for k in np.argsort(-says, kind="stable")]
    return [name for name in order if name not in columns][:MOST]
