"""Which outcomes exist hangs on the answers: a declined loan is never paid back. Replay says so, weighs, or refuses.

What a policy learns and is judged on are outcomes that other answers brought about. Where it would have answered
otherwise, some that it would have had are on no record; a record of the probability with which each row's outcome came
to exist lets those that are there stand for them (inverse propensity weights). Source: D. G. Horvitz, D. J. Thompson,
"A generalization of sampling without replacement from a finite universe", JASA 47, 1952; A. Swaminathan,
T. Joachims, "The self-normalized estimator for counterfactual learning", NIPS 2015.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from setpoint.config import OutcomesPart
from setpoint.domain.records import Column, Columns
from setpoint.domain.where import truth
from setpoint.errors import InvalidInput
from setpoint.loop.replay.values import Existing

TOLERATED = 0.01  # of the rows that would have an outcome may have none on record, and no weights
LEAST = 0.01  # smallest propensity that is weighed: one row would stand for more than a hundred


def exists(condition: str | None, inputs: Columns, outputs: Columns) -> Column:
    """Return on which rows these answers have an outcome at all, shape (n,), bool; one that cannot be told has none."""
    rows = len(next(iter(outputs.values())))
    if condition is None:
        return np.ones(rows, bool)
    table = pa.table({"inputs": _struct(inputs), "outputs": _struct(outputs)})
    found: Column = np.asarray(truth(table, condition).fill_null(False).to_numpy(zero_copy_only=False), bool)
    return found


def propensities(part: OutcomesPart, table: pa.Table, order: Column, recorded: Column) -> Column | None:
    """Return with which probability each row's outcome came to be on record, in time order; None where nothing says so.

    Raises
    ------
    InvalidInput
        If the column is missing, holds no probabilities, or says of a recorded outcome that it could not be.
    """
    if part.propensity is None:
        return None
    if part.propensity not in table.column_names:
        raise InvalidInput(
            f"outcomes: propensity: there is no column {part.propensity!r}; there are {', '.join(table.column_names)}"
        )
    try:
        p: Column = table[part.propensity].cast(pa.float64()).to_numpy()[order]
    except pa.ArrowInvalid as e:
        raise InvalidInput(f"outcomes: propensity: column {part.propensity!r} must hold numbers: {e}") from e
    wrong = ~((p >= 0) & (p <= 1)) | (recorded & (p <= 0))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InvalidInput(
            f"outcomes: propensity: row {at} in time order has {p[at]}; expected the probability, above 0 and at most "
            f"1, with which its outcome came to exist ({int(wrong.sum()):,} rows are wrong)"
        )
    return p


def weights_of(propensity: Column | None, recorded: Column) -> Column | None:
    """Return how many rows each recorded one stands for, shape (n,); 0 for others. None: each for itself."""
    if propensity is None:
        return None
    return np.where(recorded, 1 / np.maximum(propensity, LEAST), 0.0)


def account(
    part: OutcomesPart, would: Column, recorded: Column, propensity: Column | None, weights: Column | None
) -> Existing:
    """Count what a policy's answers would have changed.

    Parameters
    ----------
    would : ndarray of shape (n,), bool
        Where its answers have an outcome.
    recorded : ndarray of shape (n,), bool
        Where one is on record.
    """
    kept = None if weights is None else weights[recorded]
    return Existing(
        condition=part.exist_when or "",
        rows=len(would),
        recorded=int(recorded.sum()),
        hidden=int((recorded & ~would).sum()),
        missing=int((would & ~recorded).sum()) if part.exist_when else 0,
        out_of_reach=0 if propensity is None else int((would & ~recorded & (propensity < LEAST)).sum()),
        weighed=weights is not None,
        effective=None if kept is None or not len(kept) else float(kept.sum() ** 2 / np.square(kept).sum()),
    )


def check(policy: str, found: Existing) -> None:
    """Refuse to say what a policy would have come to where that cannot be known.

    Raises
    ------
    InvalidInput
        With the number of rows, and what to do.
    """
    would = found.recorded - found.hidden + found.missing
    lacking = found.out_of_reach if found.weighed else found.missing
    if lacking <= TOLERATED * would:
        return
    rows = f"{lacking:,} of the {would:,} rows whose outcome would exist under {policy} ({lacking / would:.1%})"
    if found.weighed:
        raise InvalidInput(
            f"{rows} could not have one when they were recorded: their propensity is below {LEAST:g}, so no recorded "
            "row can stand for them. Compare policies that answer more like those that were recorded, or record with "
            "some answers at random"
        )
    raise InvalidInput(
        f"{rows} have none on record, for they were answered otherwise then: what this policy would have come to "
        f"cannot be told from these records (outcomes: exist_when: {found.condition}). Name the column with the "
        "probability that each row's outcome came to exist as `outcomes: {propensity: COLUMN}`, leave such rows out of "
        "the table, or compare with a policy that answers more like those that were recorded, such as `alarm`"
    )


def notes(found: Mapping[str, Existing]) -> list[str]:
    """Say in words what outcomes that do not exist mean for each policy's figures."""
    said = []
    for policy, e in found.items():
        if not e.condition:
            continue
        parts = [f"of {e.rows:,} rows {e.recorded:,} have an outcome on record"]
        if e.hidden:
            parts.append(f"{e.hidden:,} of these it would not have brought about, and did not learn from")
        if e.missing:
            parts.append(f"{e.missing:,} that it would have brought about are on no record")
        if e.weighed and e.effective is not None:
            parts.append(f"recorded rows are weighed by their propensity, and worth {e.effective:,.0f} equal ones")
        said.append(f"{policy}: {'; '.join(parts)}")
    return said


def _struct(columns: Columns) -> pa.StructArray:
    arrays = [_array(column) for column in columns.values()]
    return pa.StructArray.from_arrays(arrays, names=list(columns))


def _array(column: Column) -> pa.Array:
    if column.dtype.kind in "fiub":
        return pa.array(column.astype(np.float64), from_pandas=True)
    return pa.array([None if v is None or v != v else str(v) for v in column.tolist()], pa.string())
