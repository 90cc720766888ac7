"""Commands that are imported when they are called, so that `setpoint --help` needs none of what they need."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


class Later(TyperCommand):
    """A name, the line that the list of commands shows, and where the command is: `module:function`."""

    def __init__(self, name: str, summary: str, place: str) -> None:
        super().__init__(name, help=summary)
        self._module, _, self._attribute = place.partition(":")

    def load(self) -> Any:
        """Import the command, or the group of commands."""
        found = getattr(import_module(self._module), self._attribute)
        if isinstance(found, typer.Typer):
            return get_group(found)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(self.name)(found)
        return get_command(alone)


class LazyGroup(TyperGroup):
    """A group whose commands are loaded when one of them is called; to list them takes their summaries alone.

    What is no name of a command is for the command called `usual`, if there is one.
    """

    usual = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the usual command first where none is named."""
        if self.usual and (not args or args[0] not in {*self.commands, "--help"}):
            args = [self.usual, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the command and its arguments, as click asks for them."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Later) else command, rest


def group(commands: Sequence[tuple[str, str, str]], help: str, usual: str = "") -> typer.Typer:
    """Return a group of commands, each a name, a place in `setpoint.cli` and a summary."""

    class Commands(LazyGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.usual = usual
            for name, place, summary in commands:
                self.add_command(Later(name, summary, f"setpoint.cli.{place}"))

    return typer.Typer(cls=Commands, help=help, add_completion=False, callback=_nothing, no_args_is_help=not usual)


def _nothing() -> None:
    """Hold no options: they are those of the commands."""
