"""Columns that broke beside the one that a repair is for: each is a fault of its own, and has its own incident."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from setpoint.domain import value
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.finding import Finding
from setpoint.domain.incident import Hypothesis, Incident
from setpoint.maintain.case import Case
from setpoint.maintain.explanation import SURE_ENOUGH, beside, odds
from setpoint.maintain.triage import is_about_inputs


def also_broken(incident: Incident) -> Hypothesis | None:
    """Return the likeliest fault of other columns than those of the incident's repair; None where none is likely."""
    repair = incident.repair
    if repair is None or repair.map is None:
        return None
    own = next((c for c in incident.causes if (c.cause, c.subject) == (repair.cause, repair.subject)), None)
    others = (c for c in incident.causes if own is not None and beside(c, own))
    return next((c for c in others if odds(incident.causes, c) >= SURE_ENOUGH), None)


def under(case: Case, repair: FeatureMap) -> Case:
    """Return a case as it would look if a repair had been in place since the incident began."""
    maps = np.array([f"{ids} {repair.id}".strip() for ids in case.suspect.maps.tolist()], object)
    return replace(case, maps=(*case.maps, repair), suspect=replace(case.suspect, maps=maps))


def parted(incident: Incident, columns: Sequence[str]) -> tuple[Incident, tuple[Finding, ...]]:
    """Return an incident without the findings about columns, and those; all about inputs where none is about them."""
    about = tuple(f for f in incident.findings if is_about_inputs(f))
    theirs = tuple(f for f in about if f.column in columns)
    if not theirs or len(theirs) == len(incident.findings):
        return incident, theirs or about
    return value.replace(incident, findings=tuple(f for f in incident.findings if f not in theirs)), theirs
