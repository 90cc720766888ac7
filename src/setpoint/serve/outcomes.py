"""Late outcomes over HTTP, checked against the model's task."""

from typing import Any

from setpoint.domain.classes import either
from setpoint.domain.record import Outcome, Scalar
from setpoint.domain.schema import Schema
from setpoint.errors import InvalidRequest
from setpoint.serve.decode import lacks, parse
from setpoint.serve.identity import A_TIME, event_us
from setpoint.serve.misfit import broken_number, nearest, shown

EXAMPLE = '{"outcomes": [{"id": …, "value": …, "known": …}, …]}'
KEYS = ("id", "value", "known")


def decode_outcomes(body: bytes, schema: Schema, now_us: int) -> list[Outcome]:
    """Return the outcomes of `{"outcomes": [...]}` or of one object; `known` is now where it is not given.

    Raises
    ------
    Malformed
        If the body is not JSON.
    InvalidRequest
        If an outcome has no id, or its value does not fit the task.
    """
    document, _ = parse(body)
    if type(document) is dict and "id" in document:
        given: Any = [document]
    elif type(document) is dict and "outcomes" in document:
        given = document["outcomes"]
    else:
        raise lacks("outcomes", document, EXAMPLE)
    if type(given) is not list or not given:
        raise InvalidRequest(f"'outcomes' is {shown(given)}; expected a list of at least one", ("empty:outcomes",))
    return [_outcome(i, one, schema, now_us) for i, one in enumerate(given)]


def _outcome(i: int, given: Any, schema: Schema, now_us: int) -> Outcome:
    where = f"outcome {i}"
    if type(given) is not dict:
        raise InvalidRequest(f"{where} is a {shown(given)}; expected an object like {EXAMPLE}", ("shape:outcomes",))
    for key in given:
        if key not in KEYS:
            text = f"{where}: unknown key {key[:64]!r}{nearest(key[:64], KEYS)}; known: {', '.join(KEYS)}"
            raise InvalidRequest(text, (f"extra:{key[:64]}",))
    for key in KEYS[:2]:
        if key not in given:
            raise InvalidRequest(f"{where} has no {key!r}; expected an object like {EXAMPLE}", (f"missing:{key}",))
    return Outcome(
        id=_id(where, given["id"]),
        value=_value(where, given["value"], schema),
        known_us=_known(where, given.get("known"), now_us),
        stated=given.get("known") is not None,
    )


def _id(where: str, given: object) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int) or not 0 < len(str(given)) <= 256:
        raise InvalidRequest(f"{where}: id is {shown(given)}; expected the id of a prediction", ("type:id",))
    return str(given)


def _value(where: str, given: Any, schema: Schema) -> Scalar:
    """Return the value as the training data spells it."""
    if schema.classes:
        for label in schema.classes:
            if given == label and isinstance(given, str) == isinstance(label, str):
                return label
        raise InvalidRequest(f"{where}: value is {shown(given)}; expected {either(schema.classes)}", ("type:value",))
    if broken_number(given):
        raise InvalidRequest(f"{where}: value is {shown(given)}; expected a finite number", ("type:value",))
    return float(given)


def _known(where: str, given: Any, now_us: int) -> int:
    try:
        return now_us if given is None else event_us(given)
    except (ValueError, OverflowError):
        raise InvalidRequest(f"{where}: known is {shown(given)}; expected {A_TIME}", ("type:known",)) from None
