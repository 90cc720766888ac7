"""Three ways in which answers and outcomes part: broken labels, other shares, another relation.

Each is a model of the outcome given the healthy, recalibrated answer, fitted since its likeliest onset and paid for by
the half logarithm of the rows for each parameter (BIC). A broken feed spoils outcomes from the moment they *arrive*,
whatever they are about; a change of the world from the moment of the *request*. Where outcomes are late, that tells the
two apart.

References
----------
Schwarz, "Estimating the dimension of a model", Annals of Statistics 6 (1978).
"""

from collections.abc import Mapping
from itertools import chain

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.incident import Cause
from setpoint.domain.records import Records
from setpoint.domain.schema import Schema
from setpoint.maintain.labels.account import Told
from setpoint.maintain.labels.redrawn import redrawn
from setpoint.maintain.labels.related import partly, related, shifted
from setpoint.maintain.labels.rows import labels_of
from setpoint.maintain.labels.spoiled import broken, spoiled

__all__ = ["Told", "labels_of", "spoiled", "told"]


def told(schema: Schema, healthy: Records, suspect: Records, maps: tuple[FeatureMap, ...] = ()) -> Mapping[Cause, Told]:
    """Return the best account of each cause; empty with too few labels, or for several classes."""
    labels = labels_of(schema, healthy, suspect, maps)
    if labels is None:
        return {}
    found: dict[Cause, Told] = {}
    accounts = (broken(labels), shifted(labels), redrawn(labels), related(labels, schema), partly(labels, schema))
    for one in chain.from_iterable(accounts):
        if one.cause not in found or one.gain > found[one.cause].gain:
            found[one.cause] = one
    return found
