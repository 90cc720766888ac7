"""rollout status and plan."""

from typing import Annotated

import msgspec
import typer
from rich.text import Text

from setpoint.bootstrap.home import open_home
from setpoint.cli.rollouts.going import Model
from setpoint.cli.rollouts.steps import AnyCallers, AnySegment, AnySteps, course_of
from setpoint.cli.show import Json, console, plain, print_json, table
from setpoint.config import Settings
from setpoint.deploy.evidence import lasting
from setpoint.deploy.evidence.names import QUALITY, VALUE, WATCHED_ONLY
from setpoint.domain.evidence import Forecast, Stream
from setpoint.domain.fleet import Deployment
from setpoint.domain.rollout import Moving, Rollout
from setpoint.loop.verbs import rollouts
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.views import standing_view

HOLDS = {"worse": "bold red", "not worse": "green", "better": "green"}


def status(
    model: Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")] = None,
    json: Json = False,
) -> None:
    """Show where a rollout is, what the evidence says, and what it waits for."""
    operator = open_home(Settings())
    found = [(d, r) for d in operator.deployments(model) for r in d.rollouts if r.moving][-20:]
    running = [(d, r) for d, r in found if r.running] or found[-1:]
    if json:
        print_json({"rollouts": [_view(operator, d, r) for d, r in running]})
        return
    if not running:
        console.print("No rollout goes by steps; `setpoint rollout start MODEL VERSION` begins one")
    for deployment, rollout in running:
        _show(operator, deployment, rollout)


def _view(operator: Operator, deployment: Deployment, rollout: Rollout) -> dict[str, object]:
    forecast = rollouts.expected(operator, deployment, rollout)
    return {
        "model": deployment.model,
        **standing_view(rollout),
        "waits_for": rollouts.waits_for(deployment, rollout, operator.clock.now()),
        "forecast": msgspec.to_builtins(forecast),
    }


def _show(operator: Operator, deployment: Deployment, rollout: Rollout) -> None:
    moving, candidate = rollout.moving, rollout.candidate
    assert moving is not None
    state = rollouts.where(rollout) if rollout.running else f"{rollout.phase} on {rollout.ended:%Y-%m-%d %H:%M}"
    only = f", of {moving.course.only.words}" if moving.course.only else ""
    console.print(
        f"[bold]{deployment.model} {candidate.version}[/] against {candidate.champion}: {state}{plain(only)}; "
        f"{moving.requests:,} requests in this step",
        highlight=False,
    )
    if rollout.running:
        console.print(_steps(rollout, moving))
        for line in (_waits(operator, deployment, rollout), _time(operator, deployment, rollout, moving)):
            if line:
                console.print(plain(line), highlight=False)
    if moving.judged is None:
        console.print("Nothing has been judged yet: the loop does at its next look", highlight=False)
        return
    console.print(f"The evidence says [bold]{moving.judged.says}[/]: {plain(moving.judged.words)}", highlight=False)
    streams = moving.judged.streams
    of = ("segment",) if any(s.segment for s in streams) else ()
    rows = [(s.metric, *((s.segment,) if of else ()), *_figures(s)) for s in streams]
    columns = ("metric", *of, "champion", candidate.version, "difference", "rows", "")
    marked = [(*row, _mark(s)) for row, s in zip(rows, streams, strict=True)]
    console.print(table("", columns, marked, right=columns[-5:-1]))


def _steps(rollout: Rollout, moving: Moving) -> str:
    names = [f"{100 * step.share:.6g}%" if step.share else "shadow" for step in moving.course.steps]
    marked = [f"[bold]▸ {name}[/]" if at == moving.at else name for at, name in enumerate([*names, "champion"])]
    return " → ".join(marked)


def _waits(operator: Operator, deployment: Deployment, rollout: Rollout) -> str:
    waits = rollouts.waits_for(deployment, rollout, operator.clock.now())
    return f"Waits: {waits}" if waits else ""


def _time(operator: Operator, deployment: Deployment, rollout: Rollout, moving: Moving) -> str:
    forecast = rollouts.expected(operator, deployment, rollout)
    passed = lasting((operator.clock.now() - moving.starts[0]).total_seconds())
    return f"Takes {forecast.words}; {passed} have passed" if forecast else ""


def _figures(s: Stream) -> tuple[str, str, str, str]:
    share = s.metric not in (QUALITY, VALUE)
    between = f"{_short(s.low, share)} to {_short(s.high, share)}" if s.low is not None and s.high is not None else "–"
    return _short(s.champion, share, " %"), _short(s.challenger, share, " %"), between, f"{s.rows:,}"


def _mark(s: Stream) -> Text:
    said = "worse" if s.harmed else "better" if s.better else "not worse" if s.held else ""
    return Text(said, HOLDS[said]) if said else Text(s.why or "…", "dim")


def _short(value: float | None, share: bool, unit: str = "") -> str:
    """Write a mean in three digits; of requests in per cent, with a unit where it stands alone."""
    if value is None:
        return "–"
    return f"{100 * value:.3g}{unit}" if share else f"{value:.3g}"


def plan(
    model: Model,
    steps: AnySteps = None,
    least: Annotated[str | None, typer.Option(help="How long a step lasts at least, such as 2h.")] = None,
    requests: Annotated[int | None, typer.Option(min=1, help="How many requests a step has at least.")] = None,
    segment: AnySegment = None,
    caller: AnyCallers = None,
    json: Json = False,
) -> None:
    """Show how long a rollout would take at the present traffic, and how soon a bad version would be sent back."""
    operator = open_home(Settings())
    course = course_of(operator, model, steps, least, requests, segment, caller)
    found = rollouts.planned(operator, model, course)
    if json:
        print_json({"model": model, "steps": msgspec.to_builtins(course.steps), **msgspec.to_builtins(found)})
        return
    _show_plan(found)


def _show_plan(found: Forecast) -> None:
    for title, harm in (("Proven, if it is no worse", False), ("Sent back, if it is worse by the margin", True)):
        rows = [
            (
                e.metric,
                "–" if e.requests is None else f"{e.requests:,}",
                lasting(e.seconds),
                lasting(e.most_seconds),
            )
            for e in found.expected
            if e.harm is harm and (harm or e.metric != WATCHED_ONLY)
        ]
        columns = ("metric", "requests", "in half of all cases", "in 9 of 10")
        console.print(table(title, columns, rows, right=("requests",)))
    console.print(f"A version that is no worse is champion after {found.words}" if not found.refused else found.words)
