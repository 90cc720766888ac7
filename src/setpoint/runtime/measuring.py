"""The process of a user's own metric: `python -m setpoint.runtime.measuring FD FUNCTION`, started by `OwnMetric`."""

import inspect
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from setpoint.domain.records import Column
from setpoint.errors import SetpointError
from setpoint.runtime.child import end_with
from setpoint.runtime.frames import Frame, receive, send
from setpoint.runtime.own import blame, function_of
from setpoint.runtime.own_metric import INPUT, OUTCOME, RESAMPLE_S, SCORE, STARTS

Columns = dict[str, Column]


def main(fd: int, where: str) -> None:
    """Load the function, then measure rows until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who started us
    parent = socket.socket(fileno=fd)
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    try:
        file, function = function_of(where, "metric")
    except SetpointError as e:
        send(parent, Frame("failed", text=str(e)))
        return
    send(parent, Frame("ready"))
    while message := receive(parent):
        answer(parent, file, function, message[1])


def answer(parent: socket.socket, file: Path, function: Callable[..., Any], columns: Columns) -> None:
    """Measure once, and send what came of it."""
    try:
        found = measured(function, columns)
    except Exception as e:  # not our code: it may raise anything
        send(parent, Frame("failed", text=blame(e, file)[:1_000]))
        return
    send(parent, Frame("answer"), found)


def measured(function: Callable[..., Any], columns: Columns) -> Columns:
    """Return `values`, one a row; or one `value`, with `replicates` on resampled rows as far as the time allows."""
    y, score = columns[OUTCOME], columns[SCORE]
    frame = pd.DataFrame({n.removeprefix(INPUT): c for n, c in columns.items() if n.startswith(INPUT)})
    with_inputs = _takes(function) > 2

    def call(rows: Any) -> Column:
        said = [y[rows], score[rows], *([frame.iloc[rows].reset_index(drop=True)] if with_inputs else [])]
        return np.asarray(function(*said), np.float64)

    found = call(slice(None))
    if found.shape == y.shape:
        return {"values": found}
    if found.shape:
        raise ValueError(f"returned shape {found.shape}; a number, or one value for each of {len(y)} rows was expected")
    starts, until = columns[STARTS].astype(np.int64), time.monotonic() + RESAMPLE_S
    length, replicates = max(1, len(y) // starts[0]), []
    for one in starts[1:].reshape(-1, -(-len(y) // length)):
        if time.monotonic() > until:
            break
        replicates.append(float(call((one[:, None] + np.arange(length)).ravel()[: len(y)])))
    return {"value": found.reshape(1), "replicates": np.array(replicates, np.float64)}


def _takes(function: Callable[..., Any]) -> int:
    """Return how many things a function is called with, three at most."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds for p in inspect.signature(function).parameters.values())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
