"""Answers of the v1 and v2 protocols, and errors, as JSON."""

from collections.abc import Sequence
from typing import Any

import msgspec

from setpoint.domain.schema import Schema, Task
from setpoint.errors import (
    Conflict,
    DeadlineExceeded,
    InvalidInput,
    InvalidRequest,
    ModelEnded,
    NotFound,
    NotReady,
    Overloaded,
    SetpointError,
    TooLarge,
    Unusable,
)
from setpoint.serve.asked import Asked
from setpoint.serve.binary import join
from setpoint.serve.body import Unsupported
from setpoint.serve.table import Target
from setpoint.serve.work import Answer

encode_json = msgspec.json.Encoder().encode

LONGEST = 2_000
STATUS: dict[type, int] = {
    InvalidRequest: 422,
    TooLarge: 413,
    Unsupported: 415,
    InvalidInput: 400,
    NotFound: 404,
    Conflict: 409,
    NotReady: 503,
    Overloaded: 429,
    DeadlineExceeded: 504,
    Unusable: 503,
    ModelEnded: 502,
    SetpointError: 500,
}
UNRECORDED = (429, 503)  # refused before a model is asked: only counted, so that a flood cannot fill the disk


def status_of(error: SetpointError) -> int:
    """Return the HTTP status for the nearest class that has one."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def error_body(text: str, violations: Sequence[str] = ()) -> bytes:
    """Return the body of an error; what a caller sent may be long, what it is told about it is not."""
    short = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return encode_json({"error": short, "violations": violations})


def predictions(answer: Answer, schema: Schema) -> bytes:
    """Return `{"predictions": [...]}`: numbers, or label and probability each.

    The probability is that of the second class; of several that of the label, and `probabilities` has each one's.
    """
    if schema.task is Task.REGRESSION:
        return encode_json({"predictions": answer["prediction"]})
    pairs = zip(answer["label"], answer["probability"], strict=True)
    found: list[dict[str, Any]] = [{"label": label, "probability": p} for label, p in pairs]
    if each := schema.probabilities:
        classes = [str(label) for label in schema.classes]
        for prediction, row in zip(found, zip(*(answer[name] for name in each), strict=True), strict=True):
            prediction["probabilities"] = dict(zip(classes, row, strict=True))
    return encode_json({"predictions": found})


def encode_v1(answer: Answer, schema: Schema, *, columns: bool) -> bytes:
    """Return `predictions`, or for the column format `outputs`: a list, or a list each where there are several."""
    if not columns:
        return predictions(answer, schema)
    lists = {name: answer[name] for name in schema.outputs}
    return encode_json({"outputs": lists if len(lists) > 1 else lists[schema.outputs[0]]})


def encode_v2(answer: Answer, target: Target, id_: str, asked: Asked) -> tuple[bytes, int | None]:
    """Return the response of the Open Inference protocol, and the length of its JSON if raw tensors follow it."""
    schema = target.form.schema
    document = {
        "model_name": target.model,
        "model_version": target.version,
        "id": id_,
        "outputs": [
            {
                "name": name,
                "datatype": output_datatype(name, schema),
                "shape": [len(answer[name])],
                "data": answer[name],
            }
            for name in asked.outputs or schema.outputs
        ],
    }
    return join(document, asked.binary)


def output_datatype(name: str, schema: Schema) -> str:
    """Return the v2 datatype of an output."""
    if name != "label":
        return "FP64"
    first: Any = schema.classes[0]
    return "BOOL" if isinstance(first, bool) else "INT64" if isinstance(first, int) else "BYTES"
