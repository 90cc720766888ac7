"""The process that describes inputs: `python -m setpoint.runtime.describing FD FUNCTION`, started by `Describer`."""

import signal
import socket
import sys
import threading

import pandas as pd

from setpoint.domain.described import checked
from setpoint.domain.records import Columns
from setpoint.errors import SetpointError
from setpoint.runtime.child import end_with
from setpoint.runtime.frames import Frame, receive, send
from setpoint.runtime.own import blame, function_of


def main(fd: int, where: str) -> None:
    """Load the function, then describe rows until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who started us
    parent = socket.socket(fileno=fd)
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    try:
        file, function = function_of(where, "profile")
    except SetpointError as e:
        send(parent, Frame("failed", text=str(e)))
        return
    send(parent, Frame("ready"))

    def describe(columns: Columns) -> None:
        frame = pd.DataFrame(dict(columns))
        try:
            found, errors = checked(function(frame), len(frame))
        except Exception as e:  # not our code: it may raise anything
            send(parent, Frame("failed", text=blame(e, file)[:1_000]))
            return
        send(parent, Frame("answer", text="; ".join(errors)[:1_000]), found)

    while message := receive(parent):
        describe(message[1])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
