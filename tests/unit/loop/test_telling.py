"""Outboxes reach their channels: in order, again where they failed, and never for ever."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Deployment, Failing
from setpoint.domain.live import Served
from setpoint.domain.notice import Delivery, Message, Telling
from setpoint.domain.value import replace
from setpoint.loop.telling.notices import noticed
from setpoint.loop.telling.send import LONGEST_WAIT, MOST_ATTEMPTS, claimed, settled, tell
from setpoint.store.messages import MemoryNotifier
from setpoint.store.state import SqlStateStore


def message(name):
    return Message(id=name, model="demand", title=name, text="", markdown="", severity=None)


@pytest.fixture
def home(made):
    """A state store with a model whose outbox holds two messages to two channels, and a notifier."""
    outbox = tuple(Delivery(message=message(m), channel=c) for m in ("m1", "m2") for c in ("ops", "mail"))
    state, notifier = SqlStateStore("sqlite://"), MemoryNotifier(("ops", "mail"))
    state.save(made.deployment(telling=Telling(outbox=outbox, until=made.deployment().looked)))
    return SimpleNamespace(state=state, notifier=notifier)


def arrived(home, channel):
    return [m.id for c, m in home.notifier.sent if c == channel]


def test_messages_arrive_once_each_in_order(home, made):
    tell(home, made.now)
    tell(home, made.now)
    assert arrived(home, "ops") == arrived(home, "mail") == ["m1", "m2"]
    assert home.state.load("demand").telling.outbox == ()


def test_looks_that_fail_are_told_though_there_was_none_that_brought_news(home, made):
    before = home.state.load("demand")
    at = made.now + timedelta(minutes=6)
    home.state.save(replace(before, blind=Failing(since=made.now, at=at, times=12, why="the log is away")))
    for _ in range(3):
        tell(home, at)
    assert len(arrived(home, "ops")) == 3
    assert home.notifier.sent[-1][1].title == "[cannot look] demand: nobody watches it"


def test_a_failing_channel_holds_up_no_other_and_catches_up(home, made):
    home.notifier.failures = {"ops": "refused"}
    tell(home, made.now)
    assert (arrived(home, "ops"), arrived(home, "mail")) == ([], ["m1", "m2"])
    (ops, _) = home.state.load("demand").telling.channels
    assert (ops.name, ops.failing, ops.why) == ("ops", True, "refused")
    home.notifier.failures = {}
    tell(home, made.now + timedelta(seconds=20))  # not yet
    assert not arrived(home, "ops")
    tell(home, made.now + timedelta(seconds=40))
    assert arrived(home, "ops") == ["m1", "m2"]
    assert not home.state.load("demand").telling.channels[0].failing


def test_a_channel_that_never_answers_is_given_up_in_bounded_attempts(home, made):
    home.notifier.failures = {"ops": "gone"}
    for hour in range(3 * MOST_ATTEMPTS):
        tell(home, made.now + hour * LONGEST_WAIT)
    telling = home.state.load("demand").telling
    assert telling.outbox == ()
    assert next(c.lost for c in telling.channels if c.name == "ops") == 2


def test_a_crash_while_sending_loses_nothing_and_repeats_one_message(home, made):
    class Dies(MemoryNotifier):
        def send(self, to, messages):
            super().send(to, messages)
            raise KeyboardInterrupt

    dying = SimpleNamespace(state=home.state, notifier=Dies(("ops", "mail")))
    with pytest.raises(KeyboardInterrupt):
        tell(dying, made.now)
    tell(home, made.now)  # comes at once: the attempt under way may still be another's
    assert arrived(home, "ops") == []
    tell(home, made.now + timedelta(minutes=1))
    sent = [m.id for c, m in (*dying.notifier.sent, *home.notifier.sent) if c == "ops"]
    assert sent == ["m1", "m1", "m2"]


@given(st.lists(st.lists(st.sampled_from(["ops", "mail"]), unique=True), max_size=40))
def test_whatever_fails_nothing_overtakes_and_nothing_is_lost_silently(failing):
    sent = {"ops": [], "mail": []}
    outbox = tuple(Delivery(message=message(m), channel=c) for m in ("m1", "m2", "m3") for c in sent)
    d = Deployment(
        model="m", source="", served=Served(champion="v1"), envelope=Envelope(), objectives=(), releases=(),
        telling=Telling(outbox=outbox),
    )  # fmt: skip
    now = datetime(2024, 1, 1, tzinfo=UTC)
    for broken in failing:
        d, due = claimed(d, now)
        for delivery in due:
            if delivery.channel not in broken:
                sent[delivery.channel].append(delivery.message.id)
        d = settled(d, due, {x.channel: "no" if x.channel in broken else "" for x in due}, now)
        now += timedelta(minutes=20)
    for channel, arrived_ in sent.items():
        waiting = [x.message.id for x in d.telling.outbox if x.channel == channel]
        lost = sum(c.lost for c in d.telling.channels if c.name == channel)
        assert arrived_ == sorted(arrived_)
        assert len(arrived_) + len(waiting) + lost == 3
        assert not arrived_ or not waiting or arrived_[-1] < waiting[0]


def test_a_channel_that_is_taken_out_of_the_file_is_sent_nothing_more(home, made):
    after = noticed(home.state.load("demand"), ("mail",), made.now)
    assert {d.channel for d in after.telling.outbox} == {"mail"}
    assert replace(after, telling=Telling()) == made.deployment()


def test_what_a_look_brought_is_told_after_it_and_once(made):
    state, notifier = SqlStateStore("sqlite://"), MemoryNotifier(("ops",))
    ports = SimpleNamespace(state=state, notifier=notifier)
    state.save(made.deployment(incidents=(made.incident(),), looked=None))
    tell(ports, made.now)
    assert not notifier.sent
    state.save(replace(state.load("demand"), looked=made.now))
    tell(ports, made.now)
    tell(ports, made.now)
    assert [m.title for _, m in notifier.sent] == ["[warning] demand: drift_location of temp"]
