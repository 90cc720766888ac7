"""up and down: the processes. Nothing heavy is imported: the first answer waits for it."""

import os
import signal
import subprocess
import sys
import time
from typing import Annotated

import typer

from setpoint.bootstrap.control import check_address
from setpoint.cli.show import console
from setpoint.config import Settings
from setpoint.domain.value import value
from setpoint.errors import Conflict, InvalidInput, NotReady, Unusable
from setpoint.platforms.answering import answers
from setpoint.platforms.files import HomeFiles, Running, make_home
from setpoint.platforms.supervisor import Supervisor, listen

READY_S = 120.0
STOP_S = 30.0
ENDING_S = 15.0


@value
class Ports:
    """Where the processes listen, and how many workers there are."""

    host: str
    port: int
    control_host: str
    control_port: int
    grpc_port: int | None
    workers: int


def up(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the data plane.")] = 8080,
    control_port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the control API.")] = 8081,
    grpc_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Port of the data plane for gRPC; without it there is none.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Data-plane workers.")] = 2,
    host: Annotated[str, typer.Option(help="Address that the data plane listens on.")] = "127.0.0.1",
    control_host: Annotated[
        str, typer.Option(help="Address that the control API listens on; one that others reach takes keys.")
    ] = "127.0.0.1",
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when it is ready; `setpoint down` stops it.")
    ] = False,
) -> None:
    """Serve what is deployed, and run the loop beside it."""
    settings = Settings()
    other = HomeFiles(settings.home).running()
    if other is not None:
        raise Conflict(f"{settings.home} is up already on {url(other)} (pid {other.pid}); `setpoint down` stops it")
    check_address(settings, control_host)
    ports = Ports(
        host=host,
        port=port,
        control_host=control_host,
        control_port=control_port,
        grpc_port=grpc_port,
        workers=workers,
    )
    incidents = f"http://{control_host}:{control_port}/incidents"
    if detach:
        running = _detached(settings, ports)
        console.print(f"Up on {url(running)} with {workers} workers; `setpoint down` stops it")
        console.print(f"Its incidents are on {incidents}", highlight=False)
        return
    # the processes of a supervisor that was killed see it, and end within seconds
    end = time.monotonic() + (ENDING_S if HomeFiles(settings.home).supervisor.exists() else 0.0)
    while True:
        try:
            _check_ports(ports)
            break
        except Unusable:
            if time.monotonic() >= end:
                raise
            time.sleep(0.2)
    console.print(f"Serving on http://{host}:{port}, incidents on {incidents}; Ctrl-C stops")
    supervise(settings, ports)


def _check_ports(asked: Ports) -> None:
    """Say now that a port is in use: the control process could not start, again and again."""
    if asked.port == asked.control_port:
        raise InvalidInput(f"--port and --control-port are both {asked.port}; they must differ")
    if asked.grpc_port in (asked.port, asked.control_port):
        raise InvalidInput(f"--grpc-port is {asked.grpc_port}, as another port; they must differ")
    if asked.grpc_port is not None:
        listen(asked.host, asked.grpc_port, "--grpc-port").close()
    listen(asked.control_host, asked.control_port, "--control-port").close()
    listen(asked.host, asked.port).close()


def supervise(settings: Settings, asked: Ports) -> None:
    """Run the processes in the foreground."""
    control = [sys.executable, "-m", "setpoint.api", "--host", asked.control_host, "--port", str(asked.control_port)]
    Supervisor(
        home=settings.home,
        worker=[sys.executable, "-m", "setpoint.bootstrap.worker"],
        workers=asked.workers,
        host=asked.host,
        port=asked.port,
        control=control,
        control_host=asked.control_host,
        control_port=asked.control_port,
        grpc_port=asked.grpc_port,
    ).run()


def _detached(settings: Settings, asked: Ports) -> Running:
    """Start the foreground command in a session of its own, and wait until it answers."""
    log = settings.home / "run" / "up.log"
    make_home(settings.home)
    log.parent.mkdir(exist_ok=True)
    options = {
        "--host": asked.host,
        "--port": asked.port,
        "--control-host": asked.control_host,
        "--control-port": asked.control_port,
        "--workers": asked.workers,
    }
    options |= {"--grpc-port": asked.grpc_port} if asked.grpc_port is not None else {}
    command = [sys.executable, "-m", "setpoint", "up", *(str(part) for pair in options.items() for part in pair)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, env=os.environ
        )
    files = HomeFiles(settings.home)
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        if process.poll() is not None:
            last = log.read_text().strip().splitlines() or ["it said nothing"]
            raise Unusable(last[-1].removeprefix("setpoint: "))
        running = files.running()
        if running and ready(running):
            return running
        said = log.read_text(errors="replace")
        if "control process" in said and running:
            why = next((line for line in said.splitlines() if line.startswith("setpoint: ")), "it ended")
            raise Unusable(
                f"the data plane is up on {url(running)}, and the loop is not: {why.removeprefix('setpoint: ')}. It is "
                f"tried again; `setpoint down` stops all. The log is {log}"
            )
        time.sleep(0.05)
    raise NotReady(f"it did not become ready within {READY_S:.0f} s; read {log}")


def ready(running: Running) -> bool:
    """Whether the data plane answers, and the control API too."""
    serves = answers(running.host, running.port, "/v2/health/ready")
    control_host = running.control_host or running.host
    return serves and (not running.control_port or answers(control_host, running.control_port, "/health"))


def url(running: Running) -> str:
    """Return the address of the data plane."""
    return f"http://{running.host}:{running.port}"


def down() -> None:
    """Stop what `setpoint up` started."""
    files = HomeFiles(Settings().home)
    running = files.running()
    if running is None:
        raise NotReady(f"nothing is up on {files.home}")
    os.kill(running.pid, signal.SIGTERM)
    end = time.monotonic() + STOP_S
    while files.running() is not None:
        if time.monotonic() > end:
            raise Unusable(f"pid {running.pid} has not stopped within {STOP_S:.0f} s")
        time.sleep(0.05)
    console.print("Down")
