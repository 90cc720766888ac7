"""What every notifier promises; Apprise keeps it towards a real server."""

import time

import pytest

from setpoint.domain.notice import Message, Severity
from setpoint.errors import InvalidInput
from setpoint.platforms.notify import AppriseNotifier
from setpoint.store.messages import MemoryNotifier

SECRET = "s3cretTOKENs3cret"


def a_message(**changes):
    values = {"id": "m-1", "model": "demand", "title": "[critical] demand: mae", "text": "text", "markdown": "**text**"}
    return Message(**values | {"severity": Severity.CRITICAL} | changes)


class NotifierContract:
    """Subclass it, give a `notifier`, its addresses `to` and `arrived`; these then run."""

    def test_addresses_have_channels(self, notifier, to):
        assert len(notifier.channels(to)) == len(to)
        notifier.check(to)

    def test_a_message_arrives_at_the_channels_it_is_for(self, notifier, to, arrived):
        first, _ = notifier.channels(to)
        assert notifier.send(to, {first: a_message()}) == {first: ""}
        assert arrived() == ["[critical] demand: mae"]

    def test_nothing_sent_is_nothing_failed(self, notifier, to, arrived):
        assert notifier.send(to, {}) == {}
        assert arrived() == []

    def test_no_addresses_are_no_channels(self, notifier):
        assert notifier.channels([]) == ()
        assert notifier.channels(None) == ()


class TestMemory(NotifierContract):
    @pytest.fixture
    def notifier(self):
        return MemoryNotifier()

    @pytest.fixture
    def to(self):
        return ["ops", "mail"]

    @pytest.fixture
    def arrived(self, notifier):
        return lambda: [m.title for _, m in notifier.sent]


class TestApprise(NotifierContract):
    @pytest.fixture
    def notifier(self, hook):
        environment = {"OPS": f"{hook.address}/{SECRET}", "TWO": f"{hook.address}/a, {hook.address}/b"}
        return AppriseNotifier(environment, limit_s=2.0)

    @pytest.fixture
    def to(self, hook):
        return ["${OPS}", f"{hook.address}/open"]

    @pytest.fixture
    def arrived(self, hook):
        return lambda: [body["title"] for _, body in hook.posts]

    def test_a_variable_may_hold_several_addresses(self, notifier, hook):
        channels = notifier.channels(["${TWO}"])
        assert channels == ("${TWO}", "${TWO} #2")
        assert set(notifier.send(["${TWO}"], dict.fromkeys(channels, a_message())).values()) == {""}
        assert sorted(path for path, _ in hook.posts) == ["/a", "/b"]

    def test_the_home_tells_whom_its_variable_names(self, hook):
        notifier = AppriseNotifier({"SETPOINT_ALERTS": f"{hook.address}/home"})
        (channel,) = notifier.channels(None)
        assert notifier.send(None, {channel: a_message(severity=None)}) == {channel: ""}
        assert hook.posts[0][1]["type"] == "success"
        assert notifier.channels([]) == ()

    def test_a_failure_is_said_without_the_secret(self, hook):
        notifier = AppriseNotifier({"OPS": f"{hook.address}/fail/{SECRET}", "GONE": f"json://127.0.0.1:9/{SECRET}"})
        said = notifier.send(["${OPS}", "${GONE}"], {"${OPS}": a_message(), "${GONE}": a_message()})
        assert "500" in said["${OPS}"]
        assert "500" not in said["${GONE}"]
        assert "onnection" in said["${GONE}"]
        assert "onnection" not in said["${OPS}"]
        assert SECRET not in str(said)

    def test_a_server_that_hangs_is_waited_for_in_bounds_and_not_asked_again_meanwhile(self, hook):
        notifier = AppriseNotifier({"OPS": f"{hook.address}/hang"}, limit_s=0.3)
        begun = time.monotonic()
        assert "no answer within 0.3 s" in notifier.send(["${OPS}"], {"${OPS}": a_message()})["${OPS}"]
        assert "has not ended" in notifier.send(["${OPS}"], {"${OPS}": a_message()})["${OPS}"]
        assert time.monotonic() - begun < 10

    def test_a_variable_that_is_gone_is_a_failure(self, notifier):
        assert notifier.channels(["${NOWHERE}"]) == ("${NOWHERE}",)
        assert "empty" in notifier.send(["${NOWHERE}"], {"${NOWHERE}": a_message()})["${NOWHERE}"]

    @pytest.mark.parametrize(
        ("written", "says"),
        [
            ("${NOWHERE}", "NOWHERE is not set"),
            ("nonsense", "no address that Apprise can use"),
            ("smoke://signal", "no address that Apprise can use"),
            (f"slack://T1JJ3T3L2/A1BRTD4JD/{SECRET}0000000", "secret written out"),
            (f"json://user:{SECRET}@host/x", "secret written out"),
            (f"jsons://host/x?+X-Token={SECRET}", "secret written out"),
            (f"json://user:{SECRET}@host/${{OPS}}", "secret written out"),
            ("${BAD}", "no address that Apprise can use"),
        ],
    )
    def test_an_address_that_cannot_be_used_is_refused_without_its_secret(self, written, says, hook):
        notifier = AppriseNotifier({"BAD": f"nonsense://{SECRET}", "OPS": "x"})
        with pytest.raises(InvalidInput) as refused:
            notifier.check([written])
        assert says in str(refused.value)
        assert SECRET not in str(refused.value)
