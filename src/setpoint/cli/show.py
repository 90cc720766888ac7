"""How commands print: tables for people, JSON for programs, progress for long work."""

import getpass
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from setpoint.errors import InvalidInput

console = Console()
errors = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
By = Annotated[str, typer.Option("--by", help="Who decides; written into the record.", show_default="your login")]


def me() -> str:
    """Return the login name of who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a passwd entry
        return "unknown"


ME = me()


def unicode(option: str, *given: str) -> None:
    """Refuse what no record can hold: bytes of the command line that are no text in its encoding.

    Raises
    ------
    InvalidInput
        Naming the option.
    """
    for text in given:
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise InvalidInput(f"{option} {text!r} is no Unicode text, and nothing is recorded under it")


def print_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def plain(text: str) -> str:
    """Return a text that the terminal shows as it is: names and values come from callers, and may look like markup."""
    return escape(visible(text))


def visible(text: str) -> str:
    """Return a text whose characters that would steer the terminal, or break a line, are written as Python does."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str | Text]], *, right: Sequence[str] = ()
) -> Table:
    """Return a table; columns named in `right` are aligned to the right. Only a Text is styled; a str is data."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else plain(cell) for cell in row))
    return made


def number(value: float | None, unit: str = "") -> str:
    """Write a number in four digits, in full from 10,000 to 10¹², or a dash."""
    if value is None:
        return "–"
    return (f"{value:,.0f}" if 10_000 <= abs(value) < 1e12 else f"{value:.4g}") + unit


def cell(value: Any) -> str:
    """Write any value for a table: a float in four digits, nothing as a dash."""
    return number(value) if isinstance(value, float) else "–" if value is None else str(value)


@contextmanager
def steps(*, quiet: bool) -> Iterator[Any]:
    """Show one line that says what is being done; nothing in quiet (JSON) mode."""
    if quiet or not errors.is_terminal:
        yield lambda step: None
        return
    with errors.status("starting") as status:
        yield lambda step: status.update(step)
