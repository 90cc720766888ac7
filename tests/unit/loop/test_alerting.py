"""Silences, acknowledgements and the test message."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from setpoint.domain.incident import IncidentStatus
from setpoint.domain.notice import Alerts
from setpoint.domain.value import replace
from setpoint.errors import Conflict, InvalidInput, NotFound
from setpoint.loop.verbs.alerting import acknowledge, lift, send_test, silence
from setpoint.store.messages import MemoryNotifier
from setpoint.store.state import SqlStateStore

HOUR = timedelta(hours=1)


@pytest.fixture
def ports(made):
    """Two models, each with an open incident."""
    state = SqlStateStore("sqlite://")
    for model in ("demand", "price"):
        incident = made.incident(id=f"{model}-1", model=model)
        state.save(made.deployment(model=model, incidents=(incident,), alerts=Alerts(to=("ops", "mail"))))
    bundles = SimpleNamespace(get=lambda model, version: made.version())
    return SimpleNamespace(state=state, bundles=bundles, notifier=MemoryNotifier())


def silenced(ports, now, **changes):
    values = {"length": HOUR, "by": "ann", "column": None, "why": "known"}
    return silence(ports, ports.state.models(), now, **values | changes)


def test_a_silence_is_kept_and_written_down_for_every_model(ports, made):
    assert [s.id for s in silenced(ports, made.now)] == ["demand-20240601T000000", "price-20240601T000000"]
    deployment = ports.state.load("price")
    assert deployment.telling.silences[0].until == made.now + HOUR
    assert (deployment.decisions[-1].action, deployment.decisions[-1].by) == ("silence", "ann")


def test_silences_that_are_over_are_forgotten(ports, made):
    silenced(ports, made.now)
    silenced(ports, made.now + 2 * HOUR)
    assert len(ports.state.load("demand").telling.silences) == 1


def test_a_silence_is_lifted_by_its_id(ports, made):
    (_, price) = silenced(ports, made.now, column="temp")
    assert lift(ports, price.id, made.now, by="bob") == "price"
    assert ports.state.load("price").telling.silences == ()
    assert ports.state.load("demand").telling.silences
    with pytest.raises(NotFound, match="in force are: demand-temp-"):
        lift(ports, price.id, made.now, by="bob")


@pytest.mark.parametrize("length", [timedelta(0), timedelta(days=91)])
def test_a_silence_has_bounds(length, ports, made):
    with pytest.raises(InvalidInput, match="at most 90d"):
        silenced(ports, made.now, length=length)


def test_a_column_that_no_model_has_is_refused(ports, made):
    with pytest.raises(NotFound, match="no column 'tmp' of demand, price"):
        silenced(ports, made.now, column="tmp")


def test_who_knows_of_an_incident_is_written_down_once(ports, made):
    acknowledge(ports, "price-1", made.now, by="ann")
    again = acknowledge(ports, "price-1", made.now, by="bob")
    assert again.incidents[0].acknowledged_by == "ann"
    (event,) = again.incidents[0].timeline
    assert (event.line, event.what, event.by) == ("2024-06-01 00:00 acknowledged by ann", "acknowledged", "ann")


def test_only_a_live_incident_is_acknowledged(ports, made):
    with pytest.raises(NotFound, match="live incidents: demand-1, price-1"):
        acknowledge(ports, "price-2", made.now, by="ann")
    deployment = ports.state.load("price")
    over = replace(deployment.incidents[0], status=IncidentStatus.CLOSED, closed=made.now)
    ports.state.save(replace(deployment, incidents=(over,)))
    with pytest.raises(Conflict, match="is over since"):
        acknowledge(ports, "price-1", made.now, by="ann")


def test_a_test_message_goes_to_every_channel(ports, made):
    ports.notifier.failures = {"mail": "refused"}
    assert send_test(ports, "demand", made.now) == {"ops": "", "mail": "refused"}
    ((channel, message),) = ports.notifier.sent
    assert (channel, message.title) == ("ops", "[test] demand")
