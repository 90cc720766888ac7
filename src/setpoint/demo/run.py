"""Run the demo: real servers, real requests, two years of hours, two faults planted on the way."""

import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow.compute as pc
from threadpoolctl import threadpool_limits

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.demo.client import Client
from setpoint.demo.drive import Drive, Progress
from setpoint.demo.models import refit_predictions, static_predictions
from setpoint.demo.project import MODEL, make_project
from setpoint.demo.servers import serving
from setpoint.demo.stream import Plan, as_sent, rentals, split
from setpoint.domain.fleet import Deployment
from setpoint.domain.record import Role
from setpoint.errors import Conflict
from setpoint.loop.clock import VirtualClock
from setpoint.loop.verbs import deploying, recorded

MARK = ".setpoint-demo"
DEFAULT = Plan()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What happened: the stream, every answer (NaN: none), the yardsticks, and how the deployment ended."""

    stream: pd.DataFrame
    answers: np.ndarray[Any, Any]
    static: np.ndarray[Any, Any]
    refit: np.ndarray[Any, Any]
    sent: int
    failed: int
    recorded_ids: list[str]
    deployment: Deployment
    plan: Plan
    seed: int
    seconds: float


def run_demo(
    out: Path,
    *,
    seed: int,
    workers: int,
    plan: Plan = DEFAULT,
    show: Callable[[Progress], None] = lambda progress: None,
) -> Ran:
    """Run everything in a folder of its own, and return what happened."""
    started = time.monotonic()
    _fresh(out)
    reference, stream = split(rentals())
    stream = stream[stream["time"] < plan.end]
    sent = as_sent(stream, plan)
    settings = Settings(home=out / "home", tick_every_s=0)
    clock = VirtualClock(stream["time"].iloc[0].floor("D").to_pydatetime())
    project = make_project(out / "project", reference, seed)
    operator = open_home(settings, clock)
    deploying.deploy(operator, project, by="demo")
    yardsticks = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_yield_the_cpu)
    with yardsticks, serving(settings, workers) as (port, control_port):
        static = yardsticks.submit(static_predictions, reference, sent, seed)
        refit = yardsticks.submit(refit_predictions, reference, sent, seed)
        client = Client("127.0.0.1", port, MODEL)
        with httpx.Client(base_url=f"http://127.0.0.1:{control_port}") as control:
            drive = Drive(
                client=client,
                control=control,
                operator=operator,
                clock=clock,
                plan=plan,
                folder=out,
                project=project,
                seed=seed,
            )
            answers = drive.through(pd.concat([reference, stream]), stream, sent, show)
        client.close()
        records = recorded.records(operator, MODEL)
        answered = records.filter(pc.equal(records["role"], Role.CHAMPION))
        return Ran(
            stream=stream,
            answers=answers,
            static=static.result(),
            refit=refit.result(),
            sent=client.sent,
            failed=client.failed,
            recorded_ids=answered["id"].to_pylist(),
            deployment=operator.deployments(MODEL)[0],
            plan=plan,
            seed=seed,
            seconds=time.monotonic() - started,
        )


def _fresh(out: Path) -> None:
    """Empty the demo's folder; a folder that the demo did not make is left alone."""
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise Conflict(f"{out} holds something else than an earlier demo; choose another folder with --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARK).touch()


def _yield_the_cpu() -> None:
    """Leave the cores to the servers: the yardsticks only have to be ready at the end."""
    os.nice(19)
    threadpool_limits(1)
