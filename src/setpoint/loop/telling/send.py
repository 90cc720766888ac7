"""Tell people what is new. A crash on the way loses nothing, and repeats one message at most."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from setpoint.domain.fleet import Deployment
from setpoint.domain.notice import Channel, Delivery
from setpoint.domain.value import replace
from setpoint.loop.ports import Ports
from setpoint.loop.telling.notices import noticed

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
MOST_ATTEMPTS = 10  # over some five hours; then the message is given up, and said to be lost
MOST_AT_ONCE = 20  # messages of one model to one channel in one go


def tell(ports: Ports, now: datetime) -> None:
    """Put what the last look brought into the outboxes, and send what is due: one message a channel at a time.

    Nobody waits for it: the lease is held only to write down what is about to be tried, and how it went.
    """
    for model in ports.state.models():
        for _ in range(MOST_AT_ONCE):
            with ports.state.lease():
                deployment = _noticed(ports, model)
                deployment, due = claimed(deployment, now)
                if due:
                    ports.state.save(deployment)
            if not due:
                break
            failures = ports.notifier.send(deployment.alerts.to, {d.channel: d.message for d in due})
            with ports.state.lease():
                ports.state.save(settled(ports.state.load(model), due, failures, now))


def _noticed(ports: Ports, model: str) -> Deployment:
    """Store what is new since people were last told; who died before they could is told the same again."""
    deployment = ports.state.load(model)
    seen = deployment.blind.at if deployment.blind else deployment.looked
    if seen is None or seen == deployment.telling.until:
        return deployment
    deployment = noticed(deployment, ports.notifier.channels(deployment.alerts.to), seen)
    ports.state.save(deployment)
    return deployment


def claimed(deployment: Deployment, now: datetime) -> tuple[Deployment, tuple[Delivery, ...]]:
    """Return the first message of each channel, if it is due, and the deployment in which that attempt has been made.

    An attempt is written down before it is made: who dies in it, or comes beside, finds it to be tried later.
    """
    outbox = deployment.telling.outbox
    firsts = {d.channel: d for d in reversed(outbox)}
    due = tuple(d for d in outbox if d is firsts[d.channel] and (d.due is None or d.due <= now))
    outbox = tuple(_tried(d, now) if d in due else d for d in outbox)
    return replace(deployment, telling=replace(deployment.telling, outbox=outbox)), due


def settled(
    deployment: Deployment, sent: tuple[Delivery, ...], failures: Mapping[str, str], now: datetime
) -> Deployment:
    """Take what arrived out of the outbox, and what was tried too often; write down how each channel did."""
    telling = deployment.telling
    known = {c.name: c for c in telling.channels}
    outbox = {(d.message.id, d.channel): d for d in telling.outbox}
    for delivery in sent:
        key, why = (delivery.message.id, delivery.channel), failures[delivery.channel]
        lost = bool(why) and delivery.attempts + 1 >= MOST_ATTEMPTS
        known[delivery.channel] = _seen(known.get(delivery.channel, Channel(name=delivery.channel)), why, lost, now)
        if not why or lost:
            outbox.pop(key, None)
        elif key in outbox:
            outbox[key] = replace(outbox[key], why=why)
    return replace(deployment, telling=replace(telling, outbox=tuple(outbox.values()), channels=tuple(known.values())))


def _tried(delivery: Delivery, now: datetime) -> Delivery:
    wait = min(FIRST_WAIT * 2**delivery.attempts, LONGEST_WAIT)
    return replace(delivery, attempts=delivery.attempts + 1, due=now + wait)


def _seen(channel: Channel, why: str, lost: bool, now: datetime) -> Channel:
    if not why:
        return replace(channel, delivered=now, why="")
    return replace(channel, failed=now, why=why, lost=channel.lost + lost)
