"""Compare two versions on what they answered: for those who only want to know."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.fleet import Deployment
from setpoint.domain.objective import Gain, asked_gain
from setpoint.domain.record import Role
from setpoint.domain.records import Column, Columns, Records, stamp
from setpoint.domain.value import value
from setpoint.domain.version import ModelVersion
from setpoint.errors import InvalidInput
from setpoint.loop.looks.columns import fitting
from setpoint.loop.looks.counted import values_of
from setpoint.loop.looks.segmented import masks, watched
from setpoint.loop.ports import Ports
from setpoint.stats.losses import losses_of
from setpoint.stats.versus import Versus, paired, shared

Metric = Literal["quality", "value"]
METRICS: tuple[Metric, ...] = ("quality", "value")
ALPHA = 0.05  # a quarter for pairs, a quarter for divided requests, half for the segments together
RIPE = 0.99  # of the outcomes known so far had come by this age; older requests are compared
MOVES = ("share", "shadow", "release", "promote", "restore", "mend", "back", "abort", "reject")  # they may move a share
Mask = NDArray[np.bool_]


@value
class Compared:
    """Two versions side by side: what a row costs, its loss or the negative of its value.

    `pairs` are requests that both were asked, `split` those that chance divided between them; None where there are too
    few. `segments` are those of the evidence that tells more. `known` are the shares of ripe rows of a and of b with an
    outcome, `age_s` the age at which a row is ripe. `why_not` says why no divided requests are compared.
    """

    model: str
    a: str
    b: str
    metric: Metric
    since: datetime
    chosen: bool
    age_s: float
    known: tuple[float, float]
    pairs: Versus | None
    split: Versus | None
    segments: dict[str, Versus]
    why_not: str = ""

    @property
    def best(self) -> Versus | None:
        """The evidence that tells more: pairs where there are any."""
        return self.pairs or self.split


def compared(
    ports: Ports,
    deployment: Deployment,
    a: str,
    b: str,
    *,
    metric: Metric = "quality",
    since: datetime | None = None,
    now: datetime,
) -> Compared:
    """Compare two versions of a model.

    Rows are let in by the age of the request, never when their outcome arrives. The bounds hold whenever, and however
    often, one looks.

    Raises
    ------
    InvalidInput
        If they are one version, have other columns, or no objective says what a decision is worth.
    """
    versions = ports.bundles.get(deployment.model, a), ports.bundles.get(deployment.model, b)
    gain = asked_gain(deployment.objectives)
    _check(*versions, metric, gain)
    begin = since or deployment.releases[0].at
    sides = [Side(v, _read(ports, v, begin, now), gain if metric == "value" else None) for v in versions]
    age = _ripe_age(sides)
    ripe = [side.ripe(now, age) for side in sides]
    pairs, split, why_not = _pairs(ripe[0], ripe[1]), None, _confined(deployment, a, b)
    if not why_not:
        split = _split(ripe[0], ripe[1], _cuts(deployment))
    over_all = [each.versus(ALPHA / 4) if each else None for each in (pairs, split)]
    splits = watched(ports.bundles.folder(deployment.model, a), versions[0].schema)
    return Compared(
        model=deployment.model,
        a=a,
        b=b,
        metric=metric,
        since=begin,
        chosen=since is not None,
        age_s=age.total_seconds(),
        known=(ripe[0].known, ripe[1].known),
        pairs=over_all[0],
        split=over_all[1],
        segments=_by_segment(pairs if over_all[0] else split, lambda inputs: masks(splits, inputs)),
        why_not=why_not,
    )


@dataclass(frozen=True, slots=True)
class Side:
    """What one version answered, by role; `gain` where decisions are valued in place of losses."""

    version: ModelVersion
    rows: Mapping[Role, Records]
    gain: Gain | None

    def ripe(self, now: datetime, age: timedelta) -> "Side":
        """Return the rows that are old enough, with the outcomes that had come by that age."""
        within = np.timedelta64(int(age.total_seconds() * 1e6), "us")
        kept = {}
        for role, rows in self.rows.items():
            old = rows.take(rows.time <= stamp(now) - within)
            kept[role] = old.take(np.isnat(old.known) | (old.known - old.time <= within))
        return Side(self.version, kept, self.gain)

    @property
    def known(self) -> float:
        """Share of the rows whose outcome is known."""
        known = np.concatenate([~np.isnat(rows.known) for rows in self.rows.values()])
        return float(known.mean()) if len(known) else 0.0

    def costs(self, rows: Records) -> Column:
        """Return what each row cost; NaN where its outcome is not known."""
        if self.gain is None:
            return losses_of(rows, self.version.schema)
        values = values_of(rows, self.version, self.gain)
        assert values is not None
        return -values


@dataclass(frozen=True, slots=True)
class PairedRows:
    """Requests that both were asked, in time order."""

    a: Column
    b: Column
    inputs: Columns

    def versus(self, alpha: float, mask: Mask | slice = slice(None)) -> Versus | None:
        """Compare the versions on these rows, or some of them."""
        return paired(self.a[mask], self.b[mask], alpha)


@dataclass(frozen=True, slots=True)
class SplitRows:
    """Requests that chance divided between them, in time order, by stretches of equal shares."""

    cost: Column
    is_b: Mask
    stretch: NDArray[np.int64]
    inputs: Columns

    def versus(self, alpha: float, mask: Mask | slice = slice(None)) -> Versus | None:
        """Compare the versions on these rows, or some of them."""
        return shared(self.cost[mask], self.is_b[mask], self.stretch[mask], alpha)


def _check(a: ModelVersion, b: ModelVersion, metric: Metric, gain: Gain | None) -> None:
    if a.version == b.version:
        raise InvalidInput(f"{a.version} cannot be compared with itself; name two versions")
    if a.schema.names != b.schema.names or a.schema.classes != b.schema.classes:
        raise InvalidInput(f"{a.version} and {b.version} have other columns or classes, and cannot be compared")
    if metric == "value" and (gain is None or len(a.schema.classes) != 2):  # of a binary task
        raise InvalidInput("no objective says what a decision brings; `metric: value_per_decision` with `gain:` does")


def _read(ports: Ports, version: ModelVersion, since: datetime, now: datetime) -> dict[Role, Records]:
    model, name = version.model, version.version
    read = {
        role: ports.log.read(model, since=since, until=now, as_of=now, role=role, version=name)
        for role in (Role.CHAMPION, Role.CHALLENGER, Role.SHADOW)
    }
    return {role: fitting(ports, model, rows, version.schema) for role, rows in read.items()}


def _ripe_age(sides: Iterable[Side]) -> timedelta:
    """Return the age by which nearly all outcomes have come, as far as is known."""
    every = [rows for side in sides for rows in side.rows.values()]
    delays = np.concatenate([(rows.known - rows.time)[~np.isnat(rows.known)] for rows in every])
    seconds = np.quantile(delays / np.timedelta64(1, "s"), RIPE) if len(delays) else 0.0
    return timedelta(seconds=max(0.0, float(seconds)))


def _pairs(a: Side, b: Side) -> PairedRows | None:
    """Return the rows that one answered and the other one in its shadow."""
    answered = (Role.CHAMPION, Role.CHALLENGER)
    found = [
        *((a.rows[role], b.rows[Role.SHADOW]) for role in answered),
        *((a.rows[Role.SHADOW], b.rows[role]) for role in answered),
    ]
    matched = [_matched(left, right) for left, right in found if len(left) and len(right)]
    if not matched:
        return None
    times = np.concatenate([left.time for left, _ in matched])
    costs = [np.concatenate([side.costs(rows[i]) for rows in matched]) for i, side in enumerate((a, b))]
    inputs = {n: np.concatenate([left.inputs[n] for left, _ in matched]) for n in a.version.schema.names}
    order = np.argsort(times, kind="stable")
    order = order[np.isfinite(costs[0][order]) & np.isfinite(costs[1][order])]
    return PairedRows(costs[0][order], costs[1][order], {n: c[order] for n, c in inputs.items()})


def _matched(left: Records, right: Records) -> tuple[Records, Records]:
    at = {id_: row for row, id_ in enumerate(right.id) if id_ is not None}
    both = np.array([id_ in at for id_ in left.id], dtype=bool)
    kept = left.take(both)
    return kept, right.take(np.array([at[id_] for id_ in kept.id], np.int64))


def _split(a: Side, b: Side, cuts: Column) -> SplitRows | None:
    """Return the rows that one or the other answered, while both had a share."""
    parts = [(side, side.rows[role]) for side in (a, b) for role in (Role.CHAMPION, Role.CHALLENGER)]
    times = np.concatenate([rows.time for _, rows in parts])
    cost = np.concatenate([side.costs(rows) for side, rows in parts])
    is_b = np.concatenate([np.full(len(rows), side is b) for side, rows in parts])
    inputs = {n: np.concatenate([rows.inputs[n] for _, rows in parts]) for n in a.version.schema.names}
    stretch = np.searchsorted(cuts, times, side="right")
    both = np.intersect1d(stretch[is_b], stretch[~is_b])
    order = np.argsort(times, kind="stable")
    order = order[(np.isfinite(cost) & np.isin(stretch, both))[order]]
    if not len(order):
        return None
    return SplitRows(cost[order], is_b[order], stretch[order], {n: c[order] for n, c in inputs.items()})


def _cuts(deployment: Deployment) -> Column:
    """Return when shares may have changed."""
    times = [stamp(d.at) for d in deployment.decisions if d.action in MOVES]
    return np.sort(np.array(times, "datetime64[us]"))


def _confined(deployment: Deployment, a: str, b: str) -> str:
    """Say why divided requests cannot be compared: only some of them were divided."""
    for rollout in deployment.rollouts:
        only = rollout.moving.course.only if rollout.moving else None
        if only is not None and rollout.candidate.version in (a, b):
            return f"the rollout of {rollout.candidate.version} divided only requests of {only.words}; it judges these"
    only = deployment.served.only
    return f"only requests of {only.words} are divided" if only is not None else ""


def _by_segment(
    evidence: PairedRows | SplitRows | None, segments: Callable[[Columns], Mapping[str, Column]]
) -> dict[str, Versus]:
    if evidence is None:
        return {}
    named = segments(evidence.inputs)
    each = {name: evidence.versus(ALPHA / 2 / len(named), mask) for name, mask in named.items()}
    return {name: found for name, found in each.items() if found is not None}
