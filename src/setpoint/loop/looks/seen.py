"""The records of a rollout, as champion and challenger are compared by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.exposure import Answers, PairedAnswers, Pairs, Requests
from setpoint.domain.objective import Gain
from setpoint.domain.record import Role
from setpoint.domain.records import Column, Records, stamp
from setpoint.domain.requested import Requested
from setpoint.domain.rollout import Moving
from setpoint.domain.schema import Schema, Task
from setpoint.domain.segments import Split
from setpoint.domain.version import ModelVersion
from setpoint.loop.looks.counted import (
    ANSWERED,
    OVERLOADED,
    broke,
    decisions,
    failed,
    latency_ms,
    requests_meant,
    told_before,
    values_of,
)
from setpoint.loop.looks.listening import Silence, silence_of
from setpoint.loop.looks.segmented import masks
from setpoint.loop.ports import Ports
from setpoint.stats.losses import losses_of

CHANGEOVER = np.timedelta64(2, "s")  # beyond the time at which the workers were found to follow


@dataclass(frozen=True, slots=True)
class Seen:
    """The records of a rollout."""

    ports: Ports
    champion: ModelVersion
    candidate: ModelVersion
    moving: Moving
    gain: Gain | None
    splits: Mapping[str, Split]
    now: datetime

    @property
    def version(self) -> str:
        """Name of the version on its way."""
        return self.candidate.version

    @property
    def schema(self) -> Schema:
        """What both take."""
        return self.champion.schema

    def at_once(self, since: datetime, until: datetime) -> tuple[Pairs | None, Requests | None, int, Silence]:
        """Return what is known of requests as soon as they are answered, how many this step had, and the silence."""
        asked = self._meant(since, until)
        time = asked.time.view("datetime64[us]")
        share = share_at(self.moving, time)
        pairs, paired = self._pairs(asked.take(share == 0), since, until)
        ours = self._is(asked, Role.CHALLENGER, self.version)
        counted = (asked.row == 0) & ~told_before(asked)
        shared = counted & (share > 0) & (ours | self._is(asked, Role.CHAMPION, self.champion.version))
        rows, ours, part = asked.take(shared), ours[shared], share[shared]
        in_step = time[shared] >= stamp(self.moving.starts[-1])
        requests = Requests(
            challenger=ours,
            share=part,
            failed=failed(rows),
            broke=broke(rows),
            latency_ms=latency_ms(rows),
            segments=masks(self.splits, rows.inputs),
        )
        silence = self._silence(asked.take(share == 0))
        return pairs, requests if len(rows) else None, int((ours & in_step).sum()) + paired, silence

    def _silence(self, asked: Requested) -> Silence:
        """Return how the shadow has answered what the champion has; in a step with a share it is asked nothing."""
        if self.moving.step.share:
            return Silence()
        asked = asked.take(asked.row == 0)
        ours = asked.take(self._is(asked, Role.CHAMPION, self.champion.version) & (asked.status == ANSWERED))
        return silence_of(ours, asked.id[self._is(asked, Role.SHADOW, self.version)])

    def _pairs(self, asked: Requested, since: datetime, until: datetime) -> tuple[Pairs | None, int]:
        """Return the requests that both were asked, and how many there are in this step."""
        ours, theirs = (
            asked.take(self._is(asked, role, version) & (asked.row == 0) & (asked.id != None))  # noqa: E711  # elementwise
            for role, version in ((Role.CHAMPION, self.champion.version), (Role.SHADOW, self.version))
        )
        left, right = _both(ours.id, theirs.id)
        if not len(left):
            return None, 0
        ours, theirs = ours.take(left), theirs.take(right)
        unknown = np.full(len(left), np.nan)  # a shadow runs beside the door: how long it takes tells nothing
        pairs = Pairs(
            failed=failed(ours),
            challenger_failed=failed(theirs),
            differs=self._differs(ours.id, since, until),
            latency_ms=unknown,
            challenger_latency_ms=unknown,
            segments=masks(self.splits, ours.inputs),
        )
        in_step = ours.time.view("datetime64[us]") >= stamp(self.moving.starts[-1])
        return pairs, int(in_step.sum())

    def _differs(self, ids: Column, since: datetime, until: datetime) -> Column:
        """Say of each request whether the versions answered its first row differently."""
        ours, theirs = self._read(Role.CHAMPION, since, until), self._read(Role.SHADOW, since, until)
        left, right = _both(ours.id, theirs.id)
        said = dict(zip(ours.id[left], self._apart(ours.take(left), theirs.take(right)), strict=True))
        return np.array([said.get(id_, np.nan) for id_ in ids], np.float64)

    def _apart(self, ours: Records, theirs: Records) -> Column:
        """Return 1.0 where the answers to the same rows differ: by class, or by more than a usual error."""
        if ours.classes is not None and theirs.classes is not None:
            differs = ours.classes.decided != theirs.classes.decided
        elif self.schema.task is Task.REGRESSION:
            differs = np.abs(ours.score - theirs.score) > (self.moving.terms.frozen.loss or 0.0)
        else:
            differs = decisions(ours, self.champion) != decisions(theirs, self.candidate)
        return np.asarray(differs, np.float64)

    def late(self, since: datetime, until: datetime) -> tuple[PairedAnswers | None, Answers | None]:
        """Return what is known of rows when they are old enough for their outcome."""
        if until <= since:
            return None, None
        asked = self._meant(since, until)
        units = dict(zip(asked.id, asked.arrived, strict=True))  # the rows of a request have arrived together
        ours = self._scoped(self._read(Role.CHAMPION, since, until), units)
        shadow = self._scoped(self._read(Role.SHADOW, since, until), units)
        answered = self._scoped(self._read(Role.CHALLENGER, since, until), units)
        paired = self._paired_answers(ours.take(share_at(self.moving, ours.time) == 0), shadow)
        return paired, self._answers(ours, answered, units)

    def _paired_answers(self, ours: Records, shadow: Records) -> PairedAnswers | None:
        left, right = _both(ours.id, shadow.id)
        if not len(left):
            return None
        ours, shadow = ours.take(left), shadow.take(right)
        ranked = self.moving.terms.ranked
        return PairedAnswers(
            loss=self._losses(ours),
            challenger_loss=self._losses(shadow),
            score=ours.score if ranked else None,
            challenger_score=shadow.score if ranked else None,
            outcome=self._outcomes(ours) if ranked else None,
            value=self._values(ours, self.champion),
            challenger_value=self._values(shadow, self.candidate),
            segments=masks(self.splits, ours.inputs),
        )

    def _answers(self, ours: Records, answered: Records, units: Mapping[str, int]) -> Answers | None:
        time = np.concatenate([ours.time, answered.time])
        order = np.argsort(time, kind="stable")
        share = share_at(self.moving, time)[order]
        kept = share > 0
        if not kept.any():
            return None
        ids = np.concatenate([ours.id, answered.id])[order][kept]
        challenger = np.concatenate([np.zeros(len(ours), bool), np.ones(len(answered), bool)])
        loss = np.concatenate([self._losses(ours), self._losses(answered)])
        both = (ours, self.champion), (answered, self.candidate)
        values = [v for rows, by in both if (v := self._values(rows, by)) is not None]
        known = np.concatenate(values) if values else None
        ranked = self.moving.terms.ranked
        score = np.concatenate([ours.score, answered.score])
        outcome = np.concatenate([self._outcomes(ours), self._outcomes(answered)])
        parts = masks(self.splits, ours.inputs), masks(self.splits, answered.inputs)
        return Answers(
            challenger=challenger[order][kept],
            share=share[kept],
            loss=loss[order][kept],
            score=score[order][kept] if ranked else None,
            outcome=outcome[order][kept] if ranked else None,
            value=None if known is None else known[order][kept],
            unit=np.array([units.get(id_, 0) for id_ in ids], np.int64),
            segments={name: np.concatenate([mask, parts[1][name]])[order][kept] for name, mask in parts[0].items()},
        )

    def _losses(self, rows: Records) -> Column:
        """Return the losses by the outcomes that were known at the age at which they are looked up."""
        return np.where(self._in_time(rows), losses_of(rows, self.schema), np.nan)

    def _outcomes(self, rows: Records) -> Column:
        """Return the outcomes that were known at that age."""
        return np.where(self._in_time(rows), rows.outcome, np.nan)

    def _values(self, rows: Records, by: ModelVersion) -> Column | None:
        """Return what the decisions of a version brought, where it is said what they bring."""
        values = values_of(rows, by, self.gain)
        return None if values is None else np.where(self._in_time(rows), values, np.nan)

    def _in_time(self, rows: Records) -> Column:
        age = np.timedelta64(int(self.moving.terms.frozen.outcome_age_s * 1e6), "us")
        return ~np.isnat(rows.known) & (rows.known - rows.time <= age)

    def _meant(self, since: datetime, until: datetime) -> Requested:
        """Return the requests that the rollout is about."""
        asked, only = self.ports.log.requests(self.champion.model, since, until), self.moving.course.only
        if only is None or not len(asked):
            return asked
        unlike = (asked.id == None) & (asked.status < OVERLOADED)  # noqa: E711  # it breaks the contract, elementwise
        drawn = unlike & self._is(
            asked, Role.CHALLENGER, self.version
        )  # the champion's has let it pass, and it is meant
        return asked.take(requests_meant(only, asked) | drawn)

    def _is(self, asked: Requested, role: Role, version: str) -> NDArray[Any]:
        mask: NDArray[Any] = (asked.role == role.value) & (asked.version == version)
        return mask

    def _read(self, role: Role, since: datetime, until: datetime) -> Records:
        model, version = self.champion.model, self.champion.version if role is Role.CHAMPION else self.version
        return self.ports.log.read(model, since=since, until=until, as_of=self.now, role=role, version=version)

    def _scoped(self, rows: Records, units: Mapping[str, int]) -> Records:
        if self.moving.course.only is None:
            return rows
        return rows.take(np.array([id_ in units for id_ in rows.id], bool))


def share_at(moving: Moving, time: Column) -> Column:
    """Return how likely the version was to answer requests of these times; 0 in its shadow, NaN while it changed.

    A step begins when it is decided, from what was known when the look began. Until all workers have followed, one
    after the other, nobody knows what is shared.

    Parameters
    ----------
    time : ndarray of shape (n,), datetime64[us]
    """
    starts = np.array([stamp(start) for start in moving.starts])
    at = np.searchsorted(starts, time, side="right") - 1
    shares = np.array([step.share for step in moving.course.steps[: len(starts)]])
    share = np.where(at < 0, np.nan, shares[np.maximum(at, 0)])
    changed = np.zeros(len(starts), "timedelta64[us]")
    changed[: len(moving.served_s)] = [np.timedelta64(int(late_s * 1e6), "us") for late_s in moving.served_s]
    changing = (at >= 0) & (time < (starts + changed + CHANGEOVER)[np.maximum(at, 0)]) & (share > 0)
    return np.where(changing, np.nan, share)


def _both(ours: Column, theirs: Column) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of the ids that both have, in the order of the first; of an id that came twice, the last."""
    place = {id_: at for at, id_ in enumerate(theirs)}
    left = [at for at, id_ in enumerate(ours) if id_ in place]
    return np.array(left, np.int64), np.array([place[id_] for id_ in ours[left]], np.int64)
