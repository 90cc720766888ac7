"""What is done to have a version answer that does without a column, while its values are lost."""

from setpoint.domain.contract import fits
from setpoint.domain.envelope import LOOP
from setpoint.domain.event import What
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.fleet import Deployment, Training
from setpoint.domain.incident import Cause, Incident
from setpoint.domain.records import Column, Columns, Records, moment
from setpoint.domain.repaired import repaired
from setpoint.domain.schema import Task
from setpoint.domain.value import replace
from setpoint.loop import actions as do
from setpoint.loop.acts.base import act
from setpoint.loop.changes import cause_of, decided, find_incident, with_incident
from setpoint.loop.learning.learnt import learnt_erased
from setpoint.loop.learning.windows import EVERY_ROW
from setpoint.loop.looks.clear import in_clear, score
from setpoint.loop.looks.look import Look
from setpoint.loop.ports import Ports
from setpoint.loop.refetching import asks, counted_in, sourced
from setpoint.maintain import stand_in
from setpoint.maintain.case import as_seen
from setpoint.maintain.loss import answer_losses, interval_words, loss_name, losses
from setpoint.maintain.remedies.sourced import FEWEST


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


@act.register
def _(action: do.Offer, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    training, fit = deployment.training, look.fit
    assert training is not None
    assert training.without is not None
    assert fit is not None
    deployment = replace(deployment, training=None)
    incident = find_incident(deployment, training.incident)
    if fit.version is None:
        why = fit.error or "the training gave no version"
        return decided(deployment, look.now, *cause_of(incident), "training failed", why)
    cause = next(
        c for c, sign in stand_in.SIGNS.items() if training.without.instead and training.without.instead.sign is sign
    )
    if erased := learnt_erased(ports, deployment.model, fit.version):
        return decided(deployment, look.now, *cause_of(incident), "reject", erased)
    judged = _judged(ports, deployment, look, incident, cause, training, fit.version)
    suspect = look.history.between(incident.since, None)
    if cause is Cause.SKEW and asks(deployment, incident, suspect):
        deployment = counted_in(deployment, len(suspect), look.now)
    if judged is None:
        return decided(deployment, look.now, *cause_of(incident), "reject", f"too few rows tell of {fit.version}")
    now, then, words = judged
    gain = stand_in.gain_of(now, then)
    why = f"{words} {now.mean():.4g}, with {fit.version} {then.mean():.4g} on {len(now)} records"
    why += f"; gain {gain.mean:.4g}, {interval_words(gain)}"
    if gain.low <= 0:
        return decided(deployment, look.now, *cause_of(incident), "reject", f"{why}: not surely better")
    repair = stand_in.standing_in(incident, cause, training.without, fit.version, look.champion.version)
    repair = replace(repair, proof=why)
    if cause is not Cause.SKEW:
        repair = replace(repair, loss_before=float(now.mean()), loss_expected=float(then.mean()))
    offered = replace(incident, stand_in=fit.version, better=repair)
    return with_incident(deployment, offered, look.now, f"{fit.version} may stand in: {why}", what=What.NOTED)


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


def _judged(
    ports: Ports,
    deployment: Deployment,
    look: Look,
    incident: Incident,
    cause: Cause,
    training: Training,
    version: str,
) -> tuple[Column, Column, str] | None:
    """Return the losses as it is served now and with the stand-in, row by row, and what they are."""
    repair = training.without
    assert repair is not None
    if cause is Cause.SKEW:
        return _by_source(ports, deployment, look, incident, repair, version)
    rows = stand_in.held_out(_healthy(ports, deployment, look, incident))
    rows = rows and rows.between(training.holdout_since, None)
    now = None if rows is None else _losses(ports, deployment, look, repair, rows)
    if rows is None or now is None:
        return None
    seen = _lost(as_seen(rows, deployment.served.maps), repair)
    answers = _ask(ports, deployment, version, repaired(seen, [repair]))
    words = f"on rows from before, had they lacked {repair.feature}: {loss_name(look.champion.schema)}"
    return now, answer_losses(answers, rows.truth, look.champion.schema), words


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
    ports: Ports, deployment: Deployment, look: Look, incident: Incident, repair: FeatureMap, version: str
) -> tuple[Column, Column, str] | None:
    schema = look.champion.schema
    suspect = in_clear(ports, deployment.model, look.history.between(incident.since, None))
    found = sourced(ports, deployment, schema, incident, suspect)
    if found is None or repair.feature not in found[1]:
        return None
    rows, source = found
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
