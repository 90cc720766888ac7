"""All monitors, one look."""

from collections.abc import Iterator, Sequence

from setpoint.domain.finding import Finding
from setpoint.monitor.atoms import atoms
from setpoint.monitor.audit import audit
from setpoint.monitor.callers import callers
from setpoint.monitor.data_quality import data_quality, refused
from setpoint.monitor.drift import sudden_drift
from setpoint.monitor.failed import FAILED, kept
from setpoint.monitor.fairness import fairness
from setpoint.monitor.feed import feed
from setpoint.monitor.freshness import arrivals
from setpoint.monitor.horizons import Horizon, horizons, surest
from setpoint.monitor.memory import memory
from setpoint.monitor.micro import micro
from setpoint.monitor.naming import named
from setpoint.monitor.off_grid import off_grid
from setpoint.monitor.outcomes import outcomes
from setpoint.monitor.part_step import part_step
from setpoint.monitor.process import process
from setpoint.monitor.quality import quality
from setpoint.monitor.release import release
from setpoint.monitor.repeats import repeats
from setpoint.monitor.rules import broken_rules
from setpoint.monitor.scope import Scope
from setpoint.monitor.seen import Seen
from setpoint.monitor.segments import by_segment
from setpoint.monitor.service import service
from setpoint.monitor.slow import slow_drift
from setpoint.monitor.stuck import stuck
from setpoint.monitor.turned_away import turned_away
from setpoint.monitor.unwritten import unwritten
from setpoint.monitor.worst import worst_slices

ALWAYS = ("quality", "objective", "fairness", "slices", "service", "process", FAILED)


def observe(seen: Seen) -> tuple[Finding, ...]:
    """Return every alarm, every objective, and as notes the columns that came at least half way to their limit."""
    window = micro(seen)
    good = kept(seen, quality, seen)
    found = (
        *kept(seen, process, seen),
        *kept(seen, memory, seen),
        *kept(seen, refused, seen),
        *kept(seen, broken_rules, seen, window),
        *kept(seen, repeats, seen, window),
        *kept(seen, atoms, seen),
        *kept(seen, off_grid, seen),
        *kept(seen, arrivals, seen),
        *of_scopes(seen),
        *good,
        *kept(seen, part_step, seen),
        *kept(seen, by_segment, seen),
        *kept(seen, fairness, seen),
        *kept(seen, worst_slices, seen, good),
        *kept(seen, release, seen),
        *kept(seen, outcomes, seen),
        *kept(seen, audit, seen),
        *kept(seen, feed, seen),
        *kept(seen, service, seen),
        *kept(seen, turned_away, seen),
        *kept(seen, unwritten, seen),
        *kept(seen, callers, seen),
    )
    return tuple(f for f in found if f.alarm or f.monitor in ALWAYS or f.value >= f.limit / 2)


def of_scopes(seen: Seen) -> Iterator[Finding]:
    """Report what is wrong with columns; of a segment, what all rows together do not show already."""
    said: set[tuple[str, str | None]] = set()
    for scope in seen.scopes:
        found = kept(seen, of_scope, seen, scope)
        if not scope.segment and scope.role == "champion":
            said = {(f.metric, f.column) for f in found if f.alarm}
            yield from found
        else:
            yield from (f for f in found if (f.metric, f.column) not in said)


def of_scope(seen: Seen, scope: Scope) -> Iterator[Finding]:
    """Report what is wrong with the columns of one part of the rows; of the windows of a look, the surest finding."""
    windows = list(horizons(scope, seen.started, seen.now))
    if windows:
        found = [*data_quality(seen, scope, windows), *sudden_drift(seen, scope, windows)]
        if not scope.segment:  # whose rows do not follow each other
            found += stuck(seen, scope, windows[0])
        yield from surest([f for window in windows for f in _named(scope, window, found)])
    yield from slow_drift(seen, scope)


def _named(scope: Scope, window: Horizon, findings: Sequence[Finding]) -> list[Finding]:
    """Name the findings of one window by what its rows are beside those of the weeks before, or of the reference."""
    own = [f for f in findings if f.since == window.since]
    if not any(f.alarm for f in own):
        return own
    before = scope.sound(scope.hours, window.since).profile()
    known = before if before.rows >= window.rows or scope.reference is None else scope.reference
    return named(own, known, window.stretches.profile())
