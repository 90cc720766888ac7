"""people: who may speak over the control API."""

from typing import Annotated

import typer

from setpoint.bootstrap.control import people_of
from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, plain, print_json, table
from setpoint.config import Settings
from setpoint.loop.verbs.personal import check_words

Name = Annotated[str, typer.Argument(help="Who: the name that is written into the record.")]
people = typer.Typer(
    help="Say who may approve, refuse and take over on the control port.", no_args_is_help=True, add_completion=False
)


@people.command()
def add(name: Name, json: Json = False) -> None:
    """Give somebody a key for the control API and its pages; it is shown once."""
    check_words(name)
    settings = Settings()
    key = people_of(settings).add(name, open_home(settings).clock.now())
    if json:
        print_json({"name": name, "key": key})
        return
    console.print(f"The key of [bold]{plain(name)}[/], shown this once:", highlight=False)
    console.print(key, highlight=False)


@people.command("list")
def show(json: Json = False) -> None:
    """Show who has a key, and since when."""
    settings = Settings()
    open_home(settings)
    found = people_of(settings).all()
    if json:
        print_json({"people": [{"name": p.name, "added": p.added.isoformat()} for p in found]})
        return
    rows = [(p.name, f"{p.added:%Y-%m-%d %H:%M}") for p in found]
    console.print(table("", ("name", "since (UTC)"), rows) if rows else "Nobody has a key")


@people.command()
def remove(name: Name) -> None:
    """End somebody's key, at once."""
    settings = Settings()
    open_home(settings)
    people_of(settings).remove(name)
    console.print(f"{plain(name)} has no key any more", highlight=False)
