"""Candidates: their training sets, their gate, and what they brought."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.deploy.shadow import judge_shadow, loss_bound
from setpoint.deploy.verdict import short
from setpoint.domain.fleet import Deployment, Training
from setpoint.domain.objective import asked_gain, asked_latency_us
from setpoint.domain.rollout import Candidate, Phase, Rollout, Verdict
from setpoint.domain.sensitive import sealed
from setpoint.domain.training_set import Recipe
from setpoint.domain.update import Method
from setpoint.errors import InvalidInput
from setpoint.loop.learning.born import spared
from setpoint.loop.learning.gating import look_at
from setpoint.loop.learning.learnt import learnt_erased
from setpoint.loop.learning.sets import spec_of, training_set, write_set
from setpoint.loop.learning.windows import better_window
from setpoint.loop.looks.clear import in_clear
from setpoint.loop.looks.columns import fitting
from setpoint.loop.looks.look import Look
from setpoint.loop.looks.rescore import rescored_losses
from setpoint.loop.looks.spans import as_repaired
from setpoint.loop.ports import Ports
from setpoint.ports import FitJob, FitResult
from setpoint.stats.losses import losses_of
from setpoint.update.sets.lacking import lacking
from setpoint.update.sets.origin import LOG

SHADOW_ROWS = 168  # labelled rows after which a shadow is decided either way


def submit(ports: Ports, deployment: Deployment, training: Training) -> None:
    """Write the training set of a candidate, and start its training; doing it twice does it once."""
    champion = ports.bundles.get(deployment.model, training.parent)
    spec = spec_of(deployment, training.window_rows)
    made = training_set(ports, deployment, champion, until=training.holdout_since, as_of=training.until, spec=spec)
    if training.without is not None:
        made = lacking(made, training.without)
    file = write_set(made, ports.jobs / training.job, private=bool(sealed(champion.schema)))
    new_rows = _new_rows(made.provenance, training)
    if new_rows == 0 and training.method in (Method.CONTINUE, Method.PARTIAL_FIT):
        raise InvalidInput(
            f"there is nothing to go on with: of the rows before {training.holdout_since:%Y-%m-%d %H:%M}, none that "
            f"{training.parent} has not learnt may be learnt; {_why_left_out(made.recipe)}"
        )
    ports.trainer.submit(
        FitJob(
            id=training.job,
            model=deployment.model,
            parent=champion.version,
            training_set=str(file),
            reason=training.reason,
            trained_since=training.since or training.holdout_since,
            trained_until=training.holdout_since,
            method=training.method,
            train=deployment.train,
            source=deployment.source,
            allow=deployment.allow,
            latency_us=asked_latency_us(deployment.objectives),
            gain=asked_gain(deployment.objectives),
            new_rows=new_rows,
            may=deployment.updates.may,
            line=training.line,
            lined_rows=spared(training.lined_rows, new_rows),
        )
    )


def _why_left_out(recipe: Recipe) -> str:
    """Return what the steps left out of a set, in words."""
    lost = [f"{s.rows_in - s.rows_out:,} rows by {s.name}" for s in recipe.steps if s.rows_out < s.rows_in]
    return f"left out were {', '.join(lost)}" if lost else "no row was left out of its set"


def _new_rows(provenance: pa.Table, training: Training) -> int | None:
    """Return how many rows of a set no training has seen; they are its last ones."""
    if training.since is None:
        return None
    new = pc.and_(pc.equal(provenance["source"], LOG), pc.greater_equal(provenance["time"], training.since))
    return int(pc.sum(new).as_py() or 0)


def proven(training: Training, version: str, seconds: float, now: datetime) -> Rollout:
    """Return the rollout of a version that was proven before it was made, and waits to be promoted."""
    candidate = Candidate(
        version=version,
        champion=training.parent,
        reason=training.reason,
        created=now,
        trained_until=training.until,
        gate=training.proof,
        method=training.method,
        expected=training.expected,
        seconds=seconds,
    )
    return Rollout(candidate=candidate, phase=Phase.PROVEN)


def gate(ports: Ports, deployment: Deployment, look: Look, training: Training, fit: FitResult) -> Rollout:
    """Compare a candidate with the champion on the rows neither has learnt from; return its rollout after the gate.

    After a contest the better of the two is the candidate.
    """
    chosen = better_window(ports, deployment, look, training, fit.version)
    candidate = Candidate(
        version=chosen.version,
        champion=deployment.served.champion,
        reason=training.reason,
        created=look.now,
        trained_until=training.holdout_since,
        trigger=training.trigger,
        method=training.method,
        expected=training.expected,
        seconds=fit.seconds + training.rival_s,
        measures=fit.measures,
        window_rows=chosen.window_rows,
        contest=chosen.contest,
    )
    return look_at(ports, deployment, Rollout(candidate=candidate), until=training.until, now=look.now)


def once_more(ports: Ports, deployment: Deployment, rollout: Rollout, look: Look) -> Training:
    """Return the training that passed the gate again, up to now: what was held out is learnt too."""
    candidate = rollout.candidate
    lineage = ports.bundles.get(deployment.model, candidate.version).lineage
    return Training(
        job=f"{deployment.model}-{look.now:%Y%m%dT%H%M%S}-refit",
        parent=lineage.parent or candidate.champion,
        reason=candidate.reason,
        by="setpoint",
        holdout_since=look.now,
        until=look.now,
        since=lineage.trained_since,
        method=candidate.method,
        window_rows=candidate.window_rows,
        trigger=candidate.trigger,
        expected=candidate.expected,
        lined_rows=lineage.lined_rows,
        submitted=False,
        repeats=candidate.version,
        frontier=lineage.trained_since,
        learnt_until=lineage.trained_since and lineage.trained_since - timedelta(microseconds=1),
    )


def unsound(ports: Ports, deployment: Deployment, look: Look, proven: Rollout, version: str) -> str:
    """Return what is wrong with the second training of a candidate that passed the gate; empty: nothing.

    It has learnt the rows that the first was judged on, so it must at least beat the champion there.
    """
    if erased := learnt_erased(ports, deployment.model, version):
        return f"the second training is refused: {erased}"
    candidate, schema = proven.candidate, look.champion.schema
    rows = ports.log.read(deployment.model, since=candidate.trained_until, until=proven.looked, as_of=proven.looked)
    sound = as_repaired(fitting(ports, deployment.model, rows, schema).labelled, deployment)
    held_out = in_clear(ports, deployment.model, sound)
    ours = rescored_losses(ports, deployment, schema, version, held_out)
    theirs = rescored_losses(ports, deployment, schema, candidate.champion, held_out)
    words = f"the second training gave {version}, which"
    if missing := int((np.isnan(ours) & ~np.isnan(theirs)).sum()):
        return f"{words} does not answer {missing} rows that {candidate.champion} answers"
    loss, before = float(np.nanmean(ours)), float(np.nanmean(theirs))
    if loss < before:
        return ""
    return f"{words} loses {short(loss)} a row on rows it has learnt, where {candidate.champion} loses {short(before)}"


def judge_rollout(rollout: Rollout, deployment: Deployment, look: Look) -> Verdict:
    """Judge a shadow on the requests that both have answered and whose outcome is known."""
    assert look.shadow is not None
    assert rollout.shadow_since is not None
    served = rollout.shadow_served or rollout.shadow_since
    schema = look.champion.schema
    before = look.healthy(deployment, rollout.shadow_since).labelled
    asked = look.history.between(served, deployment.looked)
    answered = {id_: row for row, id_ in enumerate(look.shadow.id)}
    both = np.array([id_ in answered for id_ in asked.id], dtype=bool)
    champion = asked.take(both)
    shadow = look.shadow.take(np.array([answered[id_] for id_ in champion.id], np.int64))
    known = ~np.isnat(champion.known)
    return judge_shadow(
        losses_of(champion.take(known), schema),
        losses_of(shadow.take(known), schema),
        int((~both).sum()),
        SHADOW_ROWS,
        answers=len(champion),
        bound=loss_bound(losses_of(before, schema)),
    )
