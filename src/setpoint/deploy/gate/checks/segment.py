"""No part of the rows may be ruined for the gain of the others."""

from collections.abc import Iterator

import numpy as np

from setpoint.deploy.gate.case import BoolArray, Case, FloatArray
from setpoint.deploy.gate.paired import TOLERATED, failed, not_applicable, passed
from setpoint.domain.rollout import GateCheck
from setpoint.domain.segments import splits_of
from setpoint.stats.quality import Measured, mean

FEWEST = 30  # rows of a segment
ALPHA = 0.01  # of rejecting a candidate that is no worse by more than is tolerated; half of it for stated segments
MOST_FEATURES = 50  # by whose values segments are made beside the stated ones
EVERYWHERE = 0.05


def segment(case: Case) -> GateCheck:
    """Fail where one segment is surely worse by more than 5 % and the other rows are not.

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
    low, name, rows = max(found, key=lambda one: one[0])
    old, new = case.champion.held.losses[case.both], case.candidate.held.losses[case.both]
    change = float(new[rows].mean() / max(float(old[rows].mean()), 1e-12) - 1)
    numbers = {"segments": len(parts), "worst": change, "rows": int(rows.sum())}
    way = "worse" if change > 0 else "better"
    if low <= 0:
        return passed("segment", f"of {len(parts)} segments the worst is {name}: {abs(change):.1%} {way}", **numbers)
    rest = ~rows
    if int(rest.sum()) >= FEWEST and mean(excess[rest]).bounds(EVERYWHERE)[0] > 0:
        return not_applicable("segment", "worse in every part, see the loss", **numbers)
    return failed("segment", "segment", f"{name} ({int(rows.sum())} rows) is {abs(change):.0%} {way}", **numbers)


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
