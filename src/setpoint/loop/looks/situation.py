"""What may be done about a model's answers: thought over once a unit of outcomes has come in, for it asks versions."""

import logging
from datetime import datetime
from functools import partial

import numpy as np

from setpoint.domain.calibration import Calibration, FloatArray, undo
from setpoint.domain.fleet import Deployment
from setpoint.domain.records import Column, Records, stamp
from setpoint.domain.schema import Task
from setpoint.domain.value import value
from setpoint.domain.version import ModelVersion
from setpoint.errors import SetpointError
from setpoint.loop.learning.lineage import trained
from setpoint.loop.looks.clear import in_clear, score
from setpoint.loop.looks.columns import same_columns
from setpoint.loop.looks.rescore import rescored_losses
from setpoint.loop.looks.spans import as_answered, repaired_spans, untouched
from setpoint.loop.ports import Ports
from setpoint.runtime.adjusted import scores_of
from setpoint.stats.losses import losses_of
from setpoint.update.advice import Move
from setpoint.update.former import Former, better_former, look_due, looked_back_on
from setpoint.update.line import Line, best_line
from setpoint.update.line import moves as moved
from setpoint.update.recalibration import Answers
from setpoint.update.sets.fill import repaired_inputs

log = logging.getLogger(__name__)
UNIT = 0.04  # of the rows that the champion learnt: so many new outcomes are a unit
FEWEST_UNIT, LARGEST_UNIT = 40, 2_000
LOOK_BACK = 20  # units of labelled rows that a line may be learnt and proven on
LATEST = 4  # units that the present answers are measured on


@value
class Prospect:
    """What was found when a decision was last thought over.

    `line` is what the champion's raw answers should get, None: nothing; `moves` how far that would change their losses
    (fraction); `former` an earlier champion that would do better; `loss` the mean loss of the latest answers.
    """

    line: Line | None
    moves: float
    former: Former | None
    loss: float


def prospect(ports: Ports, deployment: Deployment, champion: ModelVersion, history: Records) -> Prospect | None:
    """Think over what may be done; None where nothing can have changed, or something is under way."""
    busy = deployment.training is not None or any(r.running for r in deployment.rollouts)
    if busy or new_outcomes(deployment, history) < unit_rows(champion):
        return None
    line, moves = line_of(ports, deployment, champion, history)
    former = former_of(ports, deployment, champion, history)
    loss = recent_loss(champion, as_answered(history, deployment))
    return Prospect(line=line, moves=moves, former=former, loss=loss)


def unit_rows(champion: ModelVersion) -> int:
    """Return how many outcomes make a unit: what a decision is thought over anew after."""
    return int(np.clip(round(UNIT * champion.lineage.rows), FEWEST_UNIT, LARGEST_UNIT))


def new_outcomes(deployment: Deployment, history: Records) -> int:
    """Return how many outcomes have become known since a decision was last thought over."""
    known = history.labelled.known
    since = deployment.advised.at if deployment.advised else None
    return len(known) if since is None else int((known > stamp(since)).sum())


def line_of(
    ports: Ports, deployment: Deployment, champion: ModelVersion, history: Records
) -> tuple[Line | None, float]:
    """Return the line that the champion's raw answers should get, and how far it would move their losses (fraction)."""
    schema, unit = champion.schema, unit_rows(champion)
    if schema.task is Task.MULTICLASS and not schema.probabilities:
        return None, 0.0
    rows = history.labelled
    rows = _latest(rows.take(untouched(rows, deployment)), LOOK_BACK * unit)
    served = _answers(rows, _raw_as_served(ports, champion, rows))
    own = _own(ports, deployment, champion, rows)
    root = trained(ports.bundles, champion)
    born = root.calibration if root.calibration == champion.calibration else None
    line = best_line(schema.task, own, served, unit, born)
    new = line.calibration if line else None
    return line, moved(schema.task, champion.calibration, new, _last(own, LATEST * unit))


def former_of(ports: Ports, deployment: Deployment, champion: ModelVersion, history: Records) -> Former | None:
    """Return an earlier champion that would surely do better now; None where there is none.

    Compared are the models as they were trained, with the lines that they were born with, and the champion with the
    line that it has: one that was learnt for other times is no way back. Only outcomes count that have become known
    since the champion's model was chosen.
    """
    root, unit = trained(ports.bundles, champion), unit_rows(champion)
    chosen = _chosen(ports, deployment, root.version)
    rows = history.between(root.lineage.trained_until or chosen, None).labelled
    rows = rows.take(rows.known > stamp(chosen))
    rows = rows.take(untouched(rows, deployment))
    look = look_due(len(rows), _seen_before(deployment, rows), unit)
    names = _formers(deployment, ports, root.version)
    if look is None or not names:
        return None
    rows = _latest(rows, LOOK_BACK * unit)
    asked = in_clear(ports, deployment.model, rows)
    losses = partial(rescored_losses, ports, deployment, champion.schema)
    theirs = {}
    for name in names:
        try:
            theirs[name] = _unlearnt(ports, champion.model, name, rows, losses(name, asked))
        except SetpointError as e:  # damaged, or it cannot be loaded any more: it is no way back
            log.warning("%s %s cannot be compared with the champion: %s", champion.model, name, e)
    return better_former(losses(champion.version, asked), theirs, look=look)


