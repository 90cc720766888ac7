"""Runs jobs in forked processes and stops them at any call that changes a file, in Python, Rust or C++, in any thread.

The kernel asks this process before each such call of the job (seccomp's user notification), which answers: go on, fail,
or is killed first. So calls of all threads are counted as one sequence; `strace` can inject faults too, but counts
each call of each thread for itself, and a thread pool decides anew which thread makes which call.
"""

import ctypes
import errno
import fcntl
import json
import os
import platform
import select
import signal
import socket
import struct
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ARCH, SECCOMP, COLUMN = {
    "x86_64": (0xC000003E, 317, 0),
    "aarch64": (0xC00000B7, 277, 1),
}.get(platform.machine(), (0, 0, 0))
# Numbers of the call on x86-64 and on ARM (None: not there), and the arguments that say which file: a descriptor, or a
# path behind the descriptor of its folder (None: the working directory).
FD, AT_FDCWD = "fd", 2**32 - 100
CALLS: dict[str, tuple[int | None, int | None, tuple[Any, int]]] = {
    "write": (1, 64, (FD, 0)),
    "pwrite64": (18, 68, (FD, 0)),
    "writev": (20, 66, (FD, 0)),
    "pwritev": (296, 70, (FD, 0)),
    "copy_file_range": (326, 285, (FD, 2)),
    "sendfile": (40, 71, (FD, 0)),
    "fallocate": (285, 47, (FD, 0)),
    "ftruncate": (77, 46, (FD, 0)),
    "fsync": (74, 82, (FD, 0)),
    "fdatasync": (75, 83, (FD, 0)),
    "truncate": (76, 45, (None, 0)),
    "openat": (257, 56, (0, 1)),
    "open": (2, None, (None, 0)),
    "rename": (82, None, (None, 1)),
    "renameat": (264, 38, (2, 3)),
    "renameat2": (316, 276, (2, 3)),
    "link": (86, None, (None, 1)),
    "linkat": (265, 37, (2, 3)),
    "unlink": (87, None, (None, 0)),
    "unlinkat": (263, 35, (0, 1)),
    "rmdir": (84, None, (None, 0)),
    "mkdir": (83, None, (None, 0)),
    "mkdirat": (258, 34, (0, 1)),
}
FREES = {"unlink", "unlinkat", "rmdir", "ftruncate", "truncate"}  # a full disk does not refuse these
NOTIFICATION, RESPONSE = struct.Struct("<QIIiIQ6Q"), struct.Struct("<QqiI")
RECEIVE, SEND = 0xC0502100, 0xC0182101
ALLOW, ASK, GO_ON = 0x7FFF0000, 0x7FC00000, 1
LIMIT_S = 60
OVER = "disk-has-room-again"  # removing this file in the home ends a full disk

libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Fault:
    """What happens at a step (counted from 1): a kill, or with `full` a disk without space from there on.

    With `half`, a write has done half of its work by then.
    """

    at: int
    half: bool = False
    full: bool = False


@dataclass
class Ran:
    """What became of a job: "done", "killed" or "failed", and the calls it made."""

    ended: str = "killed"
    result: Any = None
    calls: list[str] = field(default_factory=list)


def refused() -> str:
    """Return why jobs cannot be watched here; empty if they can: one is killed in the middle of a write."""
    if not ARCH:
        return "needs Linux on x86-64 or ARM"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder).resolve() / "file"
        try:
            ran = run(lambda: file.write_text("1234"), file.parent, Fault(2, half=True))
        except OSError as e:
            return f"the kernel does not let a process be watched: {e}"
        if ran.ended == "killed" and file.read_text() == "12":
            return ""
        return f"the kernel does not let a process be watched: {ran.result}"


def run(job: Callable[[], Any], home: Path, fault: Fault | None = None) -> Ran:
    """Run a job in a fork of this process; the calls that change files in a home are its steps."""
    results, to_results = os.pipe()
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if not pid:
        _child(job, to_results, theirs)
    os.close(to_results)
    theirs.close()
    try:
        _, (listener, *_), _, _ = socket.recv_fds(ours, 1, 1)
    except ValueError:  # the child could not be watched, and says why
        return Ran(**json.loads(_rest(results)))
    finally:
        ours.close()
    ran, data = Ran(), b""
    watch = _Watch(pid, home, fault, listener, ran)
    poll = select.poll()
    for descriptor in (listener, results):
        poll.register(descriptor, select.POLLIN)
    while True:
        events = dict(poll.poll(LIMIT_S * 1000))
        if not events:
            os.kill(pid, signal.SIGKILL)
            ran.result = "hangs"
        if events.get(listener, 0) & select.POLLIN:
            watch.answer()
        if results in events:
            part = os.read(results, 2**16)
            data += part
            if not part:
                break
    os.waitpid(pid, 0)
    os.close(listener)
    os.close(results)
    if data:
        ran.ended, ran.result = (json.loads(data)[name] for name in ("ended", "result"))
    return ran


