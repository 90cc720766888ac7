"""Columns in order of importance: what happened to each, and what it looked like before."""

import math
from collections.abc import Sequence

from setpoint.domain.finding import Finding
from setpoint.domain.incident import Incident
from setpoint.domain.profile import ColumnProfile
from setpoint.domain.record import Role
from setpoint.domain.series import ColumnSeries
from setpoint.domain.value import replace
from setpoint.monitor.overview.gathered import Gathered
from setpoint.monitor.overview.histories import history_of, nulls_of
from setpoint.monitor.overview.pictures import bars_of
from setpoint.monitor.overview.values import STATES, ColumnView, State
from setpoint.monitor.overview.words import CAUSES, KINDS, changed, conversion, kind_of, likely

FARTHEST = 1e6
CHAMPION = Role.CHAMPION.value
WATCHED = ("drift", "data_quality", "attribution")
NO_ROWS = "no rows in this period"
NO_REFERENCE = "nothing is known of it from the reference"
HIDDEN = "sensitive: its values are recorded so that nothing can be seen in them"


def column_views(at_hand: Gathered) -> tuple[ColumnView, ...]:
    """Return all columns, the most important first."""
    views = [_view(at_hand, name) for name in at_hand.series.columns]
    return tuple(sorted(views, key=lambda v: (-v.importance, not v.answer, -(v.effect or 0.0), v.name)))


def _view(at_hand: Gathered, name: str) -> ColumnView:
    series, limits = at_hand.series.columns[name], at_hand.limits.columns.get(name)
    reference, now = at_hand.reference.columns.get(name), series.profile()
    own = [
        f
        for f in at_hand.findings
        if f.column == name and f.monitor in WATCHED and f.role == CHAMPION and not f.segment
    ]
    why = NO_ROWS if not now.rows else NO_REFERENCE if reference is None else HIDDEN if limits is None else ""
    state, closeness = State.UNKNOWN if why and not own else _state(own), _closeness(own)
    view = ColumnView(
        name=name,
        counted=str(series.cuts.kind),
        answer=name in (at_hand.champion.schema.score, at_hand.champion.schema.label),
        state=state,
        importance=_importance(state, closeness),
        closeness=closeness,
        effect=at_hand.study.effects.get(name) if at_hand.study else None,
        rows=now.rows,
        why=why if state is State.UNKNOWN else "",
        nulls=now.nulls / now.rows if now.rows else None,
        mean=_finite(now.mean),
        std=_finite(now.std),
        low=_finite(now.low),
        high=_finite(now.high),
    )
    if reference is not None:
        view = _beside(view, reference, now, series, at_hand)
    return _named(view, at_hand, own)


def _beside(
    view: ColumnView, reference: ColumnProfile, now: ColumnProfile, series: ColumnSeries, at_hand: Gathered
) -> ColumnView:
    """Add what the reference was."""
    limits = at_hand.limits.columns.get(view.name)
    return replace(
        view,
        nulls_reference=reference.nulls / reference.rows if reference.rows else None,
        mean_reference=_finite(reference.mean),
        std_reference=_finite(reference.std),
        bars=bars_of(reference, now),
        history=history_of(series, reference, limits),
        nulls_history=nulls_of(series, limits) if now.nulls else None,
    )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _state(own: Sequence[Finding]) -> State:
    """Return how a column stands by its worst finding; slow drift is no alarm that anybody acts on."""
    if any(f.alarm and not f.metric.endswith("_slow") for f in own):
        return State.ALARM
    return State.MOVED if any(f.alarm for f in own) else State.NEAR if own else State.QUIET


def _closeness(own: Sequence[Finding]) -> float | None:
    return max((closeness(f) for f in own), default=None)


def closeness(finding: Finding) -> float:
    """Return how far a finding is on its way to its limit: 1 is at it."""
    if not finding.limit:
        return float(finding.value > 0)
    ratio = abs(finding.value) / abs(finding.limit)
    inverse = finding.alarm and 0 < ratio < 1  # of what must be at least its limit
    return min(1 / ratio if inverse else ratio, FARTHEST)


def _importance(state: State, close: float | None) -> float:
    """Return a number that orders columns: by state, and within it by how far the worst finding is beyond its limit."""
    rank = len(STATES) - 1 - STATES.index(state) if state is not State.UNKNOWN else 0
    return rank + (1 - 1 / (1 + (close or 0.0)))


def _named(view: ColumnView, at_hand: Gathered, own: Sequence[Finding]) -> ColumnView:
    """Say in words what happened, since when: by the incident that explains it, or by the strongest finding."""
    if view.state in (State.QUIET, State.UNKNOWN):
        return view
    worst = max(own, key=lambda f: (f.alarm and not f.metric.endswith("_slow"), f.alarm, closeness(f)))
    kind = kind_of(worst)
    if view.state is not State.ALARM:
        return replace(view, kind=kind, words=_noted(view, worst, kind))
    incident, detail = _incident(at_hand, view.name), worst.detail
    since = incident.began_by if incident else worst.since
    cause = likely(incident) if incident else None
    if incident and cause and cause.subject == view.name and cause.cause in CAUSES:
        kind = CAUSES[cause.cause]
        detail = conversion(incident) or detail
    return replace(view, kind=kind, since=since, words=changed(view.name, kind, since, detail))


def _noted(view: ColumnView, worst: Finding, kind: str) -> str:
    """Say what a note is about: how far it is on its way, or that it came slowly."""
    if not worst.metric.endswith("_slow"):
        return worst.detail
    days = (worst.until - worst.since).days
    over = f"over the last {f'{days} days' if days > 1 else 'day'}, against the reference"
    if view.state is not State.MOVED:
        return f"{closeness(worst):.0%} of the way to its limit: its {kind or worst.metric} {over}"
    how = "" if worst.detail.startswith("against") else f": {worst.detail.partition('; against')[0]}"
    return f"{view.name} {KINDS.get(kind, 'changed')} {over}{how}"


def _incident(at_hand: Gathered, name: str) -> Incident | None:
    own = [i for i in at_hand.deployment.incidents if i.live and any(f.column == name for f in i.findings if f.alarm)]
    return max(own, key=lambda i: i.since, default=None)
