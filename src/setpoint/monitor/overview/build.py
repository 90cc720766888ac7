"""From what was gathered to an overview; pure."""

from itertools import pairwise

import numpy as np

from setpoint.domain.finding import Finding
from setpoint.domain.incident import Incident
from setpoint.domain.records import Records, moment, stamp
from setpoint.domain.reliability import reliability
from setpoint.monitor.overview.columns import closeness, column_views
from setpoint.monitor.overview.estimates import ledger_views
from setpoint.monitor.overview.gathered import Gathered
from setpoint.monitor.overview.headline import headline
from setpoint.monitor.overview.objectives import objective_views, service_traces
from setpoint.monitor.overview.unchecked import unchecked
from setpoint.monitor.overview.values import STATES, Overview, Said, SegmentView, State


def overview_of(at_hand: Gathered) -> Overview:
    """Return everything known of a model over a period, sorted by importance.

    Parameters
    ----------
    at_hand : Gathered
        Profiles by stretch, findings of a look, answers with their outcomes.
    """
    series, parts = at_hand.series, _parts(at_hand)
    objectives, columns = objective_views(at_hand, parts), column_views(at_hand)
    missing = unchecked(at_hand, objectives, columns)
    said = headline(at_hand, objectives, columns, missing)
    return Overview(
        model=at_hand.deployment.model,
        version=at_hand.champion.version,
        task=str(at_hand.champion.schema.task),
        since=at_hand.since,
        until=at_hand.until,
        every_s=series.every.total_seconds(),
        starts=tuple(moment(s) for s in series.starts),
        rows=int(series.rows.sum()),
        state=_worst(said),
        newest=at_hand.newest,
        said=said,
        objectives=objectives,
        service=service_traces(at_hand, parts),
        columns=columns,
        segments=_segments(at_hand),
        ledger=ledger_views(at_hand),
        incidents=_incidents(at_hand),
        reliability=reliability(at_hand.deployment, at_hand.since, at_hand.until),
        estimates=at_hand.estimates,
        breaches=tuple(f for f in at_hand.findings if f.metric == "rule"),
        unchecked=missing,
        skipped=at_hand.study.skipped if at_hand.study else {},
        findings=tuple(sorted(at_hand.findings, key=_order)),
    )


def _parts(at_hand: Gathered) -> list[Records]:
    """Return the answers of each stretch."""
    rows, ends = at_hand.answers, at_hand.series.starts
    cuts = np.append(np.searchsorted(rows.time, ends), np.searchsorted(rows.time, stamp(at_hand.until)))
    return [rows.take(np.arange(first, last)) for first, last in pairwise(cuts.tolist())]


def _worst(said: tuple[Said, ...]) -> State:
    return min((s.state for s in said), key=STATES.index, default=State.UNKNOWN)


def _order(finding: Finding) -> tuple[bool, bool, float]:
    return not finding.alarm, finding.metric.endswith("_slow"), -closeness(finding)


def _segments(at_hand: Gathered) -> tuple[SegmentView, ...]:
    """Return the segments, those with alarms first, then by how close the worst finding is to its limit."""
    names = dict.fromkeys([*(f.segment for f in at_hand.findings if f.segment), *at_hand.segments])
    views = [_segment(at_hand, name) for name in names]
    return tuple(sorted(views, key=lambda v: (STATES.index(v.state), -v.closeness, -(v.rows or 0), v.name)))


def _segment(at_hand: Gathered, name: str) -> SegmentView:
    own = sorted((f for f in at_hand.findings if f.segment == name), key=_order)
    rows = at_hand.segments.get(name)
    if not own:
        return SegmentView(
            name=name, rows=rows, state=State.QUIET if rows else State.UNKNOWN, closeness=0.0,
            words="" if rows else "no rows",
        )  # fmt: skip
    first = own[0]
    state = (State.MOVED if first.metric.endswith("_slow") else State.ALARM) if first.alarm else State.NEAR
    about = " of ".join(filter(None, (first.metric.replace("_", " "), first.column)))
    return SegmentView(name=name, rows=rows, state=state, closeness=closeness(first), words=f"{about}: {first.detail}")


def _incidents(at_hand: Gathered) -> tuple[Incident, ...]:
    """Return the incidents that touch the period: live ones first, then the newest."""
    own = [i for i in at_hand.deployment.incidents if i.closed is None or i.closed >= at_hand.since]
    own = [i for i in own if i.opened <= at_hand.until]
    return tuple(sorted(own, key=lambda i: (not i.live, -i.since.timestamp())))
