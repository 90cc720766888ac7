"""On which features a model's answers lean."""

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.domain.traffic import Traffic
from setpoint.faults.answers import Ask

ROWS = 1_000


def leaning(ask: Ask, traffic: Traffic, schema: Schema, seed: int) -> list[str]:
    """Return the features, those first whose shuffling moves the score most.

    Source: L. Breiman, "Random forests", Machine Learning 45, 2001; without labels, of the answers themselves.
    """
    rng = np.random.default_rng(seed)
    some = traffic.take(np.sort(rng.permutation(len(traffic))[:ROWS]))

    def scores(inputs: Columns) -> Column:
        return np.asarray(ask(inputs)[schema.score], np.float64)

    base, moved = scores(some.inputs), dict[str, float]()
    for name, column in some.inputs.items():
        shuffled = scores({**some.inputs, name: rng.permutation(column)})
        moved[name] = float(np.nanmean(np.abs(shuffled - base)))
    return sorted(moved, key=lambda name: -moved[name])
