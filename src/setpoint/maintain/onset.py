"""When something changed, with an interval, and which requests show it."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.incident import Cause, Hypothesis, Incident
from setpoint.domain.records import Column, Records, joined, moment, stamp
from setpoint.domain.schema import Schema
from setpoint.domain.value import value
from setpoint.maintain.case import latest
from setpoint.maintain.drift import hourly_levels
from setpoint.maintain.joint import fit_joint
from setpoint.maintain.loss import Floats, independent_rows, losses_of

BINS = 8  # of a number, equally full of healthy rows
LEVELS = 20  # of a text
FEWEST_HEALTHY, FEWEST = 40, 12  # rows
BEFORE = 200  # healthy rows before the incident among which the change may lie, too
MOST = 4_000  # rows since
LEAST = 3.0  # nats that speak for a change at all
ROUNDS = 3  # of finding the moment, and of learning from it what came after
EXAMPLES = 5
SIGN = 1.5  # times likelier since than before
LEVEL = 0.95


@value
class Onset:
    """Between which times something changed (95 %), and ids of requests that show it best."""

    after: datetime
    before: datetime
    examples: tuple[str, ...]


def onset_of(
    incident: Incident, causes: tuple[Hypothesis, ...], healthy: Records, suspect: Records, schema: Schema
) -> Onset | None:
    """Return when the column that is blamed changed, or the loss where none is; None where rows do not tell."""
    about = causes[0].subject if causes else incident.subject
    column = next((n for n in (*about.split(", "), incident.subject) if n in healthy.inputs), None)
    if column is None:
        healthy, suspect = healthy.labelled, suspect.labelled
    suspect = suspect.take(np.arange(min(len(suspect), MOST)))
    healthy = latest(healthy, MOST)
    if len(healthy) < FEWEST_HEALTHY or len(suspect) < FEWEST:
        return None
    near = healthy.take(np.arange(max(0, len(healthy) - BEFORE), len(healthy)))
    rows = joined(near, suspect)
    if column is None:
        loss = losses_of(healthy, schema.task)
        base = hourly_levels(healthy, loss, healthy.time)
        before = loss / np.maximum(base, 1e-12)
        now = losses_of(rows, schema.task) / np.maximum(hourly_levels(healthy, loss, rows.time), 1e-12)
    else:
        before, now = beside_others(column, healthy, rows, schema)
    known = bool(causes) and causes[0].cause is not Cause.UNKNOWN  # else all that is known is when it was seen
    until = None if known else int(np.searchsorted(rows.time, stamp(incident.opened), "right"))
    found = change_point(*coded(before, now), until=until)
    if found is None:
        return None
    first, likeliest, last, evidence = found
    shown = np.flatnonzero(np.arange(len(rows)) >= likeliest)
    best = shown[np.argsort(-evidence[shown], kind="stable")[:EXAMPLES]]
    return Onset(
        after=moment(rows.time[max(first - 1, 0)]),
        before=moment(rows.time[last]),
        examples=tuple(str(i) for i in rows.id[np.sort(best)]),
    )


def beside_others(column: str, healthy: Records, rows: Records, schema: Schema) -> tuple[Column, Column]:
    """Return a column of both stretches: of a measurement, what the other columns do not let expect of it.

    A column that wanders tells little by itself, for its neighbours go together; what it does alone tells more.
    """
    joint = fit_joint(healthy.inputs, schema)
    if joint is None or column not in joint.names or len(joint.names) < 2:
        return healthy.inputs[column], rows.inputs[column]
    place = joint.names.index(column)
    first, second = (
        part.inputs[column].astype(np.float64) - joint.expected(joint.standardised(part.inputs), place)
        for part in (healthy, rows)
    )
    return first, second


def coded(healthy: Column, rows: Column) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return both columns as codes below a count: ranges of numbers, levels of texts, and one for what is missing."""
    if healthy.dtype == object:
        names, counts = np.unique([str(v) for v in healthy if v is not None], return_counts=True)
        kept = {str(n): at + 2 for at, n in enumerate(names[np.argsort(-counts, kind="stable")][:LEVELS])}
        first, second = (
            np.array([0 if v is None else kept.get(str(v), 1) for v in part], np.int64) for part in (healthy, rows)
        )
        return first, second, len(kept) + 2
    values = healthy.astype(np.float64)
    known = values[np.isfinite(values)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1))) if len(known) else np.zeros(1)
    reach = float(edges[-1] - edges[0]) or 1.0  # what lies far out is another thing than what lies at the edge
    edges = np.concatenate([[edges[0] - reach], edges, [edges[-1] + reach]])
    first, second = (
        np.where(np.isnan(part), 0, 1 + np.searchsorted(edges, part, side="right")) for part in (values, _floats(rows))
    )
    return first, second, len(edges) + 2


def _floats(column: Column) -> Floats:
    return column.astype(np.float64)


def change_point(
    healthy: NDArray[np.int64], rows: NDArray[np.int64], codes: int, *, until: int | None = None
) -> tuple[int, int, int, Floats] | None:
    """Return the first, the likeliest and the last row at which the change may have begun, and each row's evidence.

    The posterior of the row from which codes are drawn otherwise than on healthy rows, all rows being as likely before.
    How they are drawn since is learnt from the later half of the rows after the likeliest moment, in a few rounds.
    Evidence is counted over independent rows: neighbours that go together say less. None where it is below 3 nats, less
    what the shares and the moment that were tried out gain by chance (BIC).

    Parameters
    ----------
    healthy, rows : ndarray of shape (m,) and (n,), int64
        Codes from 0 to `codes` - 1, in time order.
    until : int, optional
        The change began before this row: it was seen by then.

    References
    ----------
    Smith, "A Bayesian approach to inference about a change-point in a sequence of random variables", Biometrika 62
    (1975).
    """
    base = _shares(healthy, codes)
    last = max(1, min(len(rows) - FEWEST // 2, len(rows) if until is None else until))
    likeliest = min(len(rows) // 2, last - 1)
    for _ in range(ROUNDS):
        since = _shares(rows[(likeliest + len(rows)) // 2 :], codes)
        told: Floats = np.log(since) - np.log(base)
        evidence = told[rows]
        weigh = independent_rows(told[healthy]) / len(healthy)
        after = float(weigh) * np.cumsum(evidence[::-1])[::-1]
        likeliest = int(np.argmax(after[:last]))
    tried = (codes - 1) / 2 * np.log(len(rows) - likeliest) + np.log(len(rows))
    if after[likeliest] - tried < LEAST:
        return None
    chance = np.exp(after[:last] - after[likeliest])
    up_to = np.cumsum(chance) / chance.sum()
    ends = [min(int(np.searchsorted(up_to, p)), last - 1) for p in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)]
    return min(ends[0], likeliest), likeliest, max(ends[1], likeliest), evidence


def _shares(codes: NDArray[np.int64], count: int) -> Floats:
    """Return the share of each code, none of them zero."""
    found = (np.bincount(codes, minlength=count) + 0.5) / (len(codes) + 0.5 * count)
    return np.asarray(found, np.float64)


def signs(healthy: Column, since: Column) -> NDArray[np.bool_]:
    """Return which rows since the change hold values that are likelier since than before, shape (n,)."""
    first, second, codes = coded(healthy, since)
    return np.asarray((_shares(second, codes) > SIGN * _shares(first, codes))[second])
