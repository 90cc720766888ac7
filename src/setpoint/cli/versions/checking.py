"""versions verify, keygen and sign."""

from typing import Annotated

import msgspec
import typer
from rich.text import Text

from setpoint.bootstrap.home import open_home, signing_of
from setpoint.cli.show import ME, By, Json, console, print_json, steps, table
from setpoint.cli.versions.listing import Model, Version
from setpoint.config import Settings
from setpoint.loop.verbs import versions

AnyModel = Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")]


def verify(model: AnyModel = None, json: Json = False) -> None:
    """Read every byte of every version again, and say whether it is what was stored. Exit code 1 if one is not."""
    operator = open_home(Settings())
    with steps(quiet=json) as progress:
        progress("reading every byte")
        found = versions.verified(operator, model)
    if json:
        print_json({"versions": [msgspec.to_builtins(c) for c in found]})
    else:
        rows = [(c.model, c.version, Text("whole", "green") if c.ok else Text(c.wrong, "red")) for c in found]
        console.print(table("", ("model", "version", ""), rows) if rows else "Nothing is deployed yet")
    if not all(c.ok for c in found):
        raise typer.Exit(1)


def keygen() -> None:
    """Make the key that versions are signed with from now on."""
    settings = Settings()
    open_home(settings)
    signing = signing_of(settings)
    signer = signing.make_key()
    console.print(
        f"Versions are signed from now on, with key [bold]{signer}[/]. Its public key is {signing.public}: put it "
        "among the trusted keys (SETPOINT_TRUSTED_KEYS) where they are served; `setpoint versions sign` signs earlier "
        "ones",
        highlight=False,
    )


def sign(model: Model, version: Version, by: By = ME) -> None:
    """Sign a version that is there already, with the key of this home."""
    signer = versions.sign(open_home(Settings()), model, version, by=by)
    console.print(f"[bold]{model} {version}[/] is signed with key {signer}", highlight=False)
