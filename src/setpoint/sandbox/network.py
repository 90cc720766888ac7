"""No network and no processes of its own: this process can make no sockets and start nothing but threads (seccomp).

It works without privileges and within containers, where namespaces often do not.

References
----------
https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import struct

from setpoint.sandbox import kernel

PR_SET_SECCOMP, FILTER = 22, 2
LOAD, EQUAL, AT_LEAST, HAS_BITS, ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of the kernel's filters
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # where the filter finds them
ALLOW, KILL, REFUSE, UNKNOWN = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EACCES, 0x00050000 | errno.ENOSYS
OTHER_ABI = 0x40000000  # x32's numbers
THREAD = 0x00010000  # the flag of clone that makes a thread, and no process
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435  # its flags cannot be seen from here; where it is unknown, clone is used

#              socket, io_uring_setup, setsid, setpgid, ptrace, process_vm_readv, _writev, unshare, setns, mount, bpf,
#              add_key, keyctl, and fork, vfork where there are such
REFUSED = {
    "x86_64": (41, 425, 112, 109, 101, 310, 311, 272, 308, 165, 321, 248, 250, 57, 58),
    "aarch64": (198, 425, 157, 154, 117, 270, 271, 97, 268, 40, 280, 217, 219),
}
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def refuse() -> None:
    """Refuse these calls (EACCES) to this thread and all it starts; sockets that are open already work on.

    Raises
    ------
    OSError
        If the kernel has no filters, or this is none of the processors whose calls are known here.
    """
    program = filter_for(kernel.machine())
    given = _Program(len(program) // 8, program)
    kernel.prctl(PR_SET_SECCOMP, FILTER, ctypes.cast(ctypes.pointer(given), ctypes.c_void_p))


def filter_for(machine: str) -> bytes:
    """Return the filter, instructions of 8 bytes each."""
    if machine not in REFUSED:
        raise OSError(errno.ENOSYS, f"the system calls of {machine} are not known here")
    numbers = REFUSED[machine]
    rest = len(numbers)
    return b"".join(
        [
            _step(LOAD, ARCHITECTURE),
            _step(EQUAL, ARCHITECTURES[machine], then=1),
            _step(ANSWER, KILL),
            _step(LOAD, NUMBER),
            _step(EQUAL, CLONE3, other=1),
            _step(ANSWER, UNKNOWN),
            _step(AT_LEAST, OTHER_ABI, then=rest + 4),
            *(_step(EQUAL, number, then=rest + 3 - i) for i, number in enumerate(numbers)),
            _step(EQUAL, CLONE[machine], other=2),
            _step(LOAD, FIRST_ARGUMENT),
            _step(HAS_BITS, THREAD, other=1),
            _step(ANSWER, ALLOW),
            _step(ANSWER, REFUSE),
        ]
    )


def _step(code: int, value: int, then: int = 0, other: int = 0) -> bytes:
    """Return an instruction; of those that follow it passes over `then` where a comparison holds, else `other`."""
    return struct.pack("=HBBI", code, then, other, value)
