"""Who may ask anything of the control port: this machine without a key, others with one, pages of other sites never."""

from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.datastructures import Headers

from setpoint.api.guard import Guard, from_another_site, from_here
from setpoint.bootstrap.control import check_address
from setpoint.config import Settings
from setpoint.domain.grant import Role
from setpoint.errors import InvalidInput
from setpoint.store.people import People

NOW = datetime(2024, 6, 1, tzinfo=UTC)
HERE = "http://localhost:8081"


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


def asking(people: People, *, exposed: bool, at: str = HERE) -> TestClient:
    app = FastAPI()
    app.add_middleware(Guard, people=people, exposed=exposed)

    @app.get("/health")
    @app.get("/incidents")
    @app.post("/api/tick")
    def done() -> str:
        return "done"

    return TestClient(app, at)


@pytest.mark.parametrize("at", [HERE, "http://127.0.0.1:8081", "http://[::1]:8081", "http://LOCALHOST"])
def test_this_machine_reads_without_a_key(people: People, at: str) -> None:
    client = asking(people, exposed=False, at=at)
    assert (client.get("/incidents").status_code, client.post("/api/tick").status_code) == (200, 200)


@pytest.mark.parametrize(
    ("exposed", "at", "headers"),
    [
        (True, HERE, {}),
        (True, "http://10.0.0.5:8081", {}),
        (False, "http://evil.example:8081", {}),  # DNS rebinding
        (False, "http://localhost.evil.example", {}),
        (False, HERE, {"x-forwarded-for": "10.0.0.9"}),
        (False, HERE, {"host": "[::1"}),
    ],
)
def test_what_comes_from_elsewhere_takes_a_key(people: People, exposed: bool, at: str, headers: dict[str, str]) -> None:
    client, key = asking(people, exposed=exposed, at=at), people.add("ann", NOW, Role.OPERATOR)
    as_browser = b64encode(f"ann:{key}".encode()).decode()
    for given in ({}, {"authorization": "Bearer sp_nobodys"}, {"authorization": "Basic ?"}, {"authorization": key}):
        answer = client.get("/incidents", headers=headers | given)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert "`setpoint people add NAME --role viewer` makes one" in answer.json()["error"]
        assert client.post("/api/tick", headers=headers | given).status_code == 401
    for given in ({"authorization": f"Bearer {key}"}, {"authorization": f"Basic {as_browser}"}):
        assert client.get("/incidents", headers=headers | given).status_code == 200
    assert client.get("/health", headers=headers).status_code == 200
    people.remove("ann")
    assert client.get("/incidents", headers=headers | {"authorization": f"Bearer {key}"}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin", "origin": "https://behind.a.proxy"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site", "origin": HERE}, True),  # another port of this machine
        ({"origin": HERE}, False),
        ({"origin": "http://localhost:3000"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
    ],
)
def test_a_page_of_another_site_changes_nothing(people: People, headers: dict[str, str], refused: bool) -> None:
    key = people.add("ann", NOW, Role.OPERATOR)
    for exposed in (False, True):
        own = headers | {"authorization": f"Bearer {key}"}
        client = asking(people, exposed=exposed)
        assert client.post("/api/tick", headers=own).status_code == (403 if refused else 200)
        assert client.get("/incidents", headers=own).status_code == 200
    assert from_another_site(Headers({"host": "localhost:8081"} | headers)) is refused


def test_a_request_without_a_host_is_not_from_here() -> None:
    assert not from_here(Headers({}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "", "setpoint.example"])
def test_the_control_port_is_not_opened_to_others_before_somebody_has_a_key(host: str, tmp_path: Path) -> None:
    settings: Any = Settings(home=tmp_path)
    with pytest.raises(InvalidInput, match=r"nobody has one: `setpoint people add NAME` makes one; or leave"):
        check_address(settings, host)
    People(tmp_path).add("ann", NOW)
    check_address(settings, host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_this_machine_alone_needs_no_key(host: str, tmp_path: Path) -> None:
    check_address(Settings(home=tmp_path), host)
