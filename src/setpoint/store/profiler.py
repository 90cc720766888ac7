"""Counting rows of a model, with what a user's function says of them."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import pyarrow as pa

from setpoint.domain.profile import Binning, Profile
from setpoint.domain.schema import Schema
from setpoint.domain.series import Series
from setpoint.runtime.describe import Describer
from setpoint.store.profiles import compacted, profile_rows, series, summed

log = logging.getLogger("setpoint.store")


class Profiler:
    """Profiles the rows of one model.

    Parameters
    ----------
    schema : Schema
    binning : Binning
        Names the user's function, where there is one. What goes wrong in it is null, counted in `failed` and logged.
    """

    def __init__(self, schema: Schema, binning: Binning) -> None:
        self._schema, self._binning = schema, binning
        self._describer = Describer(binning.describe) if binning.describe else None
        self._said: str | None = None

    def count(self, rows: pa.Table) -> pa.Table:
        """Return the rows of the table `profiles` for rows of the table `predictions`."""
        describer = self._describer
        found = profile_rows(rows, self._schema, self._binning, describer.columns if describer else None)
        if describer and describer.last_error not in (None, self._said):
            self._said = describer.last_error
            log.error("profile: %s (%d calls failed so far); what it describes is null", self._said, describer.failed)
        return found

    def add_up(self, rows: pa.Table) -> pa.Table:
        """Return rows of the table `profiles` with those of equal keys added into one."""
        return compacted(rows, self._binning)

    def sum(self, rows: pa.Table) -> Profile:
        """Return the sum of rows of the table `profiles`."""
        return summed(rows, self._binning)

    def series(
        self, rows: pa.Table, since: datetime, until: datetime, every: timedelta, segments: Sequence[str]
    ) -> dict[str, Series]:
        """Return the sums of rows of the table `profiles` over consecutive stretches, by segment."""
        return series(rows, since, until, every, self._binning, segments)

    def close(self) -> None:
        """End the process of the user's function."""
        if self._describer:
            self._describer.close()
