"""Which line a champion's answers should get now: learnt from its own outcomes or all, proven on its own."""

import numpy as np

from setpoint.domain.calibration import Calibration, apply
from setpoint.domain.schema import Task
from setpoint.domain.value import value
from setpoint.update.recalibration import WINDOW_UNITS, Answers, Evidence, fit, prove, row_losses

FEWEST = 30  # outcomes a line is fitted on
OWN, SERVED = "own", "served"


@value
class Line:
    """What the champion's raw answers should get, the proof of it, and whose answers it was learnt from."""

    calibration: Calibration
    evidence: Evidence
    learnt_from: str


def best_line(task: Task, own: Answers, served: Answers, unit_rows: int) -> Line | None:
    """Return the proven line that saves most on the champion's own answers; None where these are best left alone.

    A line may be learnt from what was served by whichever version, for a champion that is new has few outcomes of its
    own when they come late. It is judged on the champion's own answers in any case: what a predecessor missed is no
    proof of what its successor misses.

    Parameters
    ----------
    own : Answers
        Of the champion, on rows that it never learnt from.
    served : Answers
        As they were given.
    unit_rows : int
        Rows of a unit, see `recalibration.prove`.
    """
    if len(own.truth) < FEWEST:
        return None
    found = []
    same = np.array_equal(own.time, served.time) and np.array_equal(own.raw, served.raw)
    for name, source in ((OWN, None),) if same else ((OWN, None), (SERVED, served)):
        evidence = prove(task, own.raw, own.truth, own.time, own.known, unit_rows=unit_rows, source=source)
        if evidence.trusted:
            latest, rows = slice(-WINDOW_UNITS * unit_rows, None), source or own
            line = fit(task, rows.raw[latest], rows.truth[latest])
            found.append(Line(calibration=line, evidence=evidence, learnt_from=name))
    return max(found, key=lambda line: line.evidence.prompt.gain, default=None)


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
