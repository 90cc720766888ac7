"""What was not checked, and why: silence must not look like health."""

from collections.abc import Iterator

from setpoint.config.metrics import is_quality
from setpoint.domain.objective import Objective
from setpoint.monitor.horizons import FEWEST_ROWS as FEWEST_OF_A_WINDOW
from setpoint.monitor.overview.gathered import Gathered
from setpoint.monitor.overview.values import ColumnView, ObjectiveView, Unchecked
from setpoint.monitor.quality import FEWEST_ROWS
from setpoint.monitor.service import QUANTILES

STUDY = {
    "drift_joint": "relations between columns",
    "outliers": "rows that are outliers",
    "attribution": "what moves the answers",
}


def unchecked(
    at_hand: Gathered, objectives: tuple[ObjectiveView, ...], columns: tuple[ColumnView, ...]
) -> tuple[Unchecked, ...]:
    """Return what was not checked: objectives, all columns together, or single ones, and parts of the rows."""
    return (
        *_objectives(at_hand, objectives),
        *_columns(at_hand, columns),
        *_study(at_hand),
        *_segments(at_hand),
    )


def _study(at_hand: Gathered) -> Iterator[Unchecked]:
    skipped = at_hand.study.skipped if at_hand.study else {}
    return (Unchecked(what=STUDY.get(metric, metric), why=why) for metric, why in skipped.items())


def _objectives(at_hand: Gathered, views: tuple[ObjectiveView, ...]) -> Iterator[Unchecked]:
    goals = {o.name: o for o in at_hand.deployment.objectives}
    for view in views:
        if view.value is None:
            yield Unchecked(what=view.name, why=view.why or "it has no value")
        elif _needs(goals[view.name]) > view.rows:
            few = f"{view.rows:,} rows in its window, {_needs(goals[view.name])} are needed"
            yield Unchecked(what=f"{view.name}: an alarm", why=few)
        if view.estimate and view.estimate.value is None:
            yield Unchecked(what=f"{view.name} before its labels", why=view.estimate.why)


def _needs(objective: Objective) -> int:
    return FEWEST_ROWS if is_quality(objective.metric) or objective.metric in QUANTILES else 1


def _columns(at_hand: Gathered, views: tuple[ColumnView, ...]) -> Iterator[Unchecked]:
    rows = int(at_hand.series.rows.sum())
    if rows < FEWEST_OF_A_WINDOW:
        few = "no records in this period" if not rows else f"{rows:,} rows in this period"
        yield Unchecked(what="columns", why=f"{few}; a window of at least {FEWEST_OF_A_WINDOW} rows is needed")
        return
    reasons = dict.fromkeys(v.why for v in views if v.why)
    for why in reasons:
        names = [v.name for v in views if v.why == why]
        yield Unchecked(what=_listed(names), why=why)
    young = [n for n, c in at_hand.limits.columns.items() if not c.movements and c.std > 0]
    if young:
        few = f"the reference has {at_hand.limits.rows:,} rows: too few to tell how much they move by themselves"
        yield Unchecked(what=f"slow drift of {_listed(young)}", why=few)


def _segments(at_hand: Gathered) -> Iterator[Unchecked]:
    few = [name for name, rows in at_hand.segments.items() if 0 < rows < FEWEST_OF_A_WINDOW]
    if few:
        yield Unchecked(what=_listed(few), why=f"fewer than {FEWEST_OF_A_WINDOW} rows in this period")


def _listed(names: list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