def _child(job: Callable[[], Any], to_results: int, theirs: socket.socket) -> None:
    try:
        listener = _install()
        socket.send_fds(theirs, [b"!"], [listener])
        os.close(listener)
        said = {"ended": "done", "result": job()}
    except BaseException as e:
        said = {"ended": "failed", "result": [*(c.__name__ for c in type(e).__mro__), traceback.format_exc()]}
    view = memoryview(json.dumps(said).encode())
    while view:
        view = view[os.write(to_results, view) :]
    os._exit(0)


def _rest(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def _install() -> int:
    """Have the kernel ask before each of the calls; return the descriptor at which it asks."""
    numbers = [n for entry in CALLS.values() if (n := entry[COLUMN]) is not None]
    code = [_bpf(0x20, 4), _bpf(0x15, ARCH, 1, 0), _bpf(0x06, ALLOW), _bpf(0x20, 0)]
    code += [_bpf(0x15, n, len(numbers) - i, 0) for i, n in enumerate(numbers)]
    code += [_bpf(0x06, ALLOW), _bpf(0x06, ASK)]
    program = ctypes.create_string_buffer(b"".join(code))
    head = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(program)))
    libc.prctl(38, 1, 0, 0, 0)  # no new privileges
    listener = int(libc.syscall(SECCOMP, 1, 8, head))  # a filter with a listener
    if listener < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return listener


def _bpf(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("<HBBI", code, then, otherwise, value)


class _Watch:
    """Answers the kernel's questions about one process."""

    def __init__(self, pid: int, home: Path, fault: Fault | None, listener: int, ran: Ran) -> None:
        self._pid, self._home, self._fault, self._listener, self._ran = pid, str(home), fault, listener, ran
        self._over = self._killed = False
        self._names = {entry[COLUMN]: name for name, entry in CALLS.items()}

    def answer(self) -> None:
        """Decide about one call."""
        asked = bytearray(NOTIFICATION.size)
        try:
            fcntl.ioctl(self._listener, RECEIVE, asked)
        except OSError:  # it is gone
            return
        if self._killed:
            return
        id_, thread, _, number, _, _, *args = NOTIFICATION.unpack(asked)
        name = self._names[number]
        path = self._path(thread, name, args)
        error = self._fate(name, path, args) if self._counts(name, path, args) else 0
        with_error = RESPONSE.pack(id_, 0, -error, 0 if error else GO_ON)
        try:
            fcntl.ioctl(self._listener, SEND, with_error)
        except OSError as e:
            if e.errno != errno.ENOENT:  # killed: nobody waits for the answer
                raise

    def _counts(self, name: str, path: str, args: list[int]) -> bool:
        if not path.startswith(self._home):
            return False
        return name not in ("open", "openat") or bool(args[CALLS[name][2][1] + 1] & (os.O_CREAT | os.O_TRUNC))

    def _fate(self, name: str, path: str, args: list[int]) -> int:
        """Count a step and bring about what is due at it; return the error that the call fails with, 0 for none."""
        self._ran.calls.append(f"{name} {path[len(self._home) :].lstrip('/')}")
        fault, step = self._fault, len(self._ran.calls)
        if path.endswith(OVER):
            self._over = True
        if fault is None or self._over or step < fault.at:
            return 0
        if fault.half and step == fault.at and name in ("write", "pwrite64"):
            self._write_half(name, args)
        if not fault.full:
            os.kill(self._pid, signal.SIGKILL)
            self._killed = True
            return errno.EINTR
        there = name in ("open", "openat") and Path(path).exists()
        return 0 if name in FREES or there else errno.ENOSPC

    def _write_half(self, name: str, args: list[int]) -> None:
        pidfd = os.pidfd_open(self._pid)
        descriptor = int(libc.syscall(438, pidfd, ctypes.c_uint(args[0]), 0))  # pidfd_getfd: shares the file's position
        data = self._memory(self._pid, args[1], args[2] // 2)
        if name == "write":
            os.write(descriptor, data)
        else:
            os.pwrite(descriptor, data, args[3])
        os.close(descriptor)
        os.close(pidfd)

    def _path(self, thread: int, name: str, args: list[int]) -> str:
        folder, at = CALLS[name][2]
        if folder is FD:
            return _link(f"/proc/{thread}/fd/{args[at] & 0xFFFFFFFF}")
        text = os.fsdecode(self._memory(thread, args[at], 4096).split(b"\0", 1)[0])
        if text.startswith("/"):
            return text
        here = folder is None or args[folder] & 0xFFFFFFFF == AT_FDCWD
        base = _link(f"/proc/{thread}/cwd" if here else f"/proc/{thread}/fd/{args[folder]}")
        return f"{base}/{text}"

    def _memory(self, thread: int, start: int, size: int) -> bytes:
        """Read a process's memory; less at the end of a mapping."""
        with Path(f"/proc/{thread}/mem").open("rb", buffering=0) as memory:
            memory.seek(start)
            return memory.read(size)


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""
