"""Hold a change against an envelope. The loop asks before it acts, `setpoint envelope check` asks again afterwards."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from setpoint.domain.envelope import LOOP, Change, Envelope, Fact, Kind
from setpoint.domain.value import value

DAY, WEEK = timedelta(days=1), timedelta(days=7)
COUNTED = tuple(kind for kind in Kind if kind is not Kind.SHARE)  # steps are part of a promotion
BY_DAY = (Kind.RETRAIN, Kind.PROMOTE, Kind.SHARE)  # what keeps to the envelope's hours
PROOF = ("gate", "gate_rows", "shadow", "shadow_rows")  # facts of a promotion


@value
class Breach:
    """One bound that a change would leave, in words; `passing` ones are cured by waiting, others need a person."""

    bound: str
    words: str
    passing: bool = False


def breaches(envelope: Envelope, change: Change, before: Sequence[Change]) -> tuple[Breach, ...]:
    """Return every bound that an automatic change would leave; none: it may be made.

    Parameters
    ----------
    envelope : Envelope
        What is in force at the time of the change.
    change : Change
        Judged as if nobody had decided it.
    before : sequence of Change
        What was done before, in time order.
    """
    return (*_permission(envelope, change), *_often(envelope, change, before), *_hours(envelope, change),
            *_training(envelope, change), *_promotion(envelope, change), *_step(envelope, change),
            *_workers(envelope, change))  # fmt: skip


def spent(before: Sequence[Change], now: datetime) -> int:
    """Return how many automatic changes of the last 24 hours count against the day's number."""
    return sum(c.is_automatic and c.kind in COUNTED and c.at > now - DAY for c in before)


def unproven(envelope: Envelope, change: Change) -> bool:
    """Whether the envelope asks for evidence that was not written down with a change."""
    if change.kind is Kind.RETRAIN:
        return envelope.retrain.methods is not None and "method" not in change.facts
    asks = envelope.promote.worse_by is not None or envelope.promote.gate_rows or envelope.promote.shadow_rows
    return change.kind is Kind.PROMOTE and bool(asks) and not all(name in change.facts for name in PROOF)


def _permission(envelope: Envelope, change: Change) -> Iterator[Breach]:
    if not envelope.is_automatic(change.kind):
        name = Kind.PROMOTE if change.kind is Kind.SHARE else change.kind
        listed = "listed under ask" if name in envelope.ask else "not in the envelope"
        yield Breach(bound="automatic", words=f"{name} is {listed}")


def _often(envelope: Envelope, change: Change, before: Sequence[Change]) -> Iterator[Breach]:
    today = spent(before, change.at)
    if change.kind in COUNTED and today >= envelope.max_actions_per_day:
        words = f"{today} of {envelope.max_actions_per_day} actions are spent today"
        yield Breach(bound="max_actions_per_day", words=words, passing=True)
    most = {Kind.RETRAIN: envelope.retrain.most_per_week, Kind.PROMOTE: envelope.promote.most_per_week}.get(change.kind)
    week = sum(c.is_automatic and c.kind is change.kind and c.at > change.at - WEEK for c in before)
    if most is not None and week >= most:
        words = f"{change.kind} {week} times in seven days, at most {most}"
        yield Breach(bound=f"{change.kind}.most_per_week", words=words, passing=True)


def _hours(envelope: Envelope, change: Change) -> Iterator[Breach]:
    if envelope.hours is not None and change.kind in BY_DAY and not envelope.hours.holds(change.at):
        yield Breach(bound="hours", words=f"{change.kind} outside the hours {envelope.hours.text}", passing=True)


def _training(envelope: Envelope, change: Change) -> Iterator[Breach]:
    methods, method = envelope.retrain.methods, change.facts.get("method")
    if change.kind is Kind.RETRAIN and methods is not None and method is not None and method not in methods:
        yield Breach(bound="retrain.methods", words=f"training by {method}, which is none of {', '.join(methods)}")


def _promotion(envelope: Envelope, change: Change) -> Iterator[Breach]:
    if change.kind is not Kind.PROMOTE or not all(name in change.facts for name in PROOF):
        return
    facts, bounds = change.facts, envelope.promote
    if facts["gate"] != "accept" and facts.get("begun_by", LOOP) == LOOP:  # a person may begin with what they like
        yield Breach(
            bound="promote.gate", words=f"{change.subject} has not passed the gate ({facts['gate'] or 'none'})"
        )
    if number(facts, "gate_rows") < bounds.gate_rows:
        words = f"judged at the gate on {facts['gate_rows']:g} labelled rows, at least {bounds.gate_rows}"
        yield Breach(bound="promote.gate_rows", words=words)
    if facts["shadow"] and number(facts, "shadow_rows") < bounds.shadow_rows:
        words = f"judged in shadow on {facts['shadow_rows']:g} labelled rows, at least {bounds.shadow_rows}"
        yield Breach(bound="promote.shadow_rows", words=words, passing=True)
    loss = number(facts, "champion_loss")
    if bounds.worse_by is not None and number(facts, "gain") < -bounds.worse_by * loss:
        words = f"worse by {-number(facts, 'gain') / loss:.1%} of the loss, at most {bounds.worse_by:.1%}"
        yield Breach(bound="promote.worse_by", words=words)


def _step(envelope: Envelope, change: Change) -> Iterator[Breach]:
    """Judge how much of the requests moves at once."""
    if change.kind not in (Kind.PROMOTE, Kind.SHARE) or "from" not in change.facts:
        return
    to = number(change.facts, "share") if change.kind is Kind.SHARE else 1.0
    step = to - number(change.facts, "from")
    if step > envelope.promote.largest_step + 1e-9:
        words = f"{step:.0%} of the requests move at once, at most {envelope.promote.largest_step:.0%}"
        yield Breach(bound="promote.largest_step", words=words)


def _workers(envelope: Envelope, change: Change) -> Iterator[Breach]:
    if change.kind is not Kind.WORKERS or "workers" not in change.facts:
        return
    wanted, most = number(change.facts, "workers"), envelope.workers
    if most is None or wanted > most:
        stated = "the envelope states no `workers`" if most is None else f"at most {most}"
        yield Breach(bound="workers", words=f"{wanted:g} workers, {stated}")


def number(facts: dict[str, Fact], name: str) -> float:
    """Return a fact that is a number; 0 where it was not written down."""
    return float(facts.get(name, 0.0))
