"""The loop rehearses going back with real copies, and says so when it could not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from setpoint.loop.verbs import deploying
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.views import status_view


def test_a_way_back_is_rehearsed_and_one_that_is_damaged_is_an_incident(world: Any) -> None:
    w = world()
    w.until(1)
    w.operator = Operator(ports=replace(w.operator.ports, studies=True), clock=w.clock)
    looked(w, hours=1)
    deploying.deploy(w.operator, w.file, by="ann")
    looked(w, hours=1)
    last = w.deployment.rehearsal
    assert (last.version, last.champion, last.why) == ("v1", "v2", "")
    assert last.rows == 64
    assert 0 < last.seconds < 60

    folder = w.operator.ports.bundles.folder("demand", "v1")
    file = max(folder.iterdir(), key=lambda f: f.stat().st_size)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    looked(w, hours=25)
    assert "differs from its digest" in w.deployment.rehearsal.why
    (incident,) = [i for i in w.deployment.incidents if i.subject == "rollback"]
    assert incident.causes[0].cause == "artefact"
    assert "v2 could not be rolled back to v1" in incident.timeline[0].said
    assert status_view([w.deployment])["deployments"][0]["way_back"]["why"] == w.deployment.rehearsal.why


def looked(w: Any, hours: float) -> None:
    w.clock.time += timedelta(hours=hours)
    w.operator.tick()
