"""Commands that are imported when they are called, so that `setpoint --help` needs none of what they need."""

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
    """A group whose commands are loaded when one of them is called; to list them takes their summaries alone."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the command and its arguments, as click asks for them."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Later) else command, rest
