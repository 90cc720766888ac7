"""Predictions and outcomes over HTTP: how a body becomes rows, and an answer a body."""

from collections.abc import Callable
from dataclasses import dataclass

from setpoint.errors import InvalidRequest, NotReady
from setpoint.serve.asked import Asked
from setpoint.serve.asking import Predicted
from setpoint.serve.binary import HEADER_LENGTH
from setpoint.serve.body import BYTES_TYPE, CSV_TYPE, JSON_TYPE, media_type
from setpoint.serve.contract import told
from setpoint.serve.csv_rows import decode_csv
from setpoint.serve.decode import decode_v1
from setpoint.serve.encode import encode_v1, encode_v2, predictions
from setpoint.serve.form import Form
from setpoint.serve.http import Reply
from setpoint.serve.invocations import decode_invocation
from setpoint.serve.routes import Call
from setpoint.serve.table import Table
from setpoint.serve.tensors import decode_v2

WHICH = b"x-setpoint-model"


@dataclass(frozen=True, slots=True)
class Way:
    """How one protocol asks and is answered; `types` are the content types that it reads."""

    decode: Callable[[Call, bytes, Form], Asked]
    encode: Callable[[Call, Predicted], Reply]
    types: tuple[str, ...] = (JSON_TYPE, BYTES_TYPE)


def _ask_v2(call: Call, body: bytes, form: Form) -> Asked:
    return decode_v2(body, form, call.headers.get(HEADER_LENGTH))


def _ask_invocation(call: Call, body: bytes, form: Form) -> Asked:
    is_csv = media_type(call.headers.get(b"content-type", b"")) == CSV_TYPE
    return decode_csv(body, form) if is_csv else decode_invocation(body, form)


def _answer_v1(call: Call, found: Predicted) -> Reply:
    body = encode_v1(found.answer, found.target.form.schema, columns=found.asked.columns)
    return Reply(body, version=found.target.version, headers=_told(found.asked))


def _answer_v2(call: Call, found: Predicted) -> Reply:
    body, json_length = encode_v2(found.answer, found.target, call.request_id, found.asked)
    if json_length is None:
        return Reply(body, version=found.target.version, headers=_told(found.asked))
    headers = ((HEADER_LENGTH, b"%d" % json_length), *_told(found.asked))
    return Reply(body, version=found.target.version, content_type=BYTES_TYPE.encode(), headers=headers)


def _answer_invocation(call: Call, found: Predicted) -> Reply:
    body = predictions(found.answer, found.target.form.schema)
    return Reply(body, version=found.target.version, headers=_told(found.asked))


WAYS = {
    "predict_v1": Way(lambda call, body, form: decode_v1(body, form), _answer_v1),
    "predict_v2": Way(_ask_v2, _answer_v2),
    "invocations": Way(_ask_invocation, _answer_invocation, (JSON_TYPE, CSV_TYPE)),
}


def model_of(call: Call, table: Table) -> str:
    """Return the model that is asked: of the path, of the header, or the only one there is.

    Raises
    ------
    NotReady
        If none is served yet.
    InvalidRequest
        If several are, and none is named.
    """
    named = call.model or call.headers.get(WHICH, b"").decode("latin-1")
    if named:
        return named
    models = sorted({*table.routes, *table.missing})
    if not models:
        raise NotReady("no model is served yet")
    if len(models) > 1:
        raise InvalidRequest(
            f"{len(models)} models are served: {', '.join(models)}. Name one by the header {WHICH.decode()}, or "
            f"send to /models/{models[0]}/invocations",
            ("missing:model",),
        )
    return models[0]


def _told(asked: Asked) -> tuple[tuple[bytes, bytes], ...]:
    breach = asked.rows.breach
    return () if breach is None else tuple((name.encode(), text.encode()) for name, text in told(breach))
