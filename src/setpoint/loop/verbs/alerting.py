"""What a person may ask of the alerts: a test, a silence, an acknowledgement."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from setpoint.domain.event import What
from setpoint.domain.fleet import Deployment
from setpoint.domain.notice import Silence
from setpoint.domain.value import replace
from setpoint.errors import Conflict, InvalidInput, NotFound
from setpoint.loop.changes import decided, find_incident, having_incident, with_incident
from setpoint.loop.ports import Ports
from setpoint.loop.telling.wording import trial

LONGEST_SILENCE = timedelta(days=90)


def send_test(ports: Ports, model: str, now: datetime) -> dict[str, str]:
    """Send a test message to every channel of a model; return why each failed, "" where it did not."""
    deployment = ports.state.load(model)
    channels = ports.notifier.channels(deployment.alerts.to)
    return ports.notifier.send(deployment.alerts.to, dict.fromkeys(channels, trial(model, now)))


def silence(
    ports: Ports, models: Sequence[str], now: datetime, *, length: timedelta, by: str, column: str | None, why: str
) -> list[Silence]:
    """Tell nobody of the incidents of models, or of one of their columns, for a while; return a silence a model.

    Raises
    ------
    InvalidInput
        If the time is none, or longer than 90 days.
    NotFound
        If no model has such a column.
    """
    if not timedelta(0) < length <= LONGEST_SILENCE:
        raise InvalidInput(f"a silence lasts longer than 0s and at most {LONGEST_SILENCE.days}d")
    with ports.state.lease():
        concerned = [d for d in map(ports.state.load, models) if column is None or column in _columns(ports, d)]
        if not concerned:
            raise NotFound(f"no column {column!r} of {', '.join(models) or 'any model'}")
        return [_silence(ports, d, now, length, by, column, why) for d in concerned]


def _silence(
    ports: Ports, deployment: Deployment, now: datetime, length: timedelta, by: str, column: str | None, why: str
) -> Silence:
    telling = deployment.telling
    known = tuple(s for s in telling.silences if now < s.until)
    id_ = "-".join(filter(None, (deployment.model, column, f"{now:%Y%m%dT%H%M%S}")))
    made = Silence(id=id_, since=now, until=now + length, column=column, by=by, why=why)
    deployment = replace(deployment, telling=replace(telling, silences=(*known, made)))
    said = f"until {made.until:%Y-%m-%d %H:%M} UTC" + (f": {why}" if why else "")
    ports.state.save(decided(deployment, now, "", column or deployment.model, "silence", said, by))
    return made


def lift(ports: Ports, id_: str, now: datetime, *, by: str) -> str:
    """End a silence now; return the model that it was of."""
    with ports.state.lease():
        known = []
        for deployment in map(ports.state.load, ports.state.models()):
            in_force = [s for s in deployment.telling.silences if now < s.until]
            known += [s.id for s in in_force]
            if id_ in known:
                kept = tuple(s for s in in_force if s.id != id_)
                deployment = replace(deployment, telling=replace(deployment.telling, silences=kept))
                ports.state.save(decided(deployment, now, "", id_, "lift silence", "by a person", by))
                return deployment.model
    raise NotFound(f"no silence {id_!r} is in force; in force are: {', '.join(known) or 'none'}")


def acknowledge(ports: Ports, id_: str, now: datetime, *, by: str) -> Deployment:
    """Write down that somebody knows of an incident: nobody is reminded of it any more."""
    with ports.state.lease():
        deployment = having_incident(ports, id_)
        incident = find_incident(deployment, id_)
        if not incident.live:
            raise Conflict(f"{id_} is over since {incident.closed:%Y-%m-%d %H:%M} UTC")
        if incident.acknowledged_by:
            return deployment
        known = with_incident(
            deployment,
            replace(incident, acknowledged_by=by),
            now,
            f"acknowledged by {by}",
            what=What.ACKNOWLEDGED,
            by=by,
        )
        ports.state.save(decided(known, now, "", id_, "acknowledge", "somebody knows of it", by))
        return known


def _columns(ports: Ports, deployment: Deployment) -> tuple[str, ...]:
    return ports.bundles.get(deployment.model, deployment.served.champion).schema.names
