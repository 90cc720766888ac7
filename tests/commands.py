"""`setpoint` commands as processes of their own, without waiting each time for the same imports."""

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# what nearly every command imports; not `setpoint.cli`, which reads the environment when it is imported
IMPORTED = ["pandas", "setpoint.bootstrap.home", "setpoint.loop.verbs.views"]

_seen: set[str] = set()


def run(arguments: Sequence[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a command as users do: the first of its name from a fresh interpreter, later ones from a forked one.

    The interpreter that is forked has one thread, and has done nothing but import. So each command is seen to start
    from nothing once a session, and is not waited for again.
    """
    if arguments[0] in _seen:
        return _forked(arguments, environment)
    _seen.add(arguments[0])
    command = [sys.executable, "-m", "setpoint", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def _forked(arguments: Sequence[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=_main, args=(list(arguments), environment, folder))
        process.start()
        process.join()
        code, said = process.exitcode, [(Path(folder) / name).read_text() for name in ("stdout", "stderr")]
        process.close()
    return subprocess.CompletedProcess(arguments, code or 0, *said)


def _main(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Be the command, to its end."""
    for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr")):
        with (Path(folder) / name).open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["setpoint", *arguments]
    from setpoint.cli import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()  # which an interpreter does, and multiprocessing does not
