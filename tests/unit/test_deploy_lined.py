"""A model that is born with its line: what the line is fitted on, and what is kept behind it."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from setpoint.deploy.answers import CLASSES_FILE, SCORES_FILE
from setpoint.deploy.lined import born_line, line_up
from setpoint.domain.schema import Schema, Task
from setpoint.domain.training_set import WEIGHT

ROWS, NEWEST = 600, 200
REGRESSION = Schema(features=(), target="y", task=Task.REGRESSION)
SEVERAL = Schema(features=(), target="y", task=Task.MULTICLASS, classes=("a", "b", "c"))
RNG = np.random.default_rng(3)


def a_regression() -> tuple[pa.Table, np.ndarray]:
    """The newest rows are missed by 20, the others by -50: what the model has learnt must not count."""
    raw = RNG.normal(100.0, 10.0, ROWS)
    return pa.table({"y": raw + np.where(np.arange(ROWS) < ROWS - NEWEST, -50.0, 20.0)}), raw


def test_the_line_is_fitted_on_the_newest_rows_alone() -> None:
    table, raw = a_regression()
    assert np.isclose(born_line(table, raw, REGRESSION, NEWEST).shift[0], 20.0 * NEWEST / (NEWEST + 50))


def test_rows_weigh_in_the_line_as_they_do_in_the_training() -> None:
    table, raw = a_regression()
    light = table.append_column(WEIGHT, pa.array(np.full(ROWS, 0.25)))
    assert born_line(light, raw, REGRESSION, NEWEST).shift[0] < born_line(table, raw, REGRESSION, NEWEST).shift[0]


def test_what_is_kept_of_the_answers_is_what_the_version_answers(tmp_path: Path) -> None:
    table, raw = a_regression()
    np.save(tmp_path / SCORES_FILE, raw)
    line, scores, metrics = line_up(tmp_path, table, REGRESSION, 0.5, NEWEST)
    assert np.allclose(scores, line.centre + line.shift[0] + line.slope * (raw - line.centre))
    assert metrics["mae"] == np.mean(np.abs(table["y"].to_numpy() - scores))


def test_of_several_classes_the_decisions_are_those_behind_the_line(tmp_path: Path) -> None:
    table = pa.table({"y": ["a"] * (ROWS - NEWEST) + ["c"] * NEWEST})
    said = np.tile([0.0, 0.5, 0.1, 0.4], (ROWS, 1)).astype(np.float32)  # the place of the decision, then probabilities
    np.save(tmp_path / CLASSES_FILE, said)
    _, scores, metrics = line_up(tmp_path, table, SEVERAL, 0.0, NEWEST)
    kept = np.load(tmp_path / CLASSES_FILE)
    assert set(kept[:, 0]) == {2.0}, "the newest rows are all c"
    assert np.allclose(kept[:, 1:].sum(axis=1), 1.0)
    assert np.allclose(kept[:, 3], scores)
    assert metrics["accuracy"] == NEWEST / ROWS
