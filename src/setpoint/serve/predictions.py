"""Predictions and outcomes over HTTP: bodies in, answers out."""

from collections.abc import Callable

from setpoint.errors import InvalidRequest, NotReady
from setpoint.serve.asked import Asked
from setpoint.serve.asking import predict
from setpoint.serve.binary import HEADER_LENGTH
from setpoint.serve.body import BYTES_TYPE, CSV_TYPE, JSON_TYPE, body_of, media_type
from setpoint.serve.contract import told
from setpoint.serve.csv_rows import decode_csv
from setpoint.serve.deadlines import deadline_of
from setpoint.serve.decode import decode_v1
from setpoint.serve.encode import encode_json, encode_v1, encode_v2, predictions
from setpoint.serve.form import Form
from setpoint.serve.http import Reply
from setpoint.serve.invocations import decode_invocation
from setpoint.serve.outcomes import decode_outcomes
from setpoint.serve.plane import DataPlane
from setpoint.serve.routes import Call
from setpoint.serve.table import Target
from setpoint.serve.tensors import decode_v2
from setpoint.serve.work import Answer

WHICH = b"x-setpoint-model"
RAW = (b"content-type", BYTES_TYPE.encode())


class Predictions:
    """The handlers of what a plane is asked.

    Parameters
    ----------
    plane : DataPlane
    max_body_bytes : int
        Larger bodies are refused with 413.
    """

    def __init__(self, plane: DataPlane, max_body_bytes: int) -> None:
        self._plane, self._bound = plane, max_body_bytes

    async def predict_v1(self, call: Call) -> Reply:
        """Answer `POST /v1/models/{m}[/versions/{v}]:predict`."""
        target, asked, answer = await self._predict(call, decode_v1)
        body = encode_v1(answer, target.form.schema, columns=asked.columns)
        return Reply(body, version=target.version, headers=_told(asked))

    async def predict_v2(self, call: Call) -> Reply:
        """Answer `POST /v2/models/{m}[/versions/{v}]/infer`."""
        header_length = call.headers.get(HEADER_LENGTH)
        target, asked, answer = await self._predict(call, lambda body, form: decode_v2(body, form, header_length))
        body, json_length = encode_v2(answer, target, call.request_id, asked)
        if json_length is None:
            return Reply(body, version=target.version, headers=_told(asked))
        headers = ((HEADER_LENGTH, b"%d" % json_length), *_told(asked))
        return Reply(body, version=target.version, content_type=RAW, headers=headers)

    async def invocations(self, call: Call) -> Reply:
        """Answer `POST /invocations` and `POST /models/{m}/invocations`."""
        call.model = call.model or self._only_model(call)
        is_csv = media_type(call.headers.get(b"content-type", b"")) == CSV_TYPE
        decode = decode_csv if is_csv else decode_invocation
        target, asked, answer = await self._predict(call, decode, (JSON_TYPE, CSV_TYPE))
        return Reply(predictions(answer, target.form.schema), version=target.version, headers=_told(asked))

    async def take_outcomes(self, call: Call) -> Reply:
        """Answer `POST /v1/models/{m}:outcome` once the outcomes are written."""
        route = self._plane.table.route(call.model)
        body = await body_of(call, self._bound)
        outcomes = decode_outcomes(body, route.champion.form.schema, call.arrived_us)
        self._plane.record_outcomes(call.model, outcomes)
        return Reply(encode_json({"recorded": len(outcomes)}), version=route.champion.version)

    async def _predict(
        self, call: Call, decode: Callable[[bytes, Form], Asked], known: tuple[str, ...] = (JSON_TYPE, BYTES_TYPE)
    ) -> tuple[Target, Asked, Answer]:
        """Answer a call, whose body is read and decoded for the version that answers."""

        async def asked(form: Form) -> Asked:
            call.deadline_ns = deadline_of(call.headers, call.started_ns)
            return decode(await body_of(call, self._bound, known), form)

        return await predict(self._plane, self._plane.table.route(call.model), call.version, call, asked)

    def _only_model(self, call: Call) -> str:
        """Return the model of a request that names none in its path: the one of its header, or the only one."""
        named = call.headers.get(WHICH, b"").decode("latin-1")
        if named:
            return named
        table = self._plane.table
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
