"""Whether a repair helped, and by when that must be known."""

from datetime import datetime, timedelta
from math import log

import numpy as np

from setpoint.domain.incident import Incident, Remedy, Repair
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import Task
from setpoint.domain.value import value
from setpoint.maintain.case import latest
from setpoint.maintain.drift import hourly_levels
from setpoint.maintain.loss import Floats, distance, independent_rows, losses_of, mean_of, moving_means
from setpoint.stats.betting import scale_evidence

FEWEST, FEWEST_BAD = 12, 24  # labelled rows before a repair may be called good, and bad
ENOUGH = 168  # labelled rows, on which it is decided in any case
LEVEL = 0.9
ALPHA = 0.04  # of ever calling a repair good that changed nothing, before there are enough rows
LAST = 0.98  # level of the one look at enough of them: 1 % more of the same error
REACH, TOO_FAR = 1.5, 2.0  # times the expected loss: surely well, surely not
CLEAR = 1.25  # harm that the proof must have shown for the loss to judge the repair
DEADLINE = timedelta(days=14)  # by which a repair is proven to help, or taken back
FURTHER = 0.1  # answers that are this much further from healthy ones (KS) than without the repair are no recovery
FLAWLESS = 1e-9  # of the largest loss seen: as good as none
ABSURD = 4.0  # times the expected loss: not well, whatever the proof showed


@value
class Limits:
    """What the loss since a repair is compared with, in healthy mean losses.

    Parameters
    ----------
    expected, harmed : float
        What the proof promised, and what it showed without the repair. A lucky day's proof promises too much, so no
        less than the healthy loss is expected.
    worst : float
        What as many healthy rows reach by themselves: it is not bad.
    """

    expected: float
    harmed: float
    worst: float

    @property
    def clear(self) -> bool:
        """Whether the harm was so large that the loss judges the repair."""
        return self.harmed > CLEAR * self.expected

    @property
    def middle(self) -> float:
        """Between what was promised and the harm."""
        return float(np.sqrt(self.expected * max(self.harmed, self.expected)))

    @property
    def good(self) -> float:
        """Below it a repair worked."""
        return max(self.middle, REACH * self.expected)

    @property
    def bad(self) -> float:
        """Above it a repair did not work."""
        return max(self.harmed, (TOO_FAR if self.clear else ABSURD) * self.expected, self.worst)

    @property
    def nearer(self) -> float:
        """Below it a repair worked, when there is no waiting for more rows."""
        return max(self.middle, self.worst) if self.clear else self.bad

    @property
    def words(self) -> str:
        """Those that are waited for."""
        return f"good {self.good:.2f} ×, bad {self.bad:.2f} ×"


def recovered(
    incident: Incident, since_repair: Records, healthy: Records, task: Task = Task.REGRESSION
) -> tuple[bool | None, float | None, str]:
    """Judge a repair by the loss of the labelled rows answered since.

    The loss is taken relative to healthy rows of the same hour of the day, so that a night does not look like a cure.
    It recovered when, with 90 % confidence, it lies below the middle (geometric mean) between the losses that the proof
    gave without and with the repair, or within 1.5 times the latter; and, where the proof showed a harm of more than a
    quarter, that it is as without the repair is refuted: healthy losses times the harm would show so little in 4 % of
    the courses, however often one looks. It did not when it is no better than without and twice what was promised (four
    times, where the proof rests on the data because the loss had hardly risen). The first 168 rows decide in any case:
    their mean lies on the nearer side, or surely (98 %) below what it was without.

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
    base = np.maximum(base, FLAWLESS * max(now.max(), repair.loss_before or 0.0, 1.0))  # of a model that never erred
    relative = now / hourly_levels(before, base, after.time).mean()
    ratio = mean_of(relative, LEVEL)
    limit = limits(repair, base, len(now))
    words = f"loss {now.mean():.4g} on {len(now)} records, {ratio.mean:.2f} × healthy; {limit.words}"
    loss = float(now.mean())
    if len(now) >= ENOUGH:
        return _decided(relative[:ENOUGH], limits(repair, base, ENOUGH)), loss, words
    if ratio.low > limit.bad and len(now) >= FEWEST_BAD:
        return False, loss, words
    near = ratio.high < limit.good and (not limit.clear or _refuted(relative, base / base.mean(), limit))
    return (True if near else None), loss, words


def _refuted(relative: Floats, healthy: Floats, limit: Limits) -> bool:
    """Whether losses are surely not those of healthy rows times the harm, however often that was asked."""
    evidence = scale_evidence(
        relative,
        healthy,
        scale=limit.harmed,
        hoped=limit.expected,
        inflation=len(relative) / independent_rows(relative),
    )
    return evidence > -log(ALPHA)


def _decided(relative: Floats, limit: Limits) -> bool:
    """Judge by so many rows that there is no waiting for more."""
    mean = mean_of(relative, LAST)
    return mean.mean < limit.nearer or (limit.clear and mean.high < limit.harmed)


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


def limits(repair: Repair, healthy: Floats, rows: int) -> Limits:
    """Return what so many rows since a repair are compared with."""
    mean = float(healthy.mean())
    return Limits(
        expected=max((repair.loss_expected or mean) / mean, 1.0),
        harmed=(repair.loss_before or mean) / mean,
        worst=float(moving_means(healthy, rows).max()) / mean,
    )
