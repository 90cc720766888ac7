"""Whether columns go together as they did: correlations, reconstruction, and a classifier, on copula scores."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column, Columns
from setpoint.domain.value import value
from setpoint.stats.copula import BLOCKS, copula_scores, correlations, even, reconstruction
from setpoint.stats.told_apart import Told, importance, told_apart

FloatArray = NDArray[np.float64]

MOST_ROWS = 5_000  # of either side
FEWEST_ROWS = 10 * BLOCKS
MOST_COLUMNS = 200
CORRELATION_FLOOR = 0.1
AUC_FLOOR = 0.03  # a row drawn from each side: the current one is picked in 53 % of draws
RECONSTRUCTION_FLOOR = 0.1  # standard deviations of a row's error
TESTS = 3
NAMED = 5  # pairs and columns


@value
class PairChange:
    """Two columns whose rank correlation changed; `low` is by how much at least."""

    columns: tuple[str, str]
    before: float
    after: float
    low: float


@value
class JointChange:
    """What became of the relations between columns; of single columns it says nothing.

    `auc` is how well a classifier tells current rows from the reference's by relations alone, `auc_low` its lower
    bound, and `auc_limit` what counts as changed: 0.5, a floor, and what the halves of the reference differ by.
    `reconstruction` is how much worse the reference's principal components describe the current rows, in standard
    deviations of a row's error. `drivers` are the columns whose shuffling costs the classifier most. Where nothing can
    be said, `skipped` tells why.
    """

    rows: tuple[int, int]
    changed: bool = False
    pairs: tuple[PairChange, ...] = ()
    drivers: tuple[str, ...] = ()
    auc: float | None = None
    auc_low: float | None = None
    auc_limit: float | None = None
    reconstruction: float | None = None
    reconstruction_limit: float | None = None
    skipped: str = ""


def joint_change(reference: Columns, current: Columns, *, seed: int = 0, alpha: float = 0.01) -> JointChange:
    """Compare what columns do together in two tables.

    Parameters
    ----------
    reference, current : Mapping of ndarray, shape (n,)
        Columns of the same names: float64 with NaN for null, or object holding texts and None; rows in time order. Of
        longer tables rows are taken evenly; at most `MOST_COLUMNS` columns, those that vary, are compared.
    seed : int
        Of what is random: ties, and the classifier.
    alpha : float
        Error of the whole comparison, split between correlations, reconstruction and classifier.
    """
    rows = tuple(len(next(iter(side.values()))) if side else 0 for side in (reference, current))
    both = (rows[0], rows[1])
    names = [name for name in reference if name in current and _varies(reference[name]) and _varies(current[name])]
    names = names[:MOST_COLUMNS]
    if min(both) < FEWEST_ROWS:
        return JointChange(rows=both, skipped=f"{min(both)} rows; relations need {FEWEST_ROWS} on either side")
    if len(names) < 2:
        return JointChange(rows=both, skipped="fewer than two columns vary on both sides")
    sides = zip((reference, current), both, strict=True)
    taken = [{name: side[name][even(size, MOST_ROWS)] for name in names} for side, size in sides]
    rng = np.random.default_rng(seed)
    before, after = (copula_scores(side, taken[0], rng) for side in taken)
    told = told_apart(before, after, seed)
    halves = np.array_split(before, 2)
    natural = max(told_apart(halves[0], halves[1], seed).auc - 0.5, 0.0)
    limit, low = 0.5 + AUC_FLOOR + natural, told.low(alpha / TESTS)
    pairs = _pairs(before, after, names, alpha / TESTS)
    errors = reconstruction(before, after, alpha / TESTS)
    return JointChange(
        rows=both,
        changed=bool(low > limit or pairs or float(errors.low) > RECONSTRUCTION_FLOOR),
        pairs=pairs,
        drivers=_drivers(told, before, after, names, rng) if low > limit else (),
        auc=told.auc,
        auc_low=low,
        auc_limit=limit,
        reconstruction=float(errors.after - errors.before),
        reconstruction_limit=float(errors.width + RECONSTRUCTION_FLOOR),
    )


def _varies(column: Column) -> bool:
    taken = column[even(len(column), MOST_ROWS)]
    return len(set(taken) if column.dtype == object else np.unique(taken)) > 1


def _pairs(before: FloatArray, after: FloatArray, names: list[str], alpha: float) -> tuple[PairChange, ...]:
    found, places = correlations(before, after, alpha)
    order = [at for at in np.argsort(-found.low)[:NAMED] if found.low[at] > CORRELATION_FLOOR]
    return tuple(
        PairChange(
            columns=(names[places[at, 0]], names[places[at, 1]]),
            before=float(found.before[at]),
            after=float(found.after[at]),
            low=float(found.low[at]),
        )
        for at in order
    )


def _drivers(
    told: Told, before: FloatArray, after: FloatArray, names: list[str], rng: np.random.Generator
) -> tuple[str, ...]:
    """Return the columns that cost the classifier at least a tenth of what the first does, dearest first."""
    lost = importance(told, before, after, rng)
    return tuple(names[at] for at in np.argsort(-lost)[:NAMED] if lost[at] > 0.1 * lost.max() > 0)
