"""Profiles of the segments of a table."""

from collections.abc import Mapping

import numpy as np

from setpoint.domain.counting import Grouping, measured, tallied
from setpoint.domain.cuts import Binning
from setpoint.domain.profile import Profile, profile_from
from setpoint.domain.records import Column
from setpoint.domain.tally import part
from setpoint.domain.texts import Texts


def parts_of(columns: Mapping[str, Column | Texts], binning: Binning) -> dict[str, Profile]:
    """Count the rows of each segment of a binning, by name; segments without rows are left out.

    `columns` holds every column of the binning, of equal length.
    """
    cuts = list(binning.columns.values())
    found: dict[str, Profile] = {}
    for column, split in binning.segments.items():
        names = split.names(column)
        codes = np.array([names.index(name) for name in names])[split.codes(columns[column])]
        kept, group = np.unique(codes, return_inverse=True)
        tally = tallied(
            measured([columns[name] for name in binning.columns], cuts), Grouping(group.astype(np.int64), len(kept))
        )
        for at, code in enumerate(kept.tolist()):
            found[names[code]] = profile_from(part(tally, at * len(cuts), (at + 1) * len(cuts)), binning)
    return found