def recent_loss(champion: ModelVersion, history: Records) -> float:
    """Return the mean loss of the latest answers, as they were served; NaN where no outcome is known."""
    latest = losses_of(_latest(history.labelled, LATEST * unit_rows(champion)), champion.schema)
    return float(np.nanmean(latest)) if np.isfinite(latest).any() else float("nan")


def _chosen(ports: Ports, deployment: Deployment, root: str) -> datetime:
    """Return since when the champion's model is champion, whatever lines it had."""
    chosen = deployment.releases[-1].at
    for release in reversed(same_columns(ports, deployment)):
        if _root(ports, deployment.model, release.version) != root:
            break
        chosen = release.at
    return chosen


def _seen_before(deployment: Deployment, rows: Records) -> int:
    """Return how many of the outcomes were known when this was last asked; a restoration still wanted is asked anew."""
    last = deployment.advised
    return 0 if last is None or last.move == Move.RESTORE else int((rows.known <= stamp(last.at)).sum())


def _formers(deployment: Deployment, ports: Ports, root: str) -> list[str]:
    """Return the models that were champion before this one, have its columns and are still whole."""
    gone = {r.version for r in ports.bundles.removals(deployment.model)}
    before = [_root(ports, deployment.model, r.version) for r in same_columns(ports, deployment)]
    return list(looked_back_on([version for version in before if version != root and version not in gone]))


def _unlearnt(ports: Ports, model: str, version: str, rows: Records, losses: Column) -> Column:
    """Return the losses on rows that a version has not learnt; NaN on the others."""
    until: datetime | None = trained(ports.bundles, ports.bundles.get(model, version)).lineage.trained_until
    return losses if until is None else np.where(rows.time >= stamp(until), losses, np.nan)


def _own(ports: Ports, deployment: Deployment, champion: ModelVersion, rows: Records) -> Answers:
    """Return the raw answers of the champion's model to rows that it has not learnt, asked where another served."""
    root = trained(ports.bundles, champion)
    rows = rows.between(root.lineage.trained_until, None)
    family = [v for v in dict.fromkeys(rows.version.tolist()) if _root(ports, champion.model, v) == root.version]
    raw = _raw_as_served(ports, champion, rows)
    others = np.flatnonzero(~np.isin(rows.version.astype(str), family))
    if len(others):
        asked = in_clear(ports, champion.model, rows.take(others))
        inputs = repaired_inputs(asked, repaired_spans(deployment))
        given = scores_of(score(ports, champion.model, champion.version, inputs), champion.schema)
        raw[others] = _uncalibrated(champion.calibration, given, champion.schema.task)
    return _answers(rows, raw)


def _root(ports: Ports, model: str, version: str) -> str:
    return trained(ports.bundles, ports.bundles.get(model, version)).version


def _raw_as_served(ports: Ports, champion: ModelVersion, rows: Records) -> FloatArray:
    """Return what models answered before calibration, as the rows were served."""
    given = rows.score if rows.classes is None else rows.classes.probabilities
    raw = given.astype(np.float64)
    for version in dict.fromkeys(rows.version.tolist()):
        line = ports.bundles.get(champion.model, version).calibration
        if line is not None:
            served = rows.version == version
            raw[served] = _uncalibrated(line, raw[served], champion.schema.task)
    return raw


def _uncalibrated(line: Calibration | None, given: FloatArray, task: Task) -> FloatArray:
    return given if line is None else undo(line, given, task)


def _answers(rows: Records, raw: FloatArray) -> Answers:
    return Answers(raw=raw, truth=rows.truth.astype(np.float64), time=rows.time, known=rows.known)


def _latest(rows: Records, count: int) -> Records:
    return rows.take(np.arange(max(0, len(rows) - count), len(rows)))


def _last(answers: Answers, count: int) -> Answers:
    latest = slice(-count, None)
    return Answers(
        raw=answers.raw[latest], truth=answers.truth[latest], time=answers.time[latest], known=answers.known[latest]
    )
