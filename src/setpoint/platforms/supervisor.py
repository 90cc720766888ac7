"""Starts the processes of a home, watches them, and starts anew what dies or hangs."""

import fcntl
import logging
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from setpoint.config import SUPERVISOR
from setpoint.domain.record import ProcessEvent
from setpoint.domain.value import to_json
from setpoint.errors import Conflict, Corrupt, Unusable
from setpoint.platforms.files import HomeFiles, Running, make_home

log = logging.getLogger("setpoint.platforms")
POLL_S = 0.05
HANG_S = 10.0
START_S = 120.0  # before the first beat: importing a framework from a cold disk takes its time
STABLE_S = 60.0
STOP_S = 15.0
BACKLOG = 2_048
MOST = 256  # workers
CONTROL = -1  # index of the control process in events
NICE = 5


def delay_s(failures: int) -> float:
    """Return how long to wait before the next start: at once after the first failure, then doubling up to 30 s."""
    return 0.0 if failures <= 1 else min(30.0, 0.25 * 2.0 ** (failures - 2))


@dataclass(slots=True)
class Child:
    """A process to keep running. Times are monotonic seconds."""

    index: int
    argv: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    failures: int = 0
    start_at: float = 0.0
    beat: int = 0  # time of its status file, ns
    heard: float = 0.0
    beats: bool = False
    hung: bool = False
    recycled: bool = False  # it ends because somebody asked for it
    leaving: bool = False  # it is not needed any more

    @property
    def name(self) -> str:
        """What to call it."""
        return "control process" if self.index == CONTROL else f"worker {self.index}"


