"""rollback. Nothing is imported here that would keep the requests waiting."""

from typing import Annotated

import typer

from setpoint.bootstrap.quick import go_back
from setpoint.cli.show import ME, By, console
from setpoint.config import Settings


def rollback(
    model: Annotated[str, typer.Argument(help="Name of the deployment.")],
    to: Annotated[str | None, typer.Option(help="Version to go back to; default: the one before.")] = None,
    by: By = ME,
    ordered: Annotated[str | None, typer.Option(hidden=True, help="What has been ordered already.")] = None,
) -> None:
    """Make an earlier version champion again, whole."""
    settings = Settings()
    version = ordered or go_back(settings, model, to=to, by=by)
    if version:
        console.print(f"{model} is answered by {version} from now on", highlight=False)
    # seconds to import, and by now nobody waits for it but the person
    from setpoint.bootstrap.home import open_home

    operator = open_home(settings)
    deployment = operator.written(model) if version else operator.rollback(model, to=to, by=by)
    release = deployment.releases[-1]
    console.print(f"[bold]{model}[/] is back on {release.version} (was {release.replaced})", highlight=False)
