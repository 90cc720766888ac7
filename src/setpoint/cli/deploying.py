"""init and deploy."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import ME, By, Json, console, number, print_json, steps, table
from setpoint.config import FILE_NAME, Settings, check_setpoint_text, fraction, read_setpoint_file
from setpoint.deploy.metrics import headline
from setpoint.deploy.sources import beside
from setpoint.domain.version import ModelVersion, Parity, Variant
from setpoint.errors import Conflict, InvalidInput
from setpoint.loop.verbs import deploying, rollouts
from setpoint.loop.verbs.proposal import propose_setpoint
from setpoint.loop.verbs.views import deploy_view
from setpoint.sandbox.guard import PROTECTIONS


def init(
    artifact: Annotated[Path, typer.Argument(help="The model file or folder: .joblib, .skops, .keras, .onnx, …")],
    reference: Annotated[Path, typer.Argument(help="Rows it was trained or validated on: .parquet or .csv.")],
    target: Annotated[str | None, typer.Option(help="Column that the model predicts.")] = None,
    model: Annotated[str | None, typer.Option(help="Name of the deployment; default: the model file's name.")] = None,
    time: Annotated[str | None, typer.Option(help="Column that holds the event time.")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Column that late outcomes are joined by.")] = None,
    output: Annotated[
        str | None, typer.Option(help="Output of the model that predicts the target, of several.")
    ] = None,
    allow: Annotated[list[str] | None, typer.Option(help="A type the model file may hold, by full name.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where to write; default: beside the model file.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a setpoint.yaml that is there.")] = False,
) -> None:
    """Write a commented setpoint.yaml for a model file and its reference table."""
    file = (folder or beside(str(artifact))) / FILE_NAME
    if file.exists() and not force:
        raise Conflict(f"{file} exists; --force replaces it")
    with steps(quiet=False) as progress:
        progress("reading the model and the reference")
        text = propose_setpoint(
            artifact,
            reference,
            file.parent,
            target=target,
            model=model,
            time=time,
            id=id_,
            output=output,
            allow=tuple(allow or ()),
            memory_bytes=Settings().job_memory,
        )
    setpoint = check_setpoint_text(text, file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    console.print(f"Wrote [bold]{file}[/]: {setpoint.task} of {setpoint.target}, model {setpoint.model}")
    for o in setpoint.objectives:
        bound = f"at most {o.at_most:g}" if o.at_most is not None else f"at least {o.at_least:g}"
        console.print(f"  {o.metric} {bound}", highlight=False)
    console.print(f"Next: read it, then [bold]setpoint deploy {file.parent}[/]", highlight=False)


def deploy(
    path: Annotated[Path, typer.Argument(help="setpoint.yaml or its folder.")] = Path(),
    share: Annotated[
        str | None, typer.Option(help="Share of the requests that it answers, such as 10%; the champion stays.")
    ] = None,
    rollout: Annotated[
        bool, typer.Option("--rollout", help="Have traffic move to it by steps, as the evidence allows.")
    ] = False,
    by: By = ME,
    json: Json = False,
) -> None:
    """Import, convert, prove and measure the model, and make it live."""
    if rollout and share is not None:
        raise InvalidInput("--share and --rollout exclude one another: a rollout has shares of its own")
    file = read_setpoint_file(path)
    part = None if share is None else fraction(share)
    operator = open_home(Settings())
    with steps(quiet=json) as progress:
        if rollout:
            version, _ = rollouts.deploy(operator, file, by=by, progress=progress)
        else:
            version = deploying.deploy(operator, file, share=part, by=by, progress=progress)
    if json:
        print_json(deploy_view(version))
        return
    show_version(version)
    if rollout:
        said = f"sets out. Next: [bold]setpoint rollout status {version.model}[/]"
    elif part is None:
        said = "is live. Next: [bold]setpoint up[/]"
    else:
        said = f"answers {100 * part:.6g}% of the requests. Next: [bold]setpoint rollout {version.model} --share …[/]"
    console.print(f"\n[bold]{version.model} {version.version}[/] {said}", highlight=False)


def show_version(version: ModelVersion) -> None:
    """Print what was tried, and why the winner won."""
    rows = [_row(v) for v in version.variants]
    columns = ("", "runtime", "precision", "threads", "one row", "rows/s", "against the framework")
    console.print(table("What was tried", columns, rows, right=("threads", "one row", "rows/s")))
    for v in version.variants:
        console.print(f"{_name(v)}: {v.why}", highlight=False, markup=False)
    for parity in (v.parity for v in version.variants if v.parity and v.threads == 1):
        _show_checks(parity)
    shown = ", ".join(f"{name} {number(value)}" for name, value in headline(version.reference_metrics).items())
    console.print(f"On the reference: {shown}", highlight=False)
    lacking = [what for what in PROTECTIONS if what not in version.lineage.kept_from]
    if lacking:
        console.print(f"This machine cannot keep a model from {' and '.join(lacking)}; it was loaded all the same, "
                      "for its scan found nothing that acts", highlight=False)  # fmt: skip


def _row(v: Variant) -> tuple[str | Text, ...]:
    against = "–"
    if v.parity is not None:
        verdict = "same" if v.parity.ok else "differs"
        against = f"{verdict} (largest shift {number(v.parity.largest)})"
    if v.price is not None:
        against = f"loss {v.price.change:+.2%}, at most {v.price.most:+.2%}"
    mark = Text("✓", "green") if v.chosen else ""
    return mark, v.runtime, v.precision, str(v.threads), number(v.p50_us, " µs"), number(v.rows_per_s), against


def _name(v: Variant) -> str:
    """Return what tells a variant from the others."""
    more = ["int8"] if v.precision == "int8" else []
    return ", ".join([v.runtime, *more, *([f"{v.threads} threads"] if v.threads > 1 else [])])


def _show_checks(parity: Parity) -> None:
    """Print the parity report: a line for each kind of row."""
    columns = ("", "rows", "count", "differ", "labels change", "largest shift", "furthest apart")
    rows = [
        (
            Text("pass", "green") if c.ok else Text("FAIL", "red"),
            c.name,
            f"{c.rows:,}",
            f"{c.beyond:.2%}",
            f"{c.flips:.2%}",
            number(c.largest),
            c.note or c.where,
        )
        for c in parity.checks
    ]
    right = ("count", "differ", "labels change", "largest shift")
    title = f"Converted against the framework, tolerance {parity.tolerance:.2g}, rank changes {parity.rank_changes:.2%}"
    console.print(table(title, columns, rows, right=right))
