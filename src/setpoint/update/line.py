"""Which line a champion's answers should get now: learnt from its own outcomes or all, proven on its own."""

import numpy as np

from setpoint.domain.calibration import Calibration, apply
from setpoint.domain.schema import Task
from setpoint.domain.value import value
from setpoint.stats.line import fit
from setpoint.update.recalibration import WINDOW_UNITS, Answers, Evidence, prove, row_losses
from setpoint.update.walk_forward import UNITS, proof_of

FEWEST = 30  # outcomes a line is fitted on
OWN, SERVED, BORN = "own", "served", "born"


@value
class Line:
    """What the champion's raw answers should get, the proof of it, and whose answers it was learnt from."""

    calibration: Calibration
    evidence: Evidence
    learnt_from: str


def best_line(
    task: Task, own: Answers, served: Answers, unit_rows: int, born: Calibration | None = None
) -> Line | None:
    """Return the proven line that saves most on the champion's own answers; None where these are best left alone.

    A line may be learnt from what was served by whichever version, for a champion that is new has few outcomes of its
    own when they come late. It is judged on the champion's own answers in any case: what a predecessor missed is no
    proof of what its successor misses.

    A line that the champion was born with stays where none is proven, until its answers are better without one; it does
    not come back.

    Parameters
    ----------
    own : Answers
        Of the champion, on rows that it never learnt from.
    served : Answers
        As they were given.
    unit_rows : int
        Rows of a unit, see `recalibration.prove`.
    born : Calibration, optional
        What the champion's answers get now, where that was fitted before `own`, on rows that its model never learnt.
    """
    if len(own.truth) < FEWEST:
        return _kept(task, own, unit_rows, born)
    found = []
    same = np.array_equal(own.time, served.time) and np.array_equal(own.raw, served.raw)
    for name, source in ((OWN, None),) if same else ((OWN, None), (SERVED, served)):
        evidence = prove(task, own.raw, own.truth, own.time, own.known, unit_rows=unit_rows, source=source)
        if evidence.trusted:
            latest, rows = slice(-WINDOW_UNITS * unit_rows, None), source or own
            line = fit(task, rows.raw[latest], rows.truth[latest])
            found.append(Line(calibration=line, evidence=evidence, learnt_from=name))
    if not found:
        return _kept(task, own, unit_rows, born)
    return max(found, key=lambda line: line.evidence.prompt.gain)


def _kept(task: Task, own: Answers, unit_rows: int, born: Calibration | None) -> Line | None:
    """Return the line that the champion was born with; None where the raw answers to its last units were better."""
    if born is None:
        return None
    raw, truth = own.raw[-UNITS * unit_rows :], own.truth[-UNITS * unit_rows :]
    proof = proof_of(row_losses(task, raw, truth) - row_losses(task, apply(born, raw, task), truth))
    if proof.gain < 0 and proof.rows >= FEWEST:
        return None
    return Line(calibration=born, evidence=Evidence(late=proof, prompt=proof), learnt_from=BORN)


def moves(task: Task, present: Calibration | None, new: Calibration | None, latest: Answers) -> float:
    """Return how far a change of the line moves the losses of the latest answers, as a fraction of their mean.

    A line that hardly differs is not worth a version.
    """
    known = np.isfinite(latest.truth)
    raw, truth = latest.raw[known], latest.truth[known]
    if not len(truth):
        return 0.0
    now, then = (row_losses(task, raw if c is None else apply(c, raw, task), truth) for c in (present, new))
    mean = float(now.mean())
    return float(np.abs(then - now).mean()) / mean if mean else 0.0
