"""The process that fetches inputs again: `python -m setpoint.runtime.refetching FD FUNCTION`, see `Refetcher`."""

import signal
import socket
import sys
import threading
from typing import Any

import numpy as np
import pandas as pd

from setpoint.domain.described import checked
from setpoint.domain.records import Columns
from setpoint.errors import InvalidInput, SetpointError
from setpoint.runtime.child import end_with
from setpoint.runtime.frames import Frame, receive, send
from setpoint.runtime.own import blame, function_of
from setpoint.runtime.refetch import ID, INPUT, KNOWN, TIME


def main(fd: int, where: str) -> None:
    """Load the function, then fetch rows until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who started us
    parent = socket.socket(fileno=fd)
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    try:
        file, function = function_of(where, "audit")
    except SetpointError as e:
        send(parent, Frame("failed", text=str(e)))
        return
    send(parent, Frame("ready"))

    def fetch(columns: Columns) -> None:
        ids = columns[ID].tolist()
        frame = pd.DataFrame(
            {n.removeprefix(INPUT): c for n, c in columns.items() if n.startswith(INPUT)}, index=pd.Index(ids, name=ID)
        )
        try:
            known, found, errors = _sound(function(ids, pd.to_datetime(columns[TIME], utc=True), frame), ids)
        except Exception as e:  # not our code: it may raise anything
            send(parent, Frame("failed", text=blame(e, file)[:1_000]))
            return
        send(
            parent,
            Frame("answer", text="; ".join(errors)[:1_000]),
            {KNOWN: known, **{f"{INPUT}{n}": c for n, c in found.items()}},
        )

    while message := receive(parent):
        fetch(message[1])


def _sound(result: Any, ids: list[str]) -> tuple[Any, Columns, list[str]]:
    """Return which ids the source knows, what it says of those, and what is wrong with its columns."""
    if not isinstance(result, pd.DataFrame):
        raise InvalidInput(f"returned {type(result).__name__}; a data frame with the ids as its index was expected")
    result = result.set_axis(result.index.astype(str), axis=0)
    if not result.index.is_unique:
        raise InvalidInput(f"returned more than one row of {result.index[result.index.duplicated()][0]!r}")
    known = np.array([i in result.index for i in ids], dtype=bool)
    asked = [i for i, there in zip(ids, known, strict=True) if there]
    columns, errors = checked(result.loc[asked], len(asked))
    return known, columns, errors


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
