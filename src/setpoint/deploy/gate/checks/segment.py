"""No part of the rows may be ruined for the gain of the others."""

from collections.abc import Iterator

import numpy as np

from setpoint.deploy.gate.case import BoolArray, Case, FloatArray
from setpoint.deploy.gate.checks.calibration import miscalibrated
from setpoint.deploy.gate.paired import TOLERATED, failed, not_applicable, passed
from setpoint.domain.rollout import GateCheck
from setpoint.domain.segments import splits_of
from setpoint.stats.quality import Measured, mean

FEWEST = 30  # rows of a segment
ALPHA = 0.01  # of rejecting a candidate that is no worse by more than is tolerated; half of it for stated segments
ELSEWHERE = 0.25  # of the segment's excess, in the other rows: then it is not a matter of the segment
SURELY_OFF = 0.03  # error of saying that the other rows mean less, too
MOST_FEATURES = 50  # by whose values segments are made beside the stated ones


def segment(case: Case) -> GateCheck:
    """Fail where one segment is surely worse by more than 5 %, and the other rows not a quarter as much.

    Stated segments, and those of every feature: levels, values or ranges between quartiles. The two kinds have half of
    the error each, shared among all their segments (Bonferroni). What is worse everywhere is for the loss to say.
    """
    excess = _excess(case)
    parts = [*_parts(case)]
    if not parts:
        return not_applicable("segment", f"no segment has {FEWEST} rows")
    stated = sum(declared for _, _, declared in parts) or 1
    other = sum(not declared for _, _, declared in parts) or 1
    found = [(_beyond(excess[rows], ALPHA / 2 / (stated if said else other)), name, rows) for name, rows, said in parts]
    surely = [one for one in found if one[0] > 0]
    low, name, rows = (
        max(surely, key=lambda one: _apart(excess, one[2])) if surely else max(found, key=lambda one: one[0])
    )
    change, numbers = _change(case, rows), {"segments": float(len(parts)), "rows": float(rows.sum())}
    told = f"{name} ({int(rows.sum())} rows) is {abs(change):.0%} {'worse' if change > 0 else 'better'}"
    if low <= 0:
        return passed("segment", f"of {len(parts)} segments the worst: {told}", change=change, **numbers)
    if float(excess[~rows].mean()) > ELSEWHERE * float(excess[rows].mean()):
        return not_applicable("segment", f"worse elsewhere, too: see the loss; {told}", change=change, **numbers)
    rest = case.both.copy()
    rest[rest] = ~rows
    if miscalibrated(case, rest, SURELY_OFF) is not None:
        return not_applicable("segment", f"off elsewhere, too: see the calibration; {told}", change=change, **numbers)
    return failed("segment", "segment", told, change=change, **numbers)


def _apart(excess: FloatArray, rows: BoolArray) -> float:
    return float(excess[rows].mean() - excess[~rows].mean())


def _change(case: Case, rows: BoolArray) -> float:
    """Return the change of the loss in a segment, as a fraction of the champion's."""
    old, new = case.champion.held.losses[case.both][rows], case.candidate.held.losses[case.both][rows]
    return float(new.mean() / max(float(old.mean()), 1e-12) - 1)


def _excess(case: Case) -> FloatArray:
    """Return per row by how much the candidate's loss is above what is tolerated."""
    rows = case.both
    old, new = case.champion.held.losses[rows], case.candidate.held.losses[rows]
    return np.asarray(new - (1 + TOLERATED) * old, np.float64)


def _parts(case: Case) -> Iterator[tuple[str, BoolArray, bool]]:
    rows = case.both
    names = [n for n in case.schema.names[:MOST_FEATURES] if n not in case.splits]
    inputs = {name: column[rows] for name, column in case.inputs.items()}
    for by, split in {**case.splits, **splits_of(inputs, case.schema, names)}.items():
        codes = split.codes(inputs[by])
        for at, name in enumerate(split.names(by)):
            inside = codes == at
            if FEWEST <= int(inside.sum()) < len(codes):
                yield name, inside, by in case.splits


def _beyond(excess: FloatArray, alpha: float) -> float:
    """Return the lower bound of a segment's mean excess in standard errors; −inf where there is none."""
    found: Measured = mean(excess)
    low, se = found.bounds(alpha)[0], found.error()[0]
    return low / se if se > 0 and np.isfinite(low) else -np.inf
