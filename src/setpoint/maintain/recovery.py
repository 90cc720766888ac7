"""Whether a repair helped, and by when that must be known."""

from datetime import datetime, timedelta

import numpy as np

from setpoint.domain.incident import Incident, Remedy, Repair
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import Task
from setpoint.maintain.case import latest
from setpoint.maintain.drift import hourly_levels
from setpoint.maintain.loss import Floats, distance, losses_of, mean_of, moving_means

FEWEST, FEWEST_BAD = 12, 24  # labelled rows before a repair may be called good, and bad
ENOUGH = 168  # labelled rows after which the nearer side decides
LEVEL = 0.9
REACH, TOO_FAR = 1.5, 2.0  # times the expected loss: surely well, surely not
CLEAR = 1.25  # harm that the proof must have shown for the loss to judge the repair
DEADLINE = timedelta(days=14)  # by which a repair is proven to help, or taken back
FURTHER = 0.1  # answers that are this much further from healthy ones (KS) than without the repair are no recovery
ABSURD = 4.0  # times the expected loss: not well, whatever the proof showed


def recovered(
    incident: Incident, since_repair: Records, healthy: Records, task: Task = Task.REGRESSION
) -> tuple[bool | None, float | None, str]:
    """Judge a repair by the loss of the labelled rows answered since.

    The loss is taken relative to healthy rows of the same hour of the day, so that a night does not look like a cure.
    With 90 % confidence: it recovered when it lies below the middle (geometric mean) between the losses that the proof
    gave without and with the repair, or within 1.5 times the latter; it did not when it is no better than without and
    twice what was promised (four times, where the proof rests on the data because the loss had hardly risen). After 168
    rows its mean decides.

    Returns
    -------
    verdict : bool or None
        None: not enough evidence yet. False: take the repair back.
    loss : float or None
        Realised mean loss since the repair, in the unit of the target.
    why : str
        The comparison in words.
    """
    repair = incident.repair
    if repair is None or repair.remedy is Remedy.WAIT:
        return None, None, "no repair is in place"
    if repair.remedy is Remedy.RESTART:
        return restarted(incident, since_repair)
    after, before = since_repair.labelled, latest(healthy.labelled)
    if len(after) < FEWEST or len(before) < FEWEST:
        return None, None, f"{len(after)} of {FEWEST} labelled records since the repair"
    base, now = (losses_of(r, task) for r in (before, after))
    ratio = mean_of(now / hourly_levels(before, base, after.time).mean(), LEVEL)
    good, bad = limits(repair, base, len(now))
    words = (
        f"loss {now.mean():.4g} on {len(now)} records, {ratio.mean:.2f} × healthy; good {good:.2f} ×, bad {bad:.2f} ×"
    )
    loss = float(now.mean())
    if ratio.high < good:
        return True, loss, words
    if ratio.low > bad and len(now) >= FEWEST_BAD:
        return False, loss, words
    return (ratio.mean < bad if len(now) >= ENOUGH else None), loss, words


def due(repair: Repair) -> datetime:
    """Return when it is decided whether a repair helped, whatever is known by then."""
    assert repair.applied is not None
    return repair.applied + DEADLINE


def at_the_deadline(repair: Repair, without: Records, since_repair: Records, healthy: Records) -> tuple[bool, str]:
    """Judge a repair whose outcomes did not come: by its answers, as in the proof of a repair without outcomes.

    Parameters
    ----------
    without, since_repair, healthy : Records
        Rows since the fault began and before the repair, those since, and those from before the fault.
    """
    end = f"{DEADLINE.days} days after the repair too few outcomes are known"
    if repair.remedy is Remedy.RESTART or not len(since_repair) or not len(healthy):
        return False, f"{end}, and nothing else shows that it helped"
    now = distance(since_repair.score, healthy.score)
    before = distance(without.score, healthy.score) if len(without) else 0.0
    words = f"{end}; distance of the answers from healthy ones {now:.2f} on {len(since_repair)}, {before:.2f} before it"
    return now <= before + FURTHER, words


def restarted(incident: Incident, since_repair: Records) -> tuple[bool | None, float | None, str]:
    """Judge a restart: proven by the supervisor's restart event, or by answers, after the last alarm."""
    alarms = [f.until for f in incident.findings if f.monitor == "process" and f.alarm]
    restarts = [f.until for f in incident.findings if f.monitor == "process" and f.metric == "restart"]
    if restarts and max(restarts) >= max(alarms):
        return True, None, f"{incident.subject} was restarted at {max(restarts):%Y-%m-%d %H:%M:%S}"
    answered = int((since_repair.time > stamp(max(alarms))).sum())
    if answered >= FEWEST:
        return True, None, f"{answered} records were answered since"
    return None, None, f"no restart of {incident.subject} is seen yet"


def limits(repair: Repair, healthy: Floats, rows: int) -> tuple[float, float]:
    """Return the loss below which a repair worked and above which it did not, in healthy mean losses.

    A lucky day's proof promises too much, so no less than the healthy loss is expected; and what as many healthy rows
    reach by themselves is not bad.
    """
    mean = float(healthy.mean())
    expected = max((repair.loss_expected or mean) / mean, 1.0)
    harmed = (repair.loss_before or mean) / mean
    worst = float(moving_means(healthy, rows).max()) / mean
    good = max(float(np.sqrt(expected * max(harmed, expected))), REACH * expected)
    return good, max(harmed, (TOO_FAR if harmed > CLEAR * expected else ABSURD) * expected, worst)
