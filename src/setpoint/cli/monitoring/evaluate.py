"""monitor evaluate: how good a table of answers is, with no deployment."""

from pathlib import Path
from typing import Annotated

import typer

from setpoint.cli.show import Json, console, print_json
from setpoint.errors import InvalidInput
from setpoint.loop.verbs.frames import read_table
from setpoint.monitor.evaluation import GAIN
from setpoint.monitor.evaluation import evaluate as evaluated


def evaluate(
    table: Annotated[Path, typer.Argument(help="A row for each answer: .parquet or .csv.")],
    target: Annotated[str, typer.Option(help="Column of what turned out to be true.")],
    prediction: Annotated[str, typer.Option(help="Column of what was said: a number, a class or a probability.")],
    score: Annotated[
        list[str] | None,
        typer.Option(
            help="Column with the probability of the second class; of several classes CLASS=COLUMN, repeated."
        ),
    ] = None,
    task: Annotated[str | None, typer.Option(help="binary, multiclass, regression or ranking.")] = None,
    segment: Annotated[list[str] | None, typer.Option(help="Column whose levels or ranges are compared.")] = None,
    time: Annotated[str | None, typer.Option(help="Column that orders the rows.")] = None,
    query: Annotated[str | None, typer.Option(help="Of a ranking: column that says which rows are one list.")] = None,
    gain: Annotated[str | None, typer.Option(help="What decisions bring: tp=10,fp=-2,fn=-6,tn=0.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Only these metrics.")] = None,
    json: Json = False,
) -> None:
    """Measure answers against what turned out to be true: every metric, by segment, gaps, worst slices."""
    found = evaluated(
        read_table(table),
        target=target,
        prediction=prediction,
        score=_scores(score or []),
        task=task,
        segments=segment or (),
        time=time,
        query=query,
        gain=_gain(gain) if gain else None,
        metrics=metric or None,
    )
    if json:
        print_json(found.to_dict())
    else:
        console.print(str(found), markup=False, highlight=False, soft_wrap=True)


def _scores(given: list[str]) -> str | dict[str | int, str] | None:
    """Read `p` or `cat=p_cat`, `dog=p_dog`; a class that looks like a whole number is one."""
    if len(given) <= 1 and not any("=" in one for one in given):
        return given[0] if given else None
    pairs = [one.partition("=") for one in given]
    if not all(sign for _, sign, _ in pairs):
        raise InvalidInput("--score of several classes is CLASS=COLUMN for each, like --score cat=p_cat")
    return {int(label) if label.lstrip("-").isdecimal() else label: column for label, _, column in pairs}


def _gain(text: str) -> dict[str, float]:
    try:
        return {key.strip(): float(number) for key, _, number in (part.partition("=") for part in text.split(","))}
    except ValueError as e:
        raise InvalidInput(f"--gain {text!r} must say {', '.join(GAIN)}, like tp=10,fp=-2,fn=-6,tn=0") from e
