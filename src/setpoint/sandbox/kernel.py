"""System calls that Python has no functions for."""

import ctypes
import os
import signal
from typing import Any

_libc: Any = ctypes.CDLL(None, use_errno=True)
PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG = 38, 1


def call(number: int, *arguments: Any) -> int:
    """Make a system call by its number and return what it answers; OSError if it fails."""
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments))


def prctl(option: int, *arguments: Any) -> None:
    """Set something about this process; OSError if the kernel cannot."""
    given = [a if isinstance(a, ctypes._SimpleCData | ctypes._Pointer) else ctypes.c_ulong(a) for a in arguments]
    _checked(_libc.prctl(ctypes.c_int(option), *given, *[ctypes.c_ulong(0)] * (4 - len(given))))


def never_gain_privileges() -> None:
    """See to it that nothing this process runs has more rights than it has; the guards below ask for it."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def end_with_parent() -> None:
    """See to it that this process is killed when the thread that started it ends, however that comes."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def machine() -> str:
    """Return what the processor is called, in one spelling."""
    name = os.uname().machine.lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(name, name)


def _checked(answer: int) -> int:
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
