"""What a seed draws: rows, and faults of the columns that matter."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
from plan import BEFORE, NONE, UNDER, Asked
from sets import PER_DAY, START, STEP, DataSet

from setpoint.deploy.reference import features_of, target_of
from setpoint.domain.fault import OF_A_VERSION
from setpoint.domain.incident import Cause
from setpoint.domain.records import moment
from setpoint.domain.traffic import Traffic
from setpoint.faults import draw, possible
from setpoint.stats.losses import losses

MATTER = 3  # of the columns that can have a fault, those that the model needs most
STRENGTHS = {"weak": 0.3, "medium": 0.6, "strong": 1.0}
WHOLE = (Cause.UNIT, Cause.SWAPPED, Cause.FROZEN, Cause.RENAMED, Cause.SKEW)  # half of the rows at least


def traffic_of(data: DataSet, schema, days: int, rng, delay_days: float) -> tuple[Traffic, Traffic]:
    """Draw the rows of some days from the pool, in any order; and the rows that are left."""
    order = rng.permutation(len(data.pool))
    n = days * PER_DAY
    every = _columns(data, schema)
    return _timed(every, order[:n], delay_days), _timed(every, order[n:], delay_days)


_COLUMNS: dict = {}


def _columns(data, schema):
    if data.name not in _COLUMNS:
        table = pa.Table.from_pandas(data.pool, preserve_index=False)
        _COLUMNS[data.name] = (features_of(table, schema.features), target_of(table, schema))
    return _COLUMNS[data.name]


def _timed(every, rows, delay_days) -> Traffic:
    inputs, outcome = every
    time = START + np.arange(len(rows)) * STEP
    late = np.timedelta64(round(delay_days * 86_400), "s")
    return Traffic(
        time=time, id=np.array([f"r{i}" for i in range(len(rows))], object),
        inputs={n: c[rows] for n, c in inputs.items()}, outcome=outcome[rows].astype(float), known=time + late,
    )  # fmt: skip


def drawn(asked: Asked, traffic: Traffic, schema, columns, tuned: bool):
    """Draw the faults of a trial: strength, sudden or gradual, and columns."""
    rng = np.random.default_rng([asked.seed, 7])
    strength = list(STRENGTHS)[asked.seed % 3]
    gradual = asked.seed // 3 % 2 == 1
    size = STRENGTHS[strength] * (0.9 if tuned else 1.0)
    share = 0.5 if strength == "weak" else 1.0
    since, until = moment(START) + timedelta(days=BEFORE), moment(START) + timedelta(days=BEFORE + UNDER)
    faults, used = [], set[str]()
    for kind in [] if asked.kind == NONE else asked.kind.split("+"):
        cause = Cause(kind)
        start = moment(START) if cause is Cause.SEASON else since
        ends = None if cause in (Cause.SEASON, Cause.CONCEPT, *OF_A_VERSION) else until
        fit = possible(cause, traffic, schema)
        about = [c for c in columns if c in fit and c not in used][:MATTER]  # two at once are of two columns
        f = draw(
            cause, traffic, schema, since=start, until=ends, rng=rng, strength=share if cause in WHOLE else size,
            ramp_s=3 * 86_400.0 if gradual and cause not in (*OF_A_VERSION, Cause.SEASON) else 0.0, columns=about,
        )  # fmt: skip
        used |= set(f.columns)
        faults.append(replace(f, version="to come") if cause in OF_A_VERSION else f)
    return tuple(faults), strength, gradual


_IMPORTANT: dict = {}


def important(data: DataSet, schema, scorer) -> tuple[str, ...]:
    """Return the features that move the loss when they are shuffled, those that matter most first."""
    if data.name not in _IMPORTANT:
        inputs, outcome = _columns(data, schema)
        rows = np.arange(min(2000, len(outcome)))
        x, rng = {n: c[rows] for n, c in inputs.items()}, np.random.default_rng(0)
        base = scorer.score(data.file.model, "v1", x)[schema.score]

        def loss(p):
            return losses(schema.task, p, outcome[rows]).mean()

        harm = {
            n: loss(scorer.score(data.file.model, "v1", {**x, n: rng.permutation(c)})[schema.score]) - loss(base)
            for n, c in x.items()
        }
        ranked = sorted(harm, key=harm.get, reverse=True)
        _IMPORTANT[data.name] = tuple(ranked)
    return _IMPORTANT[data.name]
