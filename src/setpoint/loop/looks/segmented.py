"""The segments that a rollout is watched in: those of setpoint.yaml, as the champion's reference cut them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.domain.segments import Split
from setpoint.domain.sensitive import hidden
from setpoint.loop.release import read_binning


def watched(folder: Path, schema: Schema) -> dict[str, Split]:
    """Return the columns with segments and their splits; one that is not recorded as it was sent has none."""
    closed = {feature.name for feature in hidden(schema)}
    return {name: split for name, split in read_binning(folder).segments.items() if name not in closed}


def names_of(splits: Mapping[str, Split]) -> tuple[str, ...]:
    """Return the names of all segments; where a column is null is none of its own."""
    return tuple(segment for column, split in splits.items() for segment in split.names(column)[:-1])


def masks(splits: Mapping[str, Split], inputs: Columns) -> dict[str, Column]:
    """Return for each segment which rows are in it."""
    found: dict[str, Column] = {}
    for column, split in splits.items():
        values = inputs[column]
        codes = split.codes(values.astype(np.float64) if split.edges or split.values else values)
        found |= {segment: codes == at for at, segment in enumerate(split.names(column)[:-1])}
    return found
