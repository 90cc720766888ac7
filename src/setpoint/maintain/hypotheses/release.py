"""A bad release: on the same inputs the version before it answers better, and the harm came with the release."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from setpoint.domain.incident import Cause, Incident, Remedy, Repair
from setpoint.domain.records import Columns, Records, stamp
from setpoint.domain.value import value
from setpoint.maintain.asked_again import failing
from setpoint.maintain.case import Case, Score, as_seen, latest
from setpoint.maintain.drift import loss_rise
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.loss import Floats, Mean, answer_losses, interval_words, loss_name, mean_of

FEWEST = 12  # labelled rows that the champion answered
LEAST_GAIN = 0.05  # of the champion's loss; and of the healthy loss, by which it must have risen
SURE = 20.0
RISE = 3.0  # nats: the rise of the loss, which a bad release explains as well as any cause does
HARM_WITHIN = timedelta(days=7)  # a release that was harmless this long did not start the harm
NOT_SHORTLY = -4.0


@value
class Contest:
    """Champion against its predecessor on the same rows: losses since the incident, and the gain with earlier rows.

    In a `backtest` nothing is known since: the losses are those of earlier rows.
    """

    rows: int
    champion: float
    previous: float
    since: Mean
    all: Mean
    backtest: bool

    @property
    def lost(self) -> bool:
        """Whether the champion is the worse one: surely over all rows, and by a twentieth on those of the incident."""
        return self.all.low > 0 and self.since.t > 1 and self.since.mean > LEAST_GAIN * self.champion


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Compare the champion with its predecessor, paired on labelled rows that neither can have learnt from.

    While hardly any outcome since the release is known, rows of the weeks before it may decide.
    """
    if case.previous is None:
        return ()
    rows = latest(case.suspect.labelled)
    rows = rows.take((rows.version == case.champion.version) & (rows.time >= stamp(case.champion.at)))
    earlier = latest(case.healthy.labelled.between(case.previous.at, None))
    if len(rows) < FEWEST and (not case.backtest or len(earlier) < FEWEST):
        return ()
    found = contest(case, case.previous.version, rows, earlier, score)
    if found is None:
        return ()
    lag = incident.since - case.champion.at
    shortly = lag <= HARM_WITHIN
    rise = loss_rise(case)
    lost = found.lost and (rise is None or rise.high > LEAST_GAIN)
    support = min(found.all.support, SURE) if lost else min(found.since.support, 0.0)
    if lost and rise is not None:
        support += min(max(rise.support, 0.0), RISE)
    which = f"{found.rows} records" + (" from before its release" if found.backtest else "")
    words = (
        f"{loss_name(case.schema)} {found.champion:.4g} with {case.champion.version}, {found.previous:.4g} with "
        f"{case.previous.version} on the same {which} "
        f"(gain {found.since.mean:.4g}, {interval_words(found.since)})",
        *earlier_words(found),
        f"{case.champion.version} was released {case.champion.at:%Y-%m-%d %H:%M}, the harm is seen since "
        f"{incident.since:%Y-%m-%d %H:%M}",
    )
    repair = Repair(
        id=incident.named("-rollback"),
        remedy=Remedy.ROLLBACK,
        subject=case.champion.version,
        to_version=case.previous.version,
        proof=words[0],
        loss_before=found.champion,
        loss_expected=found.previous,
    )
    return (
        Explanation(
            cause=Cause.RELEASE,
            subject=case.champion.version,
            support=support if shortly else min(support, 0.0) + NOT_SHORTLY,
            evidence=words,
            repair=repair if lost and shortly else None,
        ),
    )


def earlier_words(found: Contest) -> tuple[str, ...]:
    """Say what the contest with earlier rows came to, where it is another."""
    if found.backtest:
        return ()
    return (f"with earlier records that neither learnt from: gain {found.all.mean:.4g}, {interval_words(found.all)}",)


def contest(case: Case, previous: str, rows: Records, earlier: Records, score: Score) -> Contest | None:
    """Score both versions on the rows since the incident, and on the healthy ones since the predecessor's release.

    What the champion learnt from among the healthy rows only speaks for it, so a champion that loses, loses honestly.
    None where too few have an answer of both.
    """
    backtest = len(rows) < FEWEST
    ours, theirs = paired(case, previous, earlier if backtest else rows, score)
    if len(ours) < FEWEST:
        return None
    gains = ours - theirs
    if not backtest and len(earlier):
        a, b = paired(case, previous, earlier, score)
        gains = np.concatenate([a - b, gains])
    return Contest(
        rows=len(ours),
        champion=float(ours.mean()),
        previous=float(theirs.mean()),
        since=mean_of(ours - theirs),
        all=mean_of(gains),
        backtest=backtest,
    )


def paired(case: Case, previous: str, rows: Records, score: Score) -> tuple[Floats, Floats]:
    """Return the losses of the champion and of its predecessor on each row that both answer, each of shape (n,)."""
    seen = as_seen(rows, case.maps)
    ours, theirs = (_losses(case, version, rows, seen, score) for version in (case.champion.version, previous))
    both = np.isfinite(ours) & np.isfinite(theirs)
    return ours[both], theirs[both]


def _losses(case: Case, version: str, rows: Records, seen: Columns, score: Score) -> Floats:
    """Return the loss of a version on each row; NaN where it fails to answer, which is another cause."""
    try:
        return answer_losses(score(version, seen), rows.truth, case.schema)
    except Exception:  # a model is not our code
        lost = failing(score, version, seen)
    found: Floats = np.full(len(rows), np.nan)
    if not lost.all():
        kept = {name: column[~lost] for name, column in seen.items()}
        found[~lost] = answer_losses(score(version, kept), rows.truth[~lost], case.schema)
    return found
