"""The parts of the traffic that a look judges: all rows, segments once a day, challengers and the shadow."""

from datetime import timedelta
from typing import Any

from setpoint.loop.looks.scopes import scopes
from setpoint.loop.verbs import deploying


def test_segments_are_counted_apart_once_a_day_and_other_versions_once_an_hour(world: Any) -> None:
    w = world()
    file = w.file.model_copy(update={"model": "split", "segments": ["temp"]})
    deploying.deploy(w.operator, file, by="ann")
    deploying.deploy(w.operator, file, share=0.3, by="ann")
    deployment, ports = w.operator.deployments("split")[0], w.operator.ports
    champion, now = ports.bundles.get("split", "v1"), w.clock.now()
    now = now.replace(hour=0, minute=5)
    whole, *parts = scopes(ports, deployment, champion, None, now - timedelta(hours=1), now)
    segments, (challenger,) = parts[:-1], parts[-1:]
    quarters = [s.reference.rows for s in segments if s.reference]
    assert sum(quarters) == whole.reference.rows
    assert (len(quarters), len(segments)) == (4, 5)  # no temperature of the reference is null
    assert all("temp" not in s.hours.columns and s.divided == 10 for s in segments)
    assert (challenger.version, challenger.role, list(challenger.hours.columns)) == ("v2", "challenger", ["prediction"])
    assert {s.hours.every for s in segments} == {timedelta(days=1)}
    later = scopes(ports, deployment, champion, None, now, now + timedelta(hours=1))
    assert [s.role for s in later] == ["champion", "challenger"]
    assert len(scopes(ports, deployment, champion, None, now, now + timedelta(minutes=1))) == 1
