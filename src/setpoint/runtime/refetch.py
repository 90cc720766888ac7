"""Asking the user's source for inputs that were recorded, so that whatever it does, the loop goes on."""

import numpy as np

from setpoint.domain.audited import Refetched
from setpoint.domain.records import Column, Columns
from setpoint.runtime.called import Called

ANSWER_S = 30.0
ID, TIME, KNOWN, INPUT = "id", "time", "known", "input."


class Refetcher(Called):
    """Asks a user's function for inputs, in a process of its own; it never raises.

    Parameters
    ----------
    function : str
        `path/to/file.py:function`, taking record ids (a list), their event times and a data frame of the recorded
        inputs; it returns a data frame whose index is the ids it knows, with the columns it can say again.
    answer_s : float
        The longest one answer may take.
    """

    def __init__(self, function: str, *, answer_s: float = ANSWER_S) -> None:
        super().__init__(function, module="setpoint.runtime.refetching", key="audit", answer_s=answer_s)

    def fetch(self, ids: Column, time: Column, inputs: Columns) -> Refetched:
        """Ask for rows; each column has shape (n,)."""
        found, error = self.ask({ID: ids, TIME: time, **{f"{INPUT}{name}": c for name, c in inputs.items()}})
        if KNOWN not in found:
            return Refetched(known=np.zeros(len(ids), dtype=bool), error=error)
        columns = {n.removeprefix(INPUT): c for n, c in found.items() if n != KNOWN}
        return Refetched(known=found[KNOWN], columns=columns, error=error)
