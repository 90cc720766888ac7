"""What each key of the control port allows: every route and verb by role, and nothing of other models."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute, Route

from setpoint.api.control import control_app
from setpoint.api.granted import SAY
from setpoint.api.rules import ROUTES, VERBS
from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.grant import Role
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.live import Served
from setpoint.domain.objective import Objective
from setpoint.store.people import People

NOW = datetime.now(UTC)
MODELS = ("demand", "price")
HOST = "http://setpoint.example:8081"


def a_deployment(model: str) -> Deployment:
    """Return one with an incident that waits for a person, `demand-1`."""
    incident = Incident(
        id=f"{model}-1",
        model=model,
        status=IncidentStatus.WAITING,
        since=NOW - timedelta(hours=3),
        opened=NOW - timedelta(hours=2),
        subject="temp",
        findings=(),
        causes=(Hypothesis(cause=Cause.SWAPPED, weight=0.9, subject="temp"),),
        repair=Repair(id="r", remedy=Remedy.SWAP_BACK, subject="temp", proof="MAE 9 → 1"),
    )
    return Deployment(
        model=model,
        source="",
        served=Served(champion="v1"),
        envelope=Envelope(),
        objectives=(Objective(metric="mae", at_most=1.0),),
        releases=(Release(version="v1", at=NOW - timedelta(days=1), by="ann"),),
        incidents=(incident,),
    )


class Control:
    """The control port of a home with two models, asked from another machine with one key or another."""

    def __init__(self) -> None:
        settings = Settings()
        self.operator, self.people = open_home(settings), People(settings.home)
        for model in MODELS:
            self.operator.ports.state.save(a_deployment(model))
        self.app = control_app(self.operator, self.people, 0, exposed=True)
        self.client = TestClient(self.app, HOST, follow_redirects=False, raise_server_exceptions=False)

    def key(self, role: Role, *models: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.people.add(f'{role}-{len(self.people.all())}', NOW, role, models)}"}

    def ask(self, method: str, path: str, key: dict[str, str], **body: Any) -> Any:
        return self.client.request(method, path, headers=key, json=body if method == "POST" else None)


@pytest.fixture
def control() -> Iterator[Control]:
    made = Control()
    yield made
    made.operator.ports.state.close()  # type: ignore[attr-defined]


def routes_of(found: Iterable[BaseRoute]) -> Iterator[Route]:
    """Yield every route, those of included routers too; a kind of route that this does not know fails."""
    for route in found:
        if isinstance(route, Route):
            yield route
        else:
            yield from routes_of(route.original_router.routes)  # type: ignore[attr-defined]


def test_every_route_and_every_verb_has_a_rule(control: Control) -> None:
    there = {(m, r.path) for r in routes_of(control.app.routes) for m in (r.methods or ()) if m != "HEAD"}
    assert there == set(ROUTES)
    assert set(SAY) == set(VERBS)


@pytest.mark.parametrize("route", [r for r, needed in ROUTES.items() if needed], ids=" ".join)
def test_each_route_takes_its_role_and_no_less(control: Control, route: tuple[str, str]) -> None:
    method, template = route
    path = template.format(id="demand-1", verb="take")
    assert control.ask(method, path, {}).status_code == 401
    for role in Role:
        answer = control.ask(method, path, control.key(role))
        needed = ROUTES[route]
        assert needed is not None
        assert (answer.status_code == 403) is not role.may(needed), (role, answer.text)
        if answer.status_code == 403:
            assert f"takes the role {needed}" in answer.json()["error"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("role", Role)
def test_each_verb_takes_its_role_by_json_and_by_form(control: Control, verb: str, role: Role) -> None:
    key, before = control.key(role), control.operator.deployments("demand")
    form = {"verb": verb, "key": key["authorization"].removeprefix("Bearer ")}
    if role.may(VERBS[verb]):
        assert control.ask("POST", f"/api/incidents/demand-1/{verb}", key).status_code != 403
        return
    said = control.ask("POST", f"/api/incidents/demand-1/{verb}", key)
    assert (said.status_code, f"takes the role {VERBS[verb]}" in said.json()["error"]) == (403, True)
    # its page cannot be drawn here, so that the refusal has no other answer than that nothing was done
    assert control.client.post("/incidents/demand-1", data=form, headers=key).status_code == 404
    assert control.operator.deployments("demand") == before


def test_a_key_for_one_model_shows_and_does_nothing_of_another(control: Control) -> None:
    key = control.key(Role.APPROVER, "price")
    for path in ("/metrics", "/api/status", "/api/incidents", "/api/rollouts", "/api/reliability", "/incidents"):
        answer = control.ask("GET", path, key)
        assert (answer.status_code, "demand" in answer.text) == (200, False), path
        assert path == "/api/rollouts" or "price" in answer.text, path
    for path in ("/api/status", "/api/incidents", "/api/rollouts", "/api/reliability"):
        for other in ("demand", "nosuch"):
            answer = control.ask("GET", f"{path}?model={other}", key)
            assert (answer.status_code, "of price, not of" in answer.json()["error"]) == (403, True)
    for id_ in ("demand-1", "nosuch-1"):
        for method, path in (
            ("GET", "/api/incidents/{}"),
            ("GET", "/incidents/{}"),
            ("POST", "/api/incidents/{}/take"),
        ):
            answer = control.ask(method, path.format(id_), key)
            assert (answer.status_code, answer.json()) == (404, {"error": f"no incident {id_!r}"})
    assert control.ask("POST", "/api/tick", key).status_code == 403
    assert control.operator.deployments("demand") == [a_deployment("demand")]


def test_the_record_says_who(control: Control) -> None:
    told = control.ask("POST", "/api/incidents/demand-1/refuse", control.key(Role.OPERATOR, "demand"), why="not now")
    assert told.json()["refused"][0]["by"] == "operator-0"


def test_a_program_of_this_machine_reads_and_has_the_loop_look_but_says_nothing(control: Control) -> None:
    here = TestClient(control_app(control.operator, control.people, 0), "http://localhost:8081")
    assert here.get("/api/status").status_code == 200
    assert here.post("/api/incidents/demand-1/take", json={}).status_code == 401
    assert here.get("/api/status", headers=control.key(Role.VIEWER, "price")).text.count("demand") == 0
    assert here.get("/nosuch").status_code == 404
    assert here.delete("/api/incidents/demand-1").status_code == 404
