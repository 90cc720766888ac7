"""Predictions and outcomes over HTTP: bodies in, answers out."""

from collections.abc import Callable

from setpoint.errors import InvalidInput, InvalidRequest, ModelFailed, NotFound, NotReady, SetpointError
from setpoint.serve.asked import Asked
from setpoint.serve.binary import HEADER_LENGTH
from setpoint.serve.body import BYTES_TYPE, CSV_TYPE, JSON_TYPE, body_of, media_type
from setpoint.serve.csv_rows import decode_csv
from setpoint.serve.deadlines import deadline_of
from setpoint.serve.decode import decode_v1
from setpoint.serve.encode import encode_json, encode_v1, encode_v2, predictions, status_of
from setpoint.serve.form import Form
from setpoint.serve.http import Reply
from setpoint.serve.invocations import decode_invocation
from setpoint.serve.outcomes import decode_outcomes
from setpoint.serve.plane import DataPlane
from setpoint.serve.routes import Call
from setpoint.serve.table import Target
from setpoint.serve.tensors import decode_v2
from setpoint.serve.work import MODEL_ERROR, Answer

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
        return Reply(encode_v1(answer, target.form.schema, columns=asked.columns), version=target.version)

    async def predict_v2(self, call: Call) -> Reply:
        """Answer `POST /v2/models/{m}[/versions/{v}]/infer`."""
        header_length = call.headers.get(HEADER_LENGTH)
        target, asked, answer = await self._predict(call, lambda body, form: decode_v2(body, form, header_length))
        body, json_length = encode_v2(answer, target, call.request_id, asked)
        if json_length is None:
            return Reply(body, version=target.version)
        headers = ((HEADER_LENGTH, b"%d" % json_length),)
        return Reply(body, version=target.version, content_type=RAW, headers=headers)

    async def invocations(self, call: Call) -> Reply:
        """Answer `POST /invocations` and `POST /models/{m}/invocations`."""
        call.model = call.model or self._only_model(call)
        is_csv = media_type(call.headers.get(b"content-type", b"")) == CSV_TYPE
        decode = decode_csv if is_csv else decode_invocation
        target, _, answer = await self._predict(call, decode, (JSON_TYPE, CSV_TYPE))
        return Reply(predictions(answer, target.form.schema), version=target.version)

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
        """Decode, ask, and wait for the recorded answer; what is refused on a known model is recorded as well."""
        route = self._plane.table.route(call.model)
        try:
            deadline_ns = deadline_of(call.headers, call.started_ns)
            target = route.target(call.version)
            asked = decode(await body_of(call, self._bound, known), target.form)
        except (InvalidInput, NotFound) as e:
            await self._plane.refuse(
                route.champion,
                call.request_id,
                status=status_of(e),
                violations=violations_of(e),
                caller=call.caller,
                arrived_us=call.arrived_us,
                started_ns=call.started_ns,
            )
            raise
        # the id of a v2 body is the one its client knows: the record must carry it, for outcomes to be joined by it
        call.request_id = asked.id or call.request_id
        answer = await self._plane.ask(
            target,
            asked.rows,
            call.request_id,
            caller=call.caller,
            arrived_us=call.arrived_us,
            started_ns=call.started_ns,
            deadline_ns=deadline_ns,
        )
        return target, asked, answer

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


def violations_of(error: SetpointError) -> tuple[str, ...]:
    """Return the codes that are recorded for an error."""
    match error:
        case ModelFailed():
            return (MODEL_ERROR,)
        case NotFound():
            return ("version:unknown",)
        case _:
            return getattr(error, "violations", ())
