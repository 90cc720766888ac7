"""The one place that says whether a column changed, and how."""

from collections.abc import Mapping

import numpy as np

from setpoint.domain.profile import ColumnProfile, Counted
from setpoint.monitor.changes import marks, shares
from setpoint.monitor.changes.few import categories, few_change, few_effects, few_values
from setpoint.monitor.changes.levels import level_effects
from setpoint.monitor.changes.numbers import number_change, number_effects
from setpoint.monitor.changes.swaps import swapped
from setpoint.monitor.changes.values import Change, Effect, Noise


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # what overflows fits no explanation
def change_of(reference: ColumnProfile, window: ColumnProfile, noise: Noise, column: str = "") -> Change | None:
    """Return how a window of a column differs from its reference, if it surely does.

    Both are counted by the same cuts. A change is called when the lower confidence bound of an effect passes a floor,
    so that the conclusion is the same for a thousand rows and for ten million: more rows make it surer, not stricter.

    Parameters
    ----------
    noise : Noise
        The error of one test, and how far the column moves by itself.

    Returns
    -------
    Change or None
        None too where there are too few rows to tell.
    """
    if not reference.rows or not window.rows:
        return None
    found = shares.nulls(reference, window, noise, column)
    if found or not reference.filled or not window.filled:
        return found
    match reference.cuts.kind:
        case Counted.CATEGORICAL:
            return categories(reference, window, noise, column)
        case Counted.DATETIME:
            return shares.odd(reference, window, noise, column) or marks.hours(reference, window, noise, column)
        case Counted.TEXT:
            return number_change(reference, window, noise, column) or marks.wording(reference, window, noise, column)
        case Counted.BOOLEAN | Counted.NUMERIC:
            few = few_values(reference)
            return (few_change if few else number_change)(reference, window, noise, column)


def changes_of(
    reference: Mapping[str, ColumnProfile], window: Mapping[str, ColumnProfile], noise: Mapping[str, Noise]
) -> dict[str, Change]:
    """Return the changes by column; two that exchanged their values are told from two that changed.

    Columns that the window lacks are left out, as they have no profile to judge.
    """
    found = {
        name: change
        for name, p in reference.items()
        if name in window and (change := change_of(p, window[name], noise[name], name))
    }
    return {**found, **swapped(found, reference, window, noise)}


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def effects_of(reference: ColumnProfile, window: ColumnProfile, noise: Noise) -> tuple[Effect, ...]:
    """Return every effect that is measured between two profiles of a column, whether sure or not."""
    if not reference.rows or not window.rows:
        return ()
    found = shares.null_effects(reference, window, noise)
    if not reference.filled or not window.filled:
        return found
    match reference.cuts.kind:
        case Counted.CATEGORICAL:
            return (*found, *level_effects(reference.every_level, window.every_level, noise))
        case Counted.DATETIME:
            return found
        case Counted.BOOLEAN | Counted.NUMERIC if few_values(reference):
            return (*found, *few_effects(reference, window, noise))
        case _:
            return (*found, *number_effects(reference, window, noise))
