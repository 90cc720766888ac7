"""The control API: status, incidents, and a look on demand."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import FastAPI, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from setpoint.api.bounded import Bounded
from setpoint.api.failing import answer_errors
from setpoint.api.granted import Asked
from setpoint.api.guard import Guard
from setpoint.api.metrics import CONTENT_TYPE, page
from setpoint.api.saying import MOST_BYTES, saying
from setpoint.domain.value import utc
from setpoint.errors import InvalidInput, SetpointError
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.views import incident_view, reliability_view, standing_view, status_view
from setpoint.store.people import People

log = structlog.get_logger("setpoint.control")
AHEAD = timedelta(minutes=1)  # by which another clock may differ


class TickRequest(BaseModel):
    """When to look; default: now."""

    model_config = ConfigDict(extra="forbid")
    now: datetime | None = None


def control_app(operator: Operator, people: People, tick_every_s: float, *, exposed: bool = False) -> FastAPI:
    """Return the app; while it runs, the loop looks every `tick_every_s` seconds (0: only when asked).

    `exposed`: it listens where other machines reach it, so that everything takes the key of a person.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        loop = threading.Thread(target=_keep_looking, args=(operator, tick_every_s, stop), name="loop")
        if tick_every_s > 0:
            loop.start()
        yield
        stop.set()
        if tick_every_s > 0:
            loop.join()

    app = FastAPI(title="Setpoint control", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.operator = operator
    answer_errors(app)
    app.add_middleware(Bounded, most=MOST_BYTES)
    app.add_middleware(Guard, people=people, exposed=exposed)
    app.include_router(saying(people))

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics", response_class=Response)
    def metrics(home: Asked) -> Response:
        return Response(page(home.deployments()), media_type=CONTENT_TYPE)

    @app.get("/api/status")
    def status(home: Asked, model: str | None = None) -> dict[str, Any]:
        found = home.deployments(model)
        return status_view(found, home.under_way(found))

    @app.get("/api/incidents")
    def incidents(home: Asked, model: str | None = None) -> dict[str, Any]:
        return {"incidents": [incident_view(i, d.owners) for d in home.deployments(model) for i in d.incidents]}

    @app.get("/api/reliability")
    def reliability(
        home: Asked, model: str | None = None, days: Annotated[float | None, Query(gt=0, le=3_660)] = None
    ) -> dict[str, Any]:
        return {"reliability": [reliability_view(r) for r in home.reliability(model, days=days)]}

    @app.get("/api/rollouts")
    def rollouts(home: Asked, model: str | None = None) -> dict[str, Any]:
        found = [(d, r) for d in home.deployments(model) for r in d.rollouts if r.moving]
        return {"rollouts": [{"model": d.model, **standing_view(r)} for d, r in found]}

    @app.post("/api/tick")
    def tick(home: Asked, request: TickRequest) -> dict[str, Any]:
        at = utc(request.now) if request.now else None
        if at is not None and at > datetime.now(UTC) + AHEAD:  # all that is due until then would be done
            raise InvalidInput(f"now is {at:%Y-%m-%d %H:%M:%S} UTC, which is still to come; the loop looks at what was")
        return {"decisions": msgspec.to_builtins(home.look(at))}

    return app


def _keep_looking(operator: Operator, every_s: float, stop: threading.Event) -> None:
    """Look, and tell people, until told to stop. What fails is said, and tried again at the next look."""
    _try("serving what was decided", operator.restore, every_s)
    while not stop.wait(every_s):
        _try("a look", lambda: _look(operator), every_s)
        _try("telling people", operator.tell, every_s)


def _look(operator: Operator) -> None:
    for decision in operator.tick():
        log.info("decided", **msgspec.to_builtins(decision))


def _try(what: str, do: Callable[[], None], every_s: float) -> None:
    try:
        do()
    except (SetpointError, OSError) as e:  # what can be foreseen: a full disk, a database that is away
        log.error(f"{what} failed; the next one tries again", why=str(e), every_s=every_s)
    except Exception:  # the loop must outlive whatever it runs into; the log has the whole story
        log.exception(f"{what} failed; the next one tries again", every_s=every_s)
