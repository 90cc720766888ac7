"""Which rows the next training learns, and whether a contest has to tell."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from setpoint.domain.training_set import RECIPE_FILE, Recipe, SetSpec, Source, Step
from setpoint.domain.update import Method, Updates
from setpoint.domain.value import to_json
from setpoint.loop.learning.windows import EVERY_ROW, differs, window_for

NOW = datetime(2024, 6, 1, tzinfo=UTC)
SOURCE = Source(model="demand", reference="v1", champion="v1", until=NOW, as_of=NOW)


def test_where_outcomes_come_later_than_the_held_out_rows_reach_all_rows_are_learnt_without_a_contest(
    made: Any,
) -> None:
    deployment, held_out = made.deployment(updates=Updates(contest=True)), made.rows(made.now - 2 * made.day, made.now)
    assert window_for(deployment, Method.REFIT, held_out) == (None, True)
    late = replace(held_out, known=held_out.time + np.timedelta64(3, "D"))
    assert window_for(deployment, Method.REFIT, late) == (EVERY_ROW, False)
    assert window_for(deployment, Method.CONTINUE, late) == (None, False)


def test_two_sets_that_would_be_equal_make_no_contest(tmp_path: Path) -> None:
    ports = SimpleNamespace(bundles=SimpleNamespace(folder=lambda *_: tmp_path))
    for left, told in ((700, True), (1_000, False)):
        steps = (
            Step(name="doubtful_spans", rows_in=1_300, rows_out=1_000),
            Step(name="window", rows_in=1_000, rows_out=left),
        )
        recipe = Recipe(source=SOURCE, spec=SetSpec(), steps=steps, rows=left, digest="", provenance="", setpoint="")
        (tmp_path / RECIPE_FILE).write_bytes(to_json(recipe))
        assert differs(ports, "demand", "v2") is told  # type: ignore[arg-type]
