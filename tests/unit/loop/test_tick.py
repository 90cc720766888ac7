"""A turn that fails keeps no other model from its own."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

from setpoint.domain.incident import IncidentStatus
from setpoint.domain.live import Served
from setpoint.domain.value import replace
from setpoint.errors import Unusable
from setpoint.loop import actions as do
from setpoint.loop import tick as module
from setpoint.loop.clock import VirtualClock
from setpoint.loop.tick import tick


@pytest.fixture
def ports_of(made):
    """Return a function: ports of some models, whose state is kept in a dictionary."""

    def ports(*models):
        stored = {m: made.deployment(model=m, looked=None) for m in models}
        state = SimpleNamespace(
            lease=nullcontext, models=lambda: models, load=stored.get, save=lambda d: stored.update({d.model: d})
        )
        return SimpleNamespace(state=state, log=SimpleNamespace(ingest=lambda: None))

    return ports


def test_every_model_has_its_turn_before_a_failure_is_raised(monkeypatch, made, ports_of):
    turned = []

    def turn(ports, deployment, now, clock):
        turned.append(deployment.model)
        if deployment.model in failing:
            raise ValueError(deployment.model)
        return deployment

    monkeypatch.setattr(module, "due", lambda deployment, now: False)
    monkeypatch.setattr(module, "turn", turn)
    failing = {"a"}
    with pytest.raises(ValueError, match="a") as caught:
        tick(ports_of("a", "b", "c"), VirtualClock(made.now))
    assert turned == ["a", "b", "c"]
    assert caught.value.__notes__ == ["in the turn of a"]
    failing = {"a", "c"}
    with pytest.raises(ExceptionGroup) as several:
        tick(ports_of("a", "b", "c"), VirtualClock(made.now))
    assert [str(e) for e in several.value.exceptions] == ["a", "c"]


def test_a_look_that_fails_is_remembered_without_the_words_of_what_was_not_foreseen(monkeypatch, made, ports_of):
    def turn(ports, deployment, now, clock):
        if failing:
            raise failing[0]
        return deployment

    monkeypatch.setattr(module, "turn", turn)
    ports, failing = ports_of("a"), [ValueError("temp is 3.7 of case-17"), Unusable("the log is away")]
    for times, why in ((1, "ValueError in test_tick.py, line"), (2, "the log is away")):
        with pytest.raises((ValueError, Unusable)):
            tick(ports, VirtualClock(made.now + times * made.hour))
        blind = ports.state.load("a").blind
        assert (blind.since, blind.times) == (made.now + made.hour, times)
        assert blind.why.startswith(why)
        assert "case-17" not in blind.why
        failing.pop(0)


def test_a_look_that_had_to_wait_looks_at_the_time_when_the_others_are_done(monkeypatch, made, ports_of):
    clock, looked = VirtualClock(made.now), []

    @contextmanager
    def lease():
        clock.time += made.hour  # somebody else holds the state so long
        yield

    ports = ports_of("a")
    ports.state.lease = lease
    monkeypatch.setattr(module, "due", lambda deployment, now: False)
    monkeypatch.setattr(module, "turn", lambda ports, deployment, now, clock: looked.append(now) or deployment)
    tick(ports, clock)
    assert looked == [made.now + made.hour]


def test_records_that_cannot_be_taken_in_blind_every_model(made, ports_of):
    def ingest():
        raise OSError(28, "No space left on device")

    ports = ports_of("a", "b")
    ports.log.ingest = ingest
    with pytest.raises(OSError, match="No space"):
        tick(ports, VirtualClock(made.now))
    assert {ports.state.load(m).blind.why for m in "ab"} == {"[Errno 28] No space left on device"}


def test_old_records_go_where_the_look_fails_and_a_look_counts_where_they_do_not(monkeypatch, made, ports_of):
    done = []

    def step(name, fails):
        def take(ports, deployment, *_):
            done.append(name)
            if fails:
                raise Unusable(name)
            return deployment

        return take

    monkeypatch.setattr(module, "due", lambda deployment, now: True)
    for looks, deletes in ((True, False), (False, True)):
        monkeypatch.setattr(module, "turn", step("look", looks))
        monkeypatch.setattr(module, "expire", step("delete", deletes))
        with pytest.raises(Unusable, match="look" if looks else "delete"):
            tick(ports_of("a"), VirtualClock(made.now))
    assert done == ["look", "delete"] * 2


def test_where_the_state_is_away_too_the_error_says_so(monkeypatch, made, ports_of):
    def fails(*_):
        raise Unusable("the state is away")

    monkeypatch.setattr(module, "turn", fails)
    ports = ports_of("a")
    ports.state.save = fails
    with pytest.raises(Unusable) as caught:
        tick(ports, VirtualClock(made.now))
    assert caught.value.__notes__ == ["in the turn of a", "that it failed could not be written down: Unusable"]


def test_a_repair_that_was_written_down_and_is_refused_after_a_stop_is_given_up(monkeypatch, made):
    """The process was stopped while workers refused it: nothing else would ever take it back."""

    def serve(ports, deployment):
        if deployment.served.maps:
            raise Unusable("'temp' may not be missing")

    monkeypatch.setattr(module, "serve", serve)
    monkeypatch.setattr(module, "settle", lambda ports, known, deployment: serve(ports, deployment) or deployment)
    incident = made.incident(made.repair(applied=made.now - made.hour), status=IncidentStatus.MENDING)
    served = Served(champion="v1", maps=(incident.repair.map,))
    after = module.made_good(None, made.deployment(incidents=(incident,), served=served), made.now)
    assert after.served.maps == ()
    assert after.incidents[0].tried[0].why == "it cannot be served: 'temp' may not be missing"
    held = replace(incident, status=IncidentStatus.HELD)
    with pytest.raises(Unusable):
        module.made_good(None, made.deployment(incidents=(held,), served=served), made.now)


def test_a_repair_that_workers_refuse_is_given_up(monkeypatch, made):
    def settle(ports, known, deployment):
        if deployment.served.maps:
            raise Unusable("'temp' may not be missing")
        return deployment

    monkeypatch.setattr(module, "settle", settle)
    repair = made.repair()
    incident = made.incident(repair, status=IncidentStatus.OPEN)
    before = made.deployment(incidents=(incident,))
    mend = do.Mend(incident=incident.id, repair=repair, why="scaled")
    after = module._done(mend, None, before, before, made.look())
    assert after.served == before.served
    assert [(t.repair.id, t.why) for t in after.incidents[0].tried] == [
        (repair.id, "it cannot be served: 'temp' may not be missing")
    ]
