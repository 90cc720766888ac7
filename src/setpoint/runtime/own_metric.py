"""Calling a user's own metric on outcomes and answers, so that whatever it does, the loop goes on."""

from dataclasses import dataclass

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.runtime.called import Called

ANSWER_S = 30.0
RESAMPLE_S = 10.0  # of the answer's time that resampling may take
OUTCOME, SCORE, STARTS, INPUT = "outcome", "score", "starts", "input."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a metric said: a value for each row, or one number with those of resampled rows; else an error in words."""

    values: Column | None = None
    value: float | None = None
    replicates: Column | None = None
    error: str = ""


class OwnMetric(Called):
    """Measures by a user's function, in a process of its own; it never raises.

    Parameters
    ----------
    function : str
        `path/to/file.py:function`, taking outcomes, scores and, if it has a third parameter, a data frame of inputs; it
        returns a value for each row, or a number.
    answer_s : float
        The longest one answer may take, resampling included.
    """

    def __init__(self, function: str, *, answer_s: float = ANSWER_S) -> None:
        super().__init__(function, module="setpoint.runtime.measuring", key="metric", answer_s=answer_s)

    def measure(self, outcome: Column, score: Column, inputs: Columns, starts: Column, blocks: int) -> Answer:
        """Measure rows in time order.

        Parameters
        ----------
        outcome, score : ndarray of shape (n,), float64
        inputs : dict
            Columns of shape (n,).
        starts : ndarray of shape (replicates, stretches), int64
            Where each stretch of a replicate begins; a stretch has n // `blocks` rows, one at least.
        """
        found, error = self.ask(
            {
                OUTCOME: outcome,
                SCORE: score,
                STARTS: np.append(blocks, starts.ravel()),
                **{f"{INPUT}{name}": column for name, column in inputs.items()},
            }
        )
        if error:
            return Answer(error=error)
        if "values" in found:
            return Answer(values=found["values"])
        return Answer(value=float(found["value"][0]), replicates=found["replicates"])