@dataclass(slots=True)
class Supervisor:
    """Supervises N workers on one port, and one control process.

    The listening socket is opened here and inherited by every worker: a connection that a killed worker had not yet
    taken is taken by another one.

    Parameters
    ----------
    home : Path
    worker : sequence of str
        Command of a worker; `--fd N --index I` is appended.
    workers : int
        At least; more where live.json asks for them.
    host, port : str, int
        Port 0 takes a free one; it is then in `run/supervisor.json`.
    control : sequence of str, optional
        Command of the control process.
    control_host, control_port : str and int, optional
        For those who read `run/supervisor.json`.
    grpc_port : int, optional
        Where the workers serve gRPC as well; 0 takes a free port.
    """

    home: Path
    worker: Sequence[str]
    workers: int = 2
    host: str = "127.0.0.1"
    port: int = 8080
    control: Sequence[str] | None = None
    control_host: str | None = None
    control_port: int | None = None
    grpc_port: int | None = None
    _files: HomeFiles = field(init=False)
    _socket: socket.socket = field(init=False)
    _grpc: socket.socket | None = field(init=False, default=None)
    _children: list[Child] = field(init=False, default_factory=list)
    _environment: dict[str, str] = field(init=False, default_factory=dict)
    _stopping: str = field(init=False, default="")
    _events: int = field(init=False, default=0)
    _asked: int = field(init=False, default=0)  # time of live.json when it was last read, ns

    def __post_init__(self) -> None:
        self._files = HomeFiles(self.home)

    def run(self) -> None:
        """Run in the foreground until SIGTERM or SIGINT, then stop everything in good order.

        Raises
        ------
        Conflict
            If a supervisor runs on this home already.
        Unusable
            If the port is in use, or the home cannot be written.
        """
        with ExitStack() as closing:
            closing.callback(os.close, self._prepare())
            self._socket = closing.enter_context(listen(self.host, self.port))
            self.port = self._socket.getsockname()[1]
            if self.grpc_port is not None:
                self._grpc = closing.enter_context(reserve(self.host, self.grpc_port))
                self.grpc_port = self._grpc.getsockname()[1]
            metrics = fresh_metrics_folder(self._files.run)
            self._environment = {
                **os.environ,
                SUPERVISOR: str(os.getpid()),
                "SETPOINT_HOME": str(self.home),
                "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            }
            self._children = [Child(i, self._worker_argv(i)) for i in range(self.workers)]
            if self.control:
                self._children.append(Child(CONTROL, self.control))
            before = {s: signal.signal(s, self._stop_on) for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
            try:
                self._watch()
            finally:
                self._stop_all()
                for number, handler in before.items():
                    signal.signal(number, handler)
                self._files.supervisor.unlink(missing_ok=True)
                shutil.rmtree(metrics, ignore_errors=True)
                (self._files.run / "metrics").unlink(missing_ok=True)

    def _prepare(self) -> int:
        """Make the folders and take the lock of the home."""
        try:
            make_home(self.home)
            self._files.workers.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._files.lock, os.O_CREAT | os.O_RDWR, 0o640)
        except OSError as e:
            raise Unusable(f"{self._files.run} cannot be written: {e.strerror}; set SETPOINT_HOME to another") from e
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            other = self._files.running()
            where = f" (pid {other.pid}, port {other.port})" if other else ""
            raise Conflict(f"setpoint is up on {self.home} already{where}; `setpoint down` stops it") from None
        for stale in self._files.workers.glob("*"):
            if not stale.stem.isdigit() or int(stale.stem) >= self.workers:
                stale.unlink()
        return lock

    def _worker_argv(self, index: int) -> list[str]:
        grpc = ["--grpc", address_of(self._grpc)] if self._grpc else []
        flights = str(Path(self._environment["PROMETHEUS_MULTIPROC_DIR"]) / "flights")
        fd = str(self._socket.fileno())
        return [*self.worker, "--fd", fd, "--index", str(index), "--flights", flights, *grpc]

    def _stop_on(self, number: int, frame: FrameType | None) -> None:
        self._stopping = signal.Signals(number).name

    def _watch(self) -> None:
        """Start what should run and look at it, until told to stop."""
        last = time.monotonic()
        while not self._stopping:
            now = time.monotonic()
            stalled = max(0.0, now - last - 1.0)  # this process itself did not run: no blame for the others
            last = now
            for child in list(self._children):
                child.heard += stalled
                self._look(child, now)
            self._scale()
            self._recycle()
            time.sleep(POLL_S)

    def _look(self, child: Child, now: float) -> None:
        if child.process is None:
            if now >= child.start_at:
                self._start(child, now)
            return
        code = child.process.poll()
        if code is not None and child.leaving:
            self._forget(child)
        elif code is not None:
            self._bury(child, code, now)
        elif now - child.started > STABLE_S:
            child.failures = 0
        if code is None and child.index != CONTROL and not child.leaving:
            self._check_beat(child, now)

    def _scale(self) -> None:
        """Have as many workers as live.json asks for; those that are not needed any more end what they began."""
        try:
            stamp = self._files.live.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if stamp == self._asked:
            return
        self._asked = stamp
        try:
            wanted = self._files.read_live().workers
        except Corrupt as e:
            log.error("%s; as many workers run as before", e)
            return
        wanted = min(max(self.workers, wanted), MOST)
        here = [c for c in self._children if c.index != CONTROL and not c.leaving]
        for child in here:
            if child.index >= wanted:
                child.leaving = True
                if child.process is not None:
                    child.process.terminate()
                else:
                    self._forget(child)
        taken = {c.index for c in self._children}
        self._children += [Child(i, self._worker_argv(i)) for i in range(wanted) if i not in taken]
        if any(c.leaving and c.index < wanted for c in self._children):
            self._asked = 0  # its successor is started when it has ended

    def _recycle(self) -> None:
        """Have the workers start anew for which that was asked."""
        for file in self._files.restarts.glob("*"):
            for child in self._children:
                if str(child.index) == file.name and child.process is not None and not child.recycled:
                    child.recycled = True
                    child.process.terminate()
            file.unlink(missing_ok=True)

    def _forget(self, child: Child) -> None:
        """Drop a worker that ended because it was not needed."""
        self._children = [c for c in self._children if c is not child]
        if child.process is not None:
            forget_gauges(Path(self._environment["PROMETHEUS_MULTIPROC_DIR"]), child.process.pid)
        (self._files.workers / f"{child.index}.json").unlink(missing_ok=True)
        self._write_state()

    def _start(self, child: Child, now: float) -> None:
        fds = () if child.index == CONTROL else (self._socket.fileno(),)
        try:
            # a group of its own: Ctrl-C reaches this process alone, which then stops the others in good order
            child.process = subprocess.Popen(
                child.argv, env=self._environment, stdin=subprocess.DEVNULL, pass_fds=fds, process_group=0
            )
        except OSError as e:
            child.failures += 1
            child.start_at = now + delay_s(child.failures)
            log.error("%s cannot be started: %s", child.name, e)
            return
        if child.index == CONTROL:  # answers go before looks and trainings
            os.setpriority(os.PRIO_PROCESS, child.process.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
        child.started = child.heard = now
        child.beat, child.beats, child.hung, child.recycled = 0, False, False, False
        self._write_state()
        if child.failures:
            self._event("restart", child, f"{child.name} started again as pid {child.process.pid}")

    def _bury(self, child: Child, code: int, now: float) -> None:
        """Note how a process ended, and when it is started again."""
        assert child.process is not None
        pid = child.process.pid
        if child.index != CONTROL:
            forget_gauges(Path(self._environment["PROMETHEUS_MULTIPROC_DIR"]), pid)
        child.process = None
        child.failures = 1 if child.beats else child.failures + 1  # one that has served is needed at once
        child.start_at = now + delay_s(child.failures)
        if not child.hung and not child.recycled:
            how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            self._event("crash", child, f"{child.name} (pid {pid}) ended: {how}")

    def _check_beat(self, child: Child, now: float) -> None:
        """Kill a worker that is not heard of: its event loop stands still."""
        assert child.process is not None
        try:
            status = (self._files.workers / f"{child.index}.json").stat()
            beat = status.st_mtime_ns
        except FileNotFoundError:
            beat = 0
        first = child.beat == 0
        if first:
            child.beat = beat or -1
        elif beat != child.beat and beat:
            child.beat, child.heard, child.beats = beat, now, True
            return
        limit = HANG_S if child.beats else START_S
        if now - child.heard > limit and not child.hung:
            child.hung = True
            silent = f"{child.name} (pid {child.process.pid}) was not heard of for {now - child.heard:.0f} s; killed"
            self._event("hang", child, silent)
            child.process.kill()

    def _event(self, kind: str, child: Child, detail: str) -> None:
        self._events += 1
        log.warning(detail)
        id_ = f"{kind}-{os.getpid()}-{time.time_ns()}-{self._events}"
        self._files.add_event(ProcessEvent(id=id_, at=datetime.now(UTC), kind=kind, worker=child.index, detail=detail))

    def _write_state(self) -> None:
        pids = {child.index: child.process.pid for child in self._children if child.process}
        state = Running(
            pid=os.getpid(),
            host=self.host,
            port=self.port,
            control_host=self.control_host,
            control_port=self.control_port,
            grpc_port=self.grpc_port,
            workers=tuple(pid for index, pid in pids.items() if index != CONTROL),
            control=pids.get(CONTROL),
        )
        new = self._files.supervisor.with_suffix(".new")
        try:
            new.write_bytes(to_json(state, pretty=True))
            new.replace(self._files.supervisor)
        except OSError as e:
            log.error("%s cannot be written: %s", self._files.supervisor, e)

    def _stop_all(self) -> None:
        """Ask every process to finish, and kill what does not within fifteen seconds."""
        running = [child.process for child in self._children if child.process]
        for process in running:
            process.terminate()
        end = time.monotonic() + STOP_S
        for process in running:
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """Open the socket that all workers share; `option` is what the user may change.

    Raises
    ------
    Unusable
        If the port is in use, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as e:
        if e.errno == 98 or "in use" in str(e):
            raise Unusable(
                f"port {port} is in use ({host}:{port}): choose another with {option} or stop what listens there"
            ) from e
        raise Unusable(f"port {port} of {host} cannot be opened: {e.strerror}; choose another with {option}") from e


def reserve(host: str, port: int) -> socket.socket:
    """Hold the port for gRPC, which every worker opens for itself: bound and not listening, it takes no connection.

    Raises
    ------
    Unusable
        If the port is in use, or may not be used.
    """
    with listen(host, port, "--grpc-port") as found:  # not yet shared: nobody else may have it
        held = socket.socket(found.family)
        address = found.getsockname()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(address)
    return held


def address_of(bound: socket.socket) -> str:
    """Return host and port as one word."""
    host, port, *_ = bound.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def fresh_metrics_folder(run: Path) -> Path:
    """Return an empty folder for the workers' counters, in memory where that exists; `run/metrics` links to it.

    The counters are memory-mapped: on a full disk, touching a new page would kill the worker.
    """
    link = run / "metrics"
    if link.is_symlink():
        shutil.rmtree(link.readlink(), ignore_errors=True)  # of a supervisor that was killed
        link.unlink()
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="setpoint-", dir=memory if os.access(memory, os.W_OK) else None))
    link.symlink_to(folder)
    return folder


def forget_gauges(folder: Path, pid: int) -> None:
    """Drop the gauges of a dead worker; its counters stay."""
    for file in folder.glob(f"gauge_live*_{pid}.db"):
        file.unlink(missing_ok=True)
