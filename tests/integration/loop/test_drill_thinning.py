"""What a drill reads of much traffic: evenly taken rows of the last weeks, a part at a time."""

import dataclasses
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from setpoint.loop.drill import thinning
from tests.integration.loop.conftest import DAY, MODEL, START, World


class Watched:
    """A log that counts what is read at once."""

    def __init__(self, log: Any) -> None:
        self._log, self.read_rows = log, list[int]()

    def read(self, *args: Any, **window: Any) -> Any:
        rows = self._log.read(*args, **window)
        self.read_rows.append(len(rows))
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


@pytest.mark.parametrize(("most", "at_once"), [(100, 200_000), (100, 7), (1_000, 200_000)])
def test_every_nth_row_is_kept_and_few_are_read_at_once(
    world: Any, most: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    w: World = world()
    w.until(10)
    monkeypatch.setattr(thinning, "AT_ONCE", at_once)
    log = Watched(w.log)
    since, until = START + timedelta(hours=5, minutes=30), START + 9 * DAY + timedelta(hours=7)
    found, every = thinning.thinned(log, MODEL, since, until, most)
    whole = w.log.read(MODEL, since=since, until=until)
    wanted = whole.take(np.arange(0, len(whole), every))
    assert len(found) <= most
    for field in dataclasses.fields(found):
        if field.name not in ("inputs", "classes"):
            np.testing.assert_array_equal(getattr(found, field.name), getattr(wanted, field.name))
    assert (every == 1) is (most == 1_000)
    assert every == 1 or max(log.read_rows) <= max(24, 2 * at_once)
