"""What a process is kept from, and putting it into force."""

import contextlib
import json
import os
import pwd
import resource
import socket
import sys
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path

FILES, NETWORK = PROTECTIONS = "files", "network"
KEPT_FROM = "SETPOINT_KEPT_FROM"
WITHOUT = {FILES: "files beyond its own", NETWORK: "network and processes of its own"}
OPEN_FILES = 4_096
SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store",
    "/proc", "/sys/devices/system", "/sys/bus/pci/devices", "/sys/fs/cgroup", "/dev/zero", "/dev/full", "/dev/random",
    "/dev/urandom",
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/timezone", "/etc/passwd",
    "/etc/group", "/etc/fonts", "/etc/nsswitch.conf", "/etc/mime.types", "/etc/alternatives", "/etc/ssl/certs",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/dri", "/dev/kfd")
SHARED = "/dev/shm"  # by which processes of its own share memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a process may do.

    `read` are files and folders beside Python and the system; `write` one folder, empty where it needs none;
    `file_bytes` the largest file it may write. With `bound` it ends with the thread that started it. `free` are
    protections that it does without.
    """

    read: tuple[str, ...] = ()
    write: str = ""
    file_bytes: int = 16 * 2**30
    bound: bool = False
    free: tuple[str, ...] = ()

    def text(self) -> str:
        """Return it as one argument of a command."""
        return json.dumps(asdict(self))


def guard_of(text: str) -> Guard:
    """Return what `Guard.text` wrote."""
    told = json.loads(text)
    return Guard(
        read=tuple(told["read"]),
        write=told["write"],
        file_bytes=told["file_bytes"],
        bound=told["bound"],
        free=tuple(told["free"]),
    )


def put_up(guard: Guard) -> tuple[str, ...]:
    """Bound this process for good, before it has threads, and return what it is kept from: `files`, `network`.

    A kernel that cannot do one of them does the other.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, guard.file_bytes)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    kept = _in_linux(guard) if sys.platform == "linux" else ()
    os.environ[KEPT_FROM] = ",".join(kept)
    return kept


def kept_from() -> tuple[str, ...]:
    """Return what this process is kept from."""
    return tuple(filter(None, os.environ.get(KEPT_FROM, "").split(",")))


def _in_linux(guard: Guard) -> tuple[str, ...]:
    from setpoint.sandbox import files, kernel, network, privileges

    kept = []
    kernel.never_gain_privileges()
    if guard.bound:
        kernel.end_with_parent()
    with contextlib.suppress(OSError):  # what the kernel cannot do is left out of the answer
        if FILES not in guard.free:
            files.restrict(_readable(guard), _writable(guard), alone=NETWORK not in guard.free)
            kept.append(FILES)
    with contextlib.suppress(OSError):
        if NETWORK not in guard.free:
            privileges.drop()
            network.refuse()
            kept.append(NETWORK)
    return tuple(kept)


def _limit(which: int, value: int) -> None:
    """Lower a limit; one that is lower already stays."""
    _, most = resource.getrlimit(which)
    least = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(which, (least, least))


def _readable(guard: Guard) -> list[Path]:
    ours = [Path(__file__).parents[1], *map(Path, (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()))]
    found = [Path(p) for p in sys.path if p and not _holds_home(Path(p))]
    return [*map(Path, SYSTEM), *ours, *found, *map(Path, guard.read)]


def _writable(guard: Guard) -> list[Path]:
    shared = (SHARED,) if NETWORK in guard.free else ()
    devices = [*map(Path, (*DEVICES, *shared)), *Path("/dev").glob("nvidia*")]
    return [*devices, *([Path(guard.write)] if guard.write else [])]


def _holds_home(path: Path) -> bool:
    """Whether a folder that Python may import from is the user's home, or above it."""
    try:
        home = pwd.getpwuid(os.getuid()).pw_dir  # `HOME` is a folder of the job's own by now
    except KeyError:  # a user without a name, as in containers
        home = "/"
    return Path(home).resolve().is_relative_to(path.resolve())


def hint(error: BaseException | None, who: str = "a model") -> str:
    """Return why a guarded process was refused something; empty for other errors and without a guard."""
    while error is not None and not isinstance(error, PermissionError | socket.gaierror):
        error = error.__cause__ or error.__context__
    if error is None or not kept_from():
        return ""
    return f" ({who} runs without {', '.join(WITHOUT[k] for k in kept_from())})"
