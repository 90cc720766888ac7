"""The head line: what is wrong in plain sentences, the most important first."""

from collections.abc import Iterator, Sequence

from setpoint.domain.finding import Finding
from setpoint.domain.incident import Incident, IncidentStatus
from setpoint.domain.record import Role
from setpoint.monitor.overview.gathered import Gathered
from setpoint.monitor.overview.values import STATES, ColumnView, ObjectiveView, Said, State, Unchecked
from setpoint.monitor.overview.words import moment, of_incident

MOST_COLUMNS = 6  # told one by one
URGENT = (IncidentStatus.WAITING, IncidentStatus.OPEN, IncidentStatus.MENDING, IncidentStatus.HELD)
SEASON = "a season that the reference does not hold looks the same"
COLUMNS = ("drift", "data_quality", "attribution")  # monitors
OBJECTIVES = ("quality", "service", "objective")


def headline(
    at_hand: Gathered,
    objectives: Sequence[ObjectiveView],
    columns: Sequence[ColumnView],
    missing: Sequence[Unchecked],
) -> tuple[Said, ...]:
    """Return what is wrong: incidents, objectives, columns, the rest; or that nothing is."""
    live = [i for i in at_hand.deployment.incidents if i.live]
    wrong = [
        *(_incident(i) for i in sorted(live, key=lambda i: (URGENT.index(i.status), -i.since.timestamp()))),
        *_objectives(objectives),
        *_columns(columns, live),
        *_others(at_hand.findings),
    ]
    wrong.sort(key=lambda s: STATES.index(s.state))
    return (*wrong, *_slow(columns), *_well(at_hand, bool(wrong), objectives, missing))


def _incident(incident: Incident) -> Said:
    state = State.NEAR if incident.status is IncidentStatus.HELD else State.ALARM
    return Said(text=of_incident(incident), state=state, about=incident.id, since=incident.began_by)


def _objectives(views: Sequence[ObjectiveView]) -> Iterator[Said]:
    for v in views:
        if v.at_set_point is False or v.state is State.ALARM:
            sure = "" if v.state is State.ALARM else ", which may be chance"
            asked = f"{'at least' if v.higher_is_better else 'at most'} {v.target:.6g} is asked"
            yield Said(text=f"{v.name} is {_number(v.value)}, {asked}{sure}", state=v.state, about=v.name)


def _number(number: float | None) -> str:
    return "unknown" if number is None else f"{number:.4g}"


def _columns(columns: Sequence[ColumnView], live: Sequence[Incident]) -> Iterator[Said]:
    """Tell of columns that no incident tells of already."""
    told = {f.column for i in live for f in i.findings if f.alarm}
    left = [c for c in columns if c.state is State.ALARM and c.name not in told]
    for c in left[:MOST_COLUMNS]:
        yield Said(text=c.words, state=State.ALARM, about=c.name, since=c.since)
    if len(left) > MOST_COLUMNS:
        yield Said(text=f"{len(left) - MOST_COLUMNS} more columns changed, see below", state=State.ALARM)


def _others(findings: Sequence[Finding]) -> Iterator[Said]:
    """Tell of alarms that are about no column and no objective as a whole: processes, paces, segments, estimates."""
    left = [f for f in findings if f.alarm and not _told_elsewhere(f)]
    for f in left[:MOST_COLUMNS]:
        yield Said(text=_sentence(f), state=State.ALARM, about=f.segment or f.metric, since=f.since)
    if len(left) > MOST_COLUMNS:
        yield Said(
            text=f"{len(left) - MOST_COLUMNS} more alarms of segments and the like, see below", state=State.ALARM
        )


def _told_elsewhere(f: Finding) -> bool:
    """Whether a finding is of a column, or of an objective, of all the champion's rows: these have their own words."""
    if f.segment or f.role != Role.CHAMPION.value:
        return False
    return bool(f.column and f.monitor in COLUMNS) or (
        f.monitor in OBJECTIVES and not (f.monitor == "service" and f.kind)
    )


def _sentence(f: Finding) -> str:
    if f.segment and f.segment in f.detail:
        return f.detail
    about = " of ".join(filter(None, (f.metric.replace("_", " "), f.column)))
    whose = f" of {f.version} ({f.role})" if f.role != Role.CHAMPION.value else ""
    return f"{about}{whose}{f' where {f.segment}' if f.segment else ''}: {f.detail}"


def _slow(columns: Sequence[ColumnView]) -> Iterator[Said]:
    moved = [c.name for c in columns if c.state is State.MOVED]
    if moved:
        names = ", ".join(moved[:4]) + (f" and {len(moved) - 4} more" if len(moved) > 4 else "")
        yield Said(text=f"{names} slowly came to differ from the reference; {SEASON}", state=State.MOVED)


def _well(
    at_hand: Gathered, wrong: bool, objectives: Sequence[ObjectiveView], missing: Sequence[Unchecked]
) -> Iterator[Said]:
    """Say that all is well, as far as anything could be checked."""
    if not int(at_hand.series.rows.sum()):
        last = f"the last answer is of {moment(at_hand.newest)} UTC" if at_hand.newest else "nothing was ever answered"
        yield Said(text=f"No records in this period; {last}", state=State.UNKNOWN)
    elif not wrong:
        known = any(v.value is not None for v in objectives)
        unknown = "Nothing wrong was found, but no objective has a value yet"
        text = "Everything is within the set point" if known else unknown
        less = f"; {len(missing)} things could not be checked" if missing and known else ""
        yield Said(text=text + less, state=State.QUIET if known else State.UNKNOWN)
