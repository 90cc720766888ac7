"""All commands: their names, what each is for in one line, and where it is."""

from importlib.metadata import version
from typing import Annotated, Any

import typer

from setpoint.cli.lazy import Later, LazyGroup
from setpoint.cli.show import console

COMMANDS = (
    ("init", "deploying:init", "Write a commented setpoint.yaml for a model file and its reference table."),
    ("deploy", "deploying:deploy", "Import, convert, prove and measure the model, and make it live."),
    ("up", "running:up", "Serve what is deployed, and run the loop beside it."),
    ("down", "running:down", "Stop what `setpoint up` started."),
    ("status", "watching:status", "Show what serves, and how it stands against its set point."),
    ("predict", "predicting:predict", "Send the rows of a table to the running server, and print its answers."),
    ("outcomes", "acting:outcomes", "Record what turned out to be true."),
    ("records", "recorded:records", "Show what was recorded: inputs, outputs, and the outcome where it is known."),
    ("erase", "erasing:erase", "Delete all that is recorded of some ids, with a receipt."),
    ("monitor", "monitoring:app", "Show the findings of a look at MODEL now."),
    (
        "incidents",
        "alerting:app",
        "Show incidents: what was seen, the likeliest causes, what was done; and who is told.",
    ),
    ("incident", "alerting.one:incident", "Show one incident whole."),
    ("repair", "acting:repair", "Approve, refuse or take over what waits for a person, or take a repair back."),
    (
        "reliability",
        "alerting.reliability:reliability",
        "Show how fast faults are found, located and mended, and how long the set point is held.",
    ),
    ("people", "peopling:people", "Say who may read, operate and approve on the control port."),
    ("update", "updating:app", "Retrain MODEL now from the log; see what earlier updates brought."),
    (
        "rollout",
        "rollouts:app",
        "Show candidates, move traffic to a version by steps, or give challengers a share of the requests.",
    ),
    ("rollback", "going_back:rollback", "Make an earlier version champion again, whole."),
    ("compare", "comparing:compare", "Say which of two versions is better on what both answered."),
    ("envelope", "envelope:app", "Show what may happen without a person, and check that nothing else did."),
    ("versions", "versions:app", "Show the versions of MODEL; compare, verify, sign, export, hold and prune them."),
    ("replay", "replaying:app", "Show what the loop would have done with recorded traffic, beside doing nothing."),
    ("audit", "auditing:audit_model", "Compare recorded inputs with what their source says of the same records."),
    (
        "drill",
        "drilling:drill_model",
        "Plant faults in a shadow copy of MODEL's traffic, and see whether they are found, named and mended.",
    ),
    ("demo", "demonstration:demo", "Run the whole loop on two years of real demand."),
)


class Commands(LazyGroup):
    """Every command of `setpoint`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, place, summary in COMMANDS:
            self.add_command(Later(name, summary, f"setpoint.cli.{place}"))


app = typer.Typer(
    name="setpoint",
    cls=Commands,
    help="Put trained models to work and keep them working: deploy, monitor, maintain, update, as one loop.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        console.print(f"setpoint {version('setpoint')}", highlight=False)
        raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Hold the options of the whole program."""
