"""Refusals and logs of models with sensitive fields: nothing that a caller sent is repeated in them."""

import logging
import traceback
from collections.abc import Callable
from copy import copy
from types import TracebackType
from typing import Any, cast

from setpoint.errors import InvalidInput, SetpointError, TooLarge
from setpoint.serve.form import Form

# what codes name beside the fields of a model
PLACES = frozenset(
    {
        *("body", "columns", "data", "dataframe_records", "dataframe_split", "header", "id", "inputs", "instances"),
        *("known", "model", "name", "outcomes", "outputs", "parameters", "row", "unknown", "value"),
    }
)
OTHER = "other"
Caught = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def quiet(error: SetpointError, form: Form) -> SetpointError:
    """Return a refusal as it may be told and recorded: names that are no fields of the model may be values, too."""
    if not isinstance(error, InvalidInput):
        return error
    schema = form.schema
    known = PLACES | {*form.names, *(name for name in (schema.time, schema.id) if name)}
    given: tuple[str, ...] = getattr(error, "violations", ())
    codes = tuple(dict.fromkeys(_code(code, known) for code in given))
    text = getattr(error, "bare", "") or (str(error) if isinstance(error, TooLarge) else "")
    if not text:
        text = f"the request does not fit ({', '.join(codes) or type(error).__name__}); expected the fields "
        text += f"{', '.join(form.names[:40])}. What was sent is not repeated here, for the model has sensitive fields"
    found: Any = copy(error)  # without its cause and its traceback
    found.args, found.violations = (text,), codes
    return cast(InvalidInput, found)


def _code(code: str, known: frozenset[str]) -> str:
    rule, _, field = code.partition(":")
    return code if field in known or (field.isdecimal() and len(field) < 10) else f"{rule}:{OTHER}"


class QuietFormatter(logging.Formatter):
    """Formats log lines; while models with sensitive fields are served, errors keep their place and lose their words.

    Parameters
    ----------
    form : str
        As `logging.Formatter` takes it.
    hides : callable
        Whether such models are served now.
    """

    def __init__(self, form: str, hides: Callable[[], bool]) -> None:
        super().__init__(form)
        self._hides = hides

    def format(self, record: logging.LogRecord) -> str:
        if record.name == "asyncio" and self._hides():  # it shows the arguments of what failed
            record = logging.makeLogRecord({**record.__dict__, "msg": "an error in the event loop", "args": ()})
        record.exc_text = None
        return super().format(record)

    def formatException(self, ei: Caught) -> str:  # noqa: N802  # the name is logging's
        kind, _, frames = ei
        if kind is None or not self._hides():
            return super().formatException(ei)
        return "".join([*traceback.format_tb(frames), kind.__name__])
