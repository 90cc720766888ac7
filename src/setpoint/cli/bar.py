"""A progress bar for work whose size is known."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from setpoint.cli.show import errors


@contextmanager
def bar(total: int, words: str, *, quiet: bool) -> Iterator[Callable[..., None]]:
    """Show a progress bar on the error stream; calling what this gives moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=quiet, transient=True) as progress:
        task = progress.add_task(words, total=total or None)

        def advance(done: int, total: int | None = None, words: str | None = None) -> None:
            progress.update(task, completed=done, total=total, description=words)

        yield advance
