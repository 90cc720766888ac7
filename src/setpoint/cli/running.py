"""up and down: the processes. Nothing heavy is imported: the first answer waits for it."""

import os
import signal
import subprocess
import sys
import time
from typing import Annotated

import typer

from setpoint.cli.show import console
from setpoint.config import Settings
from setpoint.errors import Conflict, InvalidInput, NotReady, Unusable
from setpoint.platforms.answering import answers
from setpoint.platforms.files import HomeFiles, Running, make_home
from setpoint.platforms.supervisor import Supervisor, listen

READY_S = 120.0
STOP_S = 30.0
ENDING_S = 15.0


def up(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the data plane.")] = 8080,
    control_port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the control API.")] = 8081,
    grpc_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Port of the data plane for gRPC; without it there is none.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Data-plane workers.")] = 2,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when it is ready; `setpoint down` stops it.")
    ] = False,
) -> None:
    """Serve what is deployed, and run the loop beside it."""
    settings = Settings()
    other = HomeFiles(settings.home).running()
    if other is not None:
        raise Conflict(f"{settings.home} is up already on {url(other)} (pid {other.pid}); `setpoint down` stops it")
    if detach:
        running = _detached(settings, host, port, control_port, grpc_port, workers)
        console.print(f"Up on http://{running.host}:{running.port} with {workers} workers; `setpoint down` stops it")
        console.print(f"Its incidents are on http://{running.host}:{running.control_port}/incidents", highlight=False)
        return
    # the processes of a supervisor that was killed see it, and end within seconds
    end = time.monotonic() + (ENDING_S if HomeFiles(settings.home).supervisor.exists() else 0.0)
    while True:
        try:
            _check_ports(host, port, control_port, grpc_port)
            break
        except Unusable:
            if time.monotonic() >= end:
                raise
            time.sleep(0.2)
    console.print(f"Serving on http://{host}:{port}, incidents on http://{host}:{control_port}/incidents; Ctrl-C stops")
    supervise(settings, host, port, control_port, grpc_port, workers)


def _check_ports(host: str, port: int, control_port: int, grpc_port: int | None) -> None:
    """Say now that a port is in use: the control process could not start, again and again."""
    if port == control_port:
        raise InvalidInput(f"--port and --control-port are both {port}; they must differ")
    if grpc_port in (port, control_port):
        raise InvalidInput(f"--grpc-port is {grpc_port}, as another port; they must differ")
    if grpc_port is not None:
        listen(host, grpc_port, "--grpc-port").close()
    listen(host, control_port, "--control-port").close()
    listen(host, port).close()


def supervise(settings: Settings, host: str, port: int, control_port: int, grpc_port: int | None, workers: int) -> None:
    """Run the processes in the foreground."""
    Supervisor(
        home=settings.home,
        worker=[sys.executable, "-m", "setpoint.bootstrap.worker"],
        workers=workers,
        host=host,
        port=port,
        control=[sys.executable, "-m", "setpoint.api", "--host", host, "--port", str(control_port)],
        control_port=control_port,
        grpc_port=grpc_port,
    ).run()


def _detached(
    settings: Settings, host: str, port: int, control_port: int, grpc_port: int | None, workers: int
) -> Running:
    """Start the foreground command in a session of its own, and wait until it answers."""
    log = settings.home / "run" / "up.log"
    make_home(settings.home)
    log.parent.mkdir(exist_ok=True)
    options = {"--host": host, "--port": port, "--control-port": control_port, "--workers": workers}
    options |= {"--grpc-port": grpc_port} if grpc_port is not None else {}
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
    return serves and (not running.control_port or answers(running.host, running.control_port, "/health"))


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
