"""people: who may speak over the control API."""

from typing import Annotated

import typer

from setpoint.bootstrap.control import people_of
from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, plain, print_json, table
from setpoint.config import Settings, check_model_name
from setpoint.domain.grant import Grant, Role
from setpoint.loop.verbs.personal import check_words

Name = Annotated[str, typer.Argument(help="Who: the name that is written into the record.")]
people = typer.Typer(
    help="Say who may read, operate and approve on the control port.", no_args_is_help=True, add_completion=False
)


@people.command()
def add(
    name: Name,
    role: Annotated[
        Role,
        typer.Option(
            help="viewer: reads. operator: has the loop look, takes over, gives back, refuses, undoes, too. "
            "approver: approves, too."
        ),
    ] = Role.VIEWER,
    model: Annotated[list[str] | None, typer.Option(help="For this model alone, several times for several.")] = None,
    json: Json = False,
) -> None:
    """Give somebody a key for the control API and its pages; it is shown once."""
    check_words(name)
    settings, models = Settings(), tuple(dict.fromkeys(model or ()))
    for one in models:
        check_model_name(one)
    key = people_of(settings).add(name, open_home(settings).clock.now(), role, models)
    if json:
        print_json({"name": name, "key": key, "role": role, "models": models})
        return
    words = Grant(name=name, role=role, models=models).words
    console.print(f"The key of [bold]{plain(name)}[/], {words}, shown this once:", highlight=False)
    console.print(key, highlight=False)


@people.command("list")
def show(json: Json = False) -> None:
    """Show who has a key, since when, and what it allows."""
    settings = Settings()
    open_home(settings)
    found = people_of(settings).all()
    if json:
        told = [{"name": p.name, "added": p.added.isoformat(), "role": p.role, "models": p.models} for p in found]
        print_json({"people": told})
        return
    rows = [(p.name, f"{p.added:%Y-%m-%d %H:%M}", p.role, ", ".join(p.models) or "all") for p in found]
    console.print(table("", ("name", "since (UTC)", "role", "models"), rows) if rows else "Nobody has a key")


@people.command()
def remove(name: Name) -> None:
    """End somebody's key, at once."""
    settings = Settings()
    open_home(settings)
    people_of(settings).remove(name)
    console.print(f"{plain(name)} has no key any more", highlight=False)
