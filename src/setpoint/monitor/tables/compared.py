"""Compare two tables: which columns changed, how, and by how much."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.monitor.changes.swaps import swapped
from setpoint.monitor.changes.values import Change
from setpoint.monitor.overview.pictures import bars_of
from setpoint.monitor.tables.judged import Judged, judge
from setpoint.monitor.tables.pairs import READ_TEXTS
from setpoint.monitor.tables.relation import relation
from setpoint.monitor.tables.sources import Source, in_order, source_of
from setpoint.monitor.tables.values import ColumnComparison, Comparison

if TYPE_CHECKING:
    from setpoint.monitor.joint import JointChange

FALSE_COMPARISONS = 0.01  # share of comparisons of like with like in which any column may be called changed
TESTS = 6  # a column goes through
THREADS = 2
MOVED = ("frequency", "shift", "scale", "spike", "shape", "vanished_level")


def compare(
    reference: Any,
    current: Any,
    *,
    target: str | None = None,
    prediction: str | None = None,
    time: str | None = None,
    id: str | None = None,
    columns: Sequence[str] | None = None,
    relations: bool = False,
) -> Comparison:
    """Say which columns of `current` differ from `reference`, how, and by how much; needs no deployment.

    A column is changed when the lower confidence bound of an effect passes a floor, so that the conclusion is the same
    for a thousand rows and for ten million. Of like with like, at most one comparison in a hundred calls any column.
    Dependence between neighbouring rows widens the bounds, so rows should be in their order.

    Parameters
    ----------
    reference, current : pandas, Polars or Arrow table, or path
        Of a Parquet file one column at a time is in memory.
    target, prediction : str, optional
        The label, and the score of its second class or the number predicted. A share of labels that moved is `prior`;
        with both, a label that relates differently to the score is `concept`.
    time : str, optional
        Rows are put in its order.
    id : str, optional
        It is not compared.
    columns : sequence of str, optional
        Only these.
    relations : bool
        Whether to compare what columns do together too, on a sample of the rows; it takes a second or two.

    Raises
    ------
    InvalidInput
        If a table cannot be read, or lacks a column that is named here in both.
    """
    before, after = source_of(reference, "reference"), source_of(current, "current")
    _known([*(columns or ()), *(each for each in (target, prediction, time, id) if each)], before, after)
    if time:
        before, after = in_order(before, time), in_order(after, time)
    names = [name for name in dict.fromkeys([*before.names, *after.names]) if not columns or name in columns]
    alpha = FALSE_COMPARISONS / (TESTS * max(len(names), 1))
    shared = [n for n in names if n in before.names and n in after.names and n not in (time, id)]
    with ThreadPoolExecutor(THREADS) as pool:
        judged = dict(zip(shared, pool.map(lambda n: judge(n, before, after, alpha), shared), strict=True))
    changes = _together(judged)
    if target in judged:
        changes = {**changes, **_label(target, prediction, changes, before, after, alpha)}
    told = [
        _compared(name, judged[name], changes.get(name)) if name in judged else _alone(name, before, (time, id))
        for name in names
    ]
    joint, said = _relations(shared, before, after) if relations else (None, ())
    return Comparison(
        reference_rows=before.rows,
        current_rows=after.rows,
        columns=tuple(sorted(told, key=lambda c: (not c.changed, -c.weight))),
        relations=joint,
        notes=(*_notes(before, after, judged), *said),
    )


def _known(named: Sequence[str], *tables: Source) -> None:
    for name in named:
        if not any(name in table.names for table in tables):
            near = get_close_matches(name, tables[0].names, 1)
            raise InvalidInput(
                f"neither table has a column {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )


def _together(judged: Mapping[str, Judged]) -> dict[str, Change]:
    """Return the changes by column, with those of two columns that exchanged their values named so."""
    changes = {name: each.change for name, each in judged.items() if each.change}
    whole = {name: each for name, each in judged.items() if each.counted}
    p, w = ({name: getattr(each, side) for name, each in whole.items()} for side in ("p", "w"))
    noise = {name: each.noise for name, each in whole.items()}
    return {**changes, **swapped({n: c for n, c in changes.items() if n in whole}, p, w, noise)}


def _label(
    target: str, prediction: str | None, changes: Mapping[str, Change], before: Source, after: Source, alpha: float
) -> dict[str, Change]:
    """Return what became of the label: that its shares moved, or that it relates differently to the score."""
    own = changes.get(target)
    if own and own.kind in MOVED:
        own = replace(own, kind="prior")
    concept = None
    if prediction and all(name in table.names for name in (target, prediction) for table in (before, after)):
        concept = relation(target, prediction, before, after, alpha, prior=own is not None)
    found = concept or own
    return {target: found} if found else {}


def _relations(names: Sequence[str], before: Source, after: Source) -> "tuple[JointChange, tuple[str, ...]]":
    from setpoint.monitor.tables.jointly import in_words, jointly  # scikit-learn takes longer than all the rest

    found = jointly(names, before, after)
    return found, (in_words(found),)


def _compared(name: str, judged: Judged, change: Change | None) -> ColumnComparison:
    p, w = judged.p, judged.w
    nearest = change or max(judged.effects, key=lambda effect: effect.low / effect.floor, default=None)
    return ColumnComparison(
        column=name,
        changed=change is not None,
        kind=change.kind if change else "",
        effect=change.effect if change else 0.0,
        detail=change.detail if change else judged.why,
        counted=judged.counted,
        low=nearest.low if nearest and math.isfinite(nearest.low) else None,
        floor=nearest.floor if nearest else None,
        nulls_reference=p.nulls / p.rows if p.rows else None,
        nulls_current=w.nulls / w.rows if w.rows else None,
        weight=change.weight if change else 0.0,
        mean_reference=_finite(p.mean),
        mean_current=_finite(w.mean),
        std_reference=_finite(p.std),
        std_current=_finite(w.std),
        bars=bars_of(p, w),
        **judged.distances,
    )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _alone(name: str, before: Source, left_out: Sequence[str | None]) -> ColumnComparison:
    """Return what is said of a column that only one table has, or that is not compared."""
    if name in left_out:
        return ColumnComparison(column=name, changed=False, detail="not compared: it orders rows or tells them apart")
    gone = name in before.names
    detail = "the current table lacks it" if gone else "the reference has no such column"
    return ColumnComparison(
        column=name, changed=True, kind="missing" if gone else "extra", effect=1.0, detail=detail, weight=1e6
    )


def _notes(before: Source, after: Source, judged: Mapping[str, Judged]) -> tuple[str, ...]:
    notes = [f"The {name} table has no rows." for name, t in (("reference", before), ("current", after)) if not t.rows]
    if not before.names and not after.names:
        notes.append("Neither table has columns.")
    sampled = [name for name, each in judged.items() if each.sampled]
    if sampled:
        notes.append(f"Looked at in every k-th row, {READ_TEXTS:,} in all: {', '.join(sampled)}.")
    return tuple(notes)
