"""A version that was fitted without a column, to answer while that is broken: where one is worth a training."""

import sys
from collections.abc import Sequence

import numpy as np

from setpoint.domain.feature_map import FeatureMap, Instead, Sign
from setpoint.domain.incident import Cause, Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.records import Column, Records
from setpoint.domain.schema import Feature, Kind
from setpoint.domain.value import replace
from setpoint.domain.within import Fallback, Within
from setpoint.maintain.explanation import SURE_ENOUGH, odds
from setpoint.maintain.loss import Mean, mean_of
from setpoint.maintain.signs import held_value, missing

SIGNS = {Cause.NULL: Sign.MISSING, Cause.FROZEN: Sign.HELD, Cause.SKEW: Sign.UNLIKE}
IMPROVED = (Remedy.IMPUTE, Remedy.IGNORE, Remedy.HOLD)  # what a stand-in may be better than
NEWEST = 48  # rows of which enough must still show that the column is lost
WORTH = 0.03  # of the healthy loss: what a broken column must cost for a training
FEWEST = 100  # labelled healthy rows on which a version is judged
HELD_OUT = 0.25  # share of them
NONE = "none"


def lost_column(incident: Incident) -> tuple[Cause, str] | None:
    """Return the column whose values are surely lost, and how; None where there is no such one, or a version stands in.

    What the door puts in the place of a value is no hindrance: it may be worse than to do without.
    """
    if incident.stand_in or not incident.causes or incident.status is IncidentStatus.WAITING:
        return None
    top, repair = incident.causes[0], incident.repair
    in_place = repair if repair is not None and repair.in_force else None
    if in_place is not None and (in_place.remedy not in IMPROVED or _keeps(in_place)):
        return None
    if in_place is not None:
        top = next((c for c in incident.causes if c.cause is in_place.cause and c.subject == in_place.subject), top)
    if top.cause not in SIGNS or odds(incident.causes, top) < SURE_ENOUGH or ", " in top.subject:
        return None
    return top.cause, top.subject


def _keeps(repair: Repair) -> bool:
    """Whether a skew is mended by something that keeps most of what the column says."""
    instead = repair.map.instead if repair.map is not None else None
    return repair.cause is Cause.SKEW and instead is not None and not instead.everywhere


def without(feature: Feature, cause: Cause, id_: str, healthy: Column, since: Column) -> FeatureMap | None:
    """Return the repair that puts one usual value in the place of the lost ones; None where they cannot be told.

    Parameters
    ----------
    healthy, since : ndarray of shape (n,)
        The column before the fault, and since.
    """
    sign, usual = SIGNS[cause], _usual(healthy)
    if usual is None or (sign is Sign.UNLIKE and feature.kind is not Kind.NUMERIC):
        return None
    held = held_value(since) if sign is Sign.HELD else None
    shows = {Sign.MISSING: missing(since), Sign.HELD: np.asarray(since == held)}.get(sign, np.ones(len(since), bool))
    share = float(shows.mean())
    if shows[-NEWEST:].mean() < share / 2:
        return None
    instead = Instead(constant=usual, held=held, everywhere=sign is Sign.UNLIKE, sign=sign, share=share)
    return FeatureMap(id=id_, feature=feature.name, instead=instead)


def _usual(column: Column) -> float | str | None:
    known = column[~missing(column)]
    if not len(known):
        return None
    return held_value(known) if column.dtype == object else float(np.quantile(known, 0.5, method="lower"))


def lost_values(column: Column, held: float | str | None) -> Column:
    """Return a column as it comes while it is lost: at the value that it stands at, or not at all."""
    if column.dtype == object:
        return np.full(len(column), held, object)
    return np.full(len(column), np.nan if held is None else held, np.float64)


def within(repair: FeatureMap) -> Within:
    """Return which rows lack the column, as they are sent."""
    instead = repair.instead
    assert instead is not None
    if instead.everywhere:
        return Within(feature=repair.feature, low=-sys.float_info.max, missing=True)
    if isinstance(instead.held, str):
        return Within(feature=repair.feature, levels=(instead.held,), missing=True)
    return Within(feature=repair.feature, low=instead.held, high=instead.held, missing=True)


def held_out(healthy: Records) -> Records | None:
    """Return the latest healthy rows with an outcome, that a stand-in does not learn; None where they are too few."""
    known = healthy.labelled
    count = int(HELD_OUT * len(known))
    return known.take(np.arange(len(known) - count, len(known))) if count >= FEWEST else None


def gain_of(now: Column, then: Column, level: float = 0.95) -> Mean:
    """Return by how much losses fall, row by row."""
    return mean_of(np.asarray(now - then, np.float64), level)


def is_replaced(maps: Sequence[FeatureMap], column: str) -> bool:
    """Whether something stands in the place of a column whatever is sent: healthy rows show what that costs."""
    return any(m.feature == column and m.instead is not None and m.instead.everywhere for m in maps)


def standing_in(incident: Incident, cause: Cause, repair: FeatureMap, version: str, champion: str) -> Repair:
    """Return the repair by which a version answers the rows that lack a column."""
    fallback = Fallback(id=f"{repair.id}.{version}", version=version, instead_of=champion, within=within(repair))
    return Repair(
        id=incident.named("-stand-in"), remedy=Remedy.FALLBACK, subject=repair.feature, map=repair, fallback=fallback,
        cause=cause,
    )  # fmt: skip


def tried(incident: Incident, version: str = NONE) -> Incident:
    """Return the incident with the version that was fitted for it, or that none was of use."""
    return replace(incident, stand_in=version)
