"""What is done to have a version answer that does without a column, while its values are lost."""

from setpoint.domain.contract import fits
from setpoint.domain.envelope import LOOP
from setpoint.domain.event import What
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.fleet import Deployment, Training
from setpoint.domain.incident import Cause, Incident, Repair
from setpoint.domain.records import Column, Columns, Records, moment
from setpoint.domain.repaired import repaired
from setpoint.domain.schema import Task
from setpoint.domain.value import replace
from setpoint.loop import actions as do
from setpoint.loop.acts.base import act
from setpoint.loop.changes import cause_of, decided, find_incident, with_incident
from setpoint.loop.learning.windows import EVERY_ROW
from setpoint.loop.looks.clear import in_clear, score
from setpoint.loop.looks.look import Look
from setpoint.loop.ports import Ports
from setpoint.maintain import stand_in
from setpoint.maintain.case import as_seen
from setpoint.maintain.loss import answer_losses, interval_words, loss_name, losses
from setpoint.maintain.remedies.sourced import ERROR, FEWEST


@act.register
def _(action: do.StandIn, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    found = stand_in.lost_column(incident)
    assert found is not None
    asked = replace(incident, stand_in=stand_in.NONE)
    repair, healthy = _repair(ports, deployment, look, incident, *found), _healthy(ports, deployment, look, incident)
    rows = stand_in.held_out(healthy)
    if repair is None or rows is None or not _worth(ports, deployment, look, found[0], repair, rows):
        return with_incident(deployment, asked)
    why = f"{found[1]} is broken: a version that does without it may answer better while it is"
    training = Training(
        job=f"{deployment.model}-{look.now:%Y%m%dT%H%M%S}-without",
        parent=look.champion.version,
        reason=why,
        by=LOOP,
        holdout_since=moment(rows.time[0]),
        until=look.now,
        window_rows=EVERY_ROW,
        submitted=False,
        without=repair,
        incident=incident.id,
    )
    deployment = with_incident(replace(deployment, training=training), asked, look.now, why, what=What.NOTED)
    return decided(deployment, look.now, *cause_of(incident), "fit", why, facts={"method": str(training.method)})


def _healthy(ports: Ports, deployment: Deployment, look: Look, incident: Incident) -> Records:
    return in_clear(ports, deployment.model, look.healthy(deployment, incident.since))


def _repair(
    ports: Ports, deployment: Deployment, look: Look, incident: Incident, cause: Cause, column: str
) -> FeatureMap | None:
    feature = next((f for f in look.champion.schema.features if f.name == column), None)
    since = look.history.between(incident.since, None)
    if feature is None or feature.sensitive is not None or not len(since):
        return None
    healthy = as_seen(_healthy(ports, deployment, look, incident), deployment.served.maps)
    return stand_in.without(feature, cause, incident.named(".without"), healthy[column], since.inputs[column])


def _worth(ports: Ports, deployment: Deployment, look: Look, cause: Cause, repair: FeatureMap, rows: Records) -> bool:
    """Whether the lost column costs something, as it is served now; of a skew nobody knows before it is tried."""
    if cause is Cause.SKEW:
        return look.champion.schema.task is not Task.MULTICLASS
    now = _losses(ports, deployment, look, repair, rows)
    seen = as_seen(rows, deployment.served.maps)
    well = answer_losses(_ask(ports, deployment, look.champion.version, seen), rows.truth, look.champion.schema)
    if now is None:  # such rows are refused until the door puts something in: by when it is judged, it does
        return True
    return bool((now - well).mean() > stand_in.WORTH * well.mean())


def judged_on_healthy(
    ports: Ports, deployment: Deployment, look: Look, incident: Incident, training: Training, version: str
) -> tuple[Repair | None, str]:
    """Return the repair by a stand-in where it is surely better than what is served, and what was compared.

    Both answer rows from before the fault, that the stand-in did not learn, as if they had lacked the column.
    """
    repair = training.without
    assert repair is not None
    rows = stand_in.held_out(_healthy(ports, deployment, look, incident))
    rows = rows and rows.between(training.holdout_since, None)
    now = None if rows is None else _losses(ports, deployment, look, repair, rows)
    if rows is None or now is None:
        return None, f"too few rows tell of {version}"
    seen = _lost(as_seen(rows, deployment.served.maps), repair)
    answers = _ask(ports, deployment, version, repaired(seen, [repair]))
    then = answer_losses(answers, rows.truth, look.champion.schema)
    words = f"on rows from before, had they lacked {repair.feature}: {loss_name(look.champion.schema)}"
    better, why = _surely_better(deployment, incident, repair, version, (now, then, words), ERROR)
    if better is None:
        return None, why
    return replace(better, loss_before=float(now.mean()), loss_expected=float(then.mean())), why


def judged_by_source(
    ports: Ports,
    deployment: Deployment,
    look: Look,
    incident: Incident,
    asked: tuple[Records, Columns],
    column: str,
    error: float,
) -> tuple[Repair | None, str]:
    """Return the repair by the stand-in for a skew where it answers surely nearer to the source, and what was compared.

    Parameters
    ----------
    asked : tuple of Records and Columns
        Rows whose source was asked, and what it says of them.
    """
    version = incident.stand_in
    repair = _repair(ports, deployment, look, incident, Cause.SKEW, column)
    judged = None if repair is None else _by_source(ports, deployment, look, asked, repair, version)
    if repair is None or judged is None:
        return None, f"too few rows tell of {version}"
    return _surely_better(deployment, incident, repair, version, judged, error)


def _surely_better(
    deployment: Deployment,
    incident: Incident,
    repair: FeatureMap,
    version: str,
    judged: tuple[Column, Column, str],
    error: float,
) -> tuple[Repair | None, str]:
    now, then, words = judged
    gain = stand_in.gain_of(now, then, 1 - error)
    why = f"{words} {now.mean():.4g}, with {version} {then.mean():.4g} on {len(now)} records"
    why += f"; gain {gain.mean:.4g}, {interval_words(gain, level=1 - error)}"
    if gain.low <= 0:
        return None, f"{why}: not surely better"
    assert repair.instead is not None
    cause = next(c for c, sign in stand_in.SIGNS.items() if repair.instead.sign is sign)
    found = stand_in.standing_in(incident, cause, repair, version, deployment.served.champion)
    return replace(found, proof=why), why


def _losses(ports: Ports, deployment: Deployment, look: Look, repair: FeatureMap, rows: Records) -> Column | None:
    """Return the champion's losses on rows, had they lacked the column, as it is served; None where it cannot."""
    feature = next(f for f in look.champion.schema.features if f.name == repair.feature)
    held = repair.instead is not None and repair.instead.held is not None
    if not feature.nullable and not held and not any(m.feature == repair.feature for m in deployment.served.maps):
        return None
    seen = repaired(_lost(as_seen(rows, deployment.served.maps), repair), deployment.served.maps)
    answers = _ask(ports, deployment, look.champion.version, seen)
    return answer_losses(answers, rows.truth, look.champion.schema)


def _lost(seen: Columns, repair: FeatureMap) -> Columns:
    """Return rows as they would come had they lacked a column."""
    instead = repair.instead
    column = seen[repair.feature]
    assert instead is not None
    return {**seen, repair.feature: stand_in.lost_values(column, instead.held)}


def _by_source(
    ports: Ports,
    deployment: Deployment,
    look: Look,
    asked: tuple[Records, Columns],
    repair: FeatureMap,
    version: str,
) -> tuple[Column, Column, str] | None:
    """Return how far answers are from those with the source's values, now and with the stand-in, row by row."""
    schema = look.champion.schema
    rows, source = asked
    if repair.feature not in source:
        return None
    usable = fits(next(f for f in schema.features if f.name == repair.feature), source[repair.feature])
    if usable.sum() < FEWEST:
        return None
    rows, source = rows.take(usable), {repair.feature: source[repair.feature][usable]}
    sent = dict(rows.inputs)
    meant = _ask(ports, deployment, look.champion.version, {**sent, repair.feature: source[repair.feature]})
    now = _ask(ports, deployment, look.champion.version, repaired(sent, deployment.served.maps))
    then = _ask(ports, deployment, version, repaired(sent, [repair]))
    target = meant[schema.score]
    words = f"distance from the answers with the source's values of {repair.feature}:"
    off, left = (losses(a[schema.score], target, schema.task) for a in (now, then))
    return off, left, words


def _ask(ports: Ports, deployment: Deployment, version: str, inputs: Columns) -> Columns:
    return score(ports, deployment.model, version, inputs)
