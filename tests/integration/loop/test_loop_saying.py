"""What a person says over the control port, by JSON and by the forms of a page."""

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from setpoint.api.control import control_app
from setpoint.domain.envelope import Envelope
from setpoint.domain.event import What
from setpoint.domain.grant import Role
from setpoint.domain.incident import IncidentStatus
from setpoint.store.people import People


def test_a_person_speaks_with_a_key_and_the_record_says_whose(world: Any, fahrenheit: Any, tmp_path: Path) -> None:
    w = world(fahrenheit, Envelope(ask=("inverse_map",)))
    w.until(23)
    people, id_ = People(tmp_path), w.incident.id
    ann, bob = (people.add(name, w.operator.clock.now(), Role.APPROVER) for name in ("ann", "bob"))
    client = TestClient(control_app(w.operator, people, 0), "http://localhost:8081", follow_redirects=False)

    def say(verb: str, key: str, **word: Any) -> Any:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return client.post(f"/api/incidents/{id_}/{verb}", json=word, headers=headers)

    def send(verb: str, key: str, why: str = "") -> Any:
        return client.post(f"/incidents/{id_}", data={"verb": verb, "key": key, "why": why})

    for answer in (say("approve", ""), say("approve", "sp_nobodys"), send("approve", ""), send("approve", "nobodys")):
        assert answer.status_code == 401
        assert "`setpoint people add NAME --role approver` makes one" in answer.text
    viewer = people.add("cleo", w.operator.clock.now())
    for answer in (say("approve", viewer), send("approve", viewer)):
        assert answer.status_code == 403
        assert "cleo is viewer of all models, and " in answer.text
    assert w.incident.status is IncidentStatus.WAITING

    assert client.get(f"/api/incidents/{id_}").json()["course"]["metric"] == "MAE"
    assert say("refuse", ann, why="not now").json()["refused"][0]["by"] == "ann"
    again = say("refuse", bob)
    assert (again.status_code, "was refused by ann already" in again.json()["error"]) == (409, True)
    assert "was refused by ann already" in send("refuse", bob).text
    taken = send("take", bob, "I ring the vendor")
    assert (taken.status_code, taken.headers["location"]) == (303, f"/incidents/{id_}")
    assert f'href="/incidents/{id_}"' in client.get("/incidents").text
    page = client.get(f"/incidents/{id_}")
    assert "taken over by bob" in page.text
    assert page.headers["x-frame-options"] == "DENY"
    assert say("give-back", ann).status_code == 200
    other = say("approve", bob, remedy="impute of temp")
    assert (other.status_code, "it is about inverse_map of temp by now" in other.json()["error"]) == (409, True)
    assert 'name="remedy" type="hidden" value="inverse_map of temp"' in page.text
    assert say("approve", bob, why="it is urgent", remedy="inverse_map of temp").json()["status"] == "mending"
    assert [m.feature for m in w.live.models["demand"].maps] == ["temp"]
    assert send("undo", ann, "the vendor mended it").status_code == 303
    assert w.live.models["demand"].maps == ()
    said = {e.what: (e.by, e.said) for e in w.incident.timeline if e.by_person}
    assert said[What.REFUSED] == ("ann", "inverse_map refused by ann: not now")
    assert said[What.TAKEN] == ("bob", "taken over by bob: I ring the vendor")
    assert said[What.APPROVED] == ("bob", "inverse_map approved by bob: it is urgent")
    assert said[What.UNDONE] == ("ann", "undo inverse_map: taken back by ann: the vendor mended it")

    assert client.get("/").headers["location"] == "/incidents"
    assert say("explode", ann).status_code == 404
    assert client.post("/api/incidents/x/take", json={}, headers={"authorization": f"Bearer {ann}"}).status_code == 404
    assert say("take", ann, why="x" * 501).status_code == 422
    assert client.post(f"/incidents/{id_}", content=b"x" * 20_000).status_code == 413
    assert client.post(f"/api/incidents/{id_}/approve", content=iter([b"x" * 10_000] * 3)).status_code == 413
    still_to_come = client.post("/api/tick", json={"now": "2999-01-01T00:00:00Z"})
    assert (still_to_come.status_code, "still to come" in still_to_come.json()["error"]) == (422, True)
    assert client.post(f"/incidents/{id_}", content=b"\xff\xfe").status_code == 422
    assert client.post(f"/api/incidents/{id_}/take", content=f"why=&key={ann}").status_code == 422
