"""The process of one native model: `python -m setpoint.runtime.child FD`, started by `ChildModel`."""

import os
import select
import signal
import socket
import sys
import threading
import warnings
from pathlib import Path

from setpoint.domain.sensitive import is_sensitive
from setpoint.domain.value import from_json
from setpoint.domain.version import ModelVersion
from setpoint.runtime.frames import Frame, receive, send
from setpoint.runtime.model import Model, load_here
from setpoint.sandbox.guard import hint


def main(fd: int) -> None:
    """Load the model that the first message names, then answer rows until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who started us
    parent = socket.socket(fileno=fd)
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    model = _load(parent)
    while model and (message := receive(parent)):
        try:
            send(parent, Frame("answer"), model.predict(message[1]))
        except Exception as e:  # a model is not our code
            send(parent, _failed(e))


def _load(parent: socket.socket) -> Model | None:
    message = receive(parent)
    if message is None:
        return None
    try:
        version = from_json(message[0].version, ModelVersion)
        if is_sensitive(version.schema):
            warnings.simplefilter("ignore")  # they may quote values
        model = load_here(Path(message[0].folder), version)
    except Exception as e:
        send(parent, _failed(e))
        return None
    send(parent, Frame("ready"))
    return model


def _failed(e: Exception) -> Frame:
    return Frame("failed", error=type(e).__name__, text=f"{str(e)[:1_000]}{hint(e)}")


def end_with(parent: socket.socket) -> None:
    """End at once when the other side is gone, even within a run that never ends."""
    watch = select.poll()
    watch.register(parent, 0)  # closing is told unasked
    watch.poll()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
