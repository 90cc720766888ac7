import numpy as np
import pytest

from setpoint.monitor.axes import axes_of
from setpoint.stats.slices import find_slices

JOBS = np.array(["admin", "blue-collar", "student", "technician"], dtype=object)


def draw(rng, rows, noise=6):
    """Return a few columns that mean something, and some that do not."""
    return {
        "job": JOBS[rng.integers(4, size=rows)],
        "age": rng.integers(18, 80, size=rows).astype(float),
        "flag": rng.integers(2, size=rows).astype(float),
        **{f"x{i}": rng.normal(size=rows) for i in range(noise)},
    }


def losses(rng, rows, rho=0.0):
    noise = rng.normal(size=rows)
    for i in range(1, rows if rho else 0):
        noise[i] += rho * noise[i - 1]
    return np.abs(noise)


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_where_there_is_no_slice_none_is_named(rho):
    """40 tables of 2,000 rows with 9 columns that say nothing of the loss, in each thousands of conjunctions."""
    rng = np.random.default_rng(0)
    false = sum(bool(find_slices(axes_of(draw(rng, 2_000)), losses(rng, 2_000, rho), floor=0.0)) for _ in range(40))
    assert false <= 5  # 5 % of 40, and two standard errors


def test_taking_the_worst_slice_without_confirming_it_names_one_nearly_always():
    """The dummy: any of the largest excesses, tested on the rows that it was chosen on."""
    rng, named = np.random.default_rng(0), 0
    for _ in range(20):
        axes, loss = axes_of(draw(rng, 2_000)), losses(rng, 2_000)
        codes = [(a.literals[i][a.codes] > 0) for a in axes for i in range(len(a.names))]
        inside = [m for m in codes if 50 <= m.sum() <= 1_000]
        z = max(
            (loss[m].mean() - loss[~m].mean()) / (loss.std() * np.sqrt(1 / m.sum() + 1 / (~m).sum())) for m in inside
        )
        named += z > 1.96
    assert named >= 15


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_pair_is_found_and_named(seed):
    rng = np.random.default_rng(seed)
    columns, loss = draw(rng, 8_000), losses(rng, 8_000)
    planted = (columns["job"] == "blue-collar") & (columns["age"] > 57)
    loss[planted] *= 2
    worst = find_slices(axes_of(columns), loss)[0]
    job, age = worst.name.split(" & ")
    assert job == "job=blue-collar"
    assert age.startswith("age>5")
    assert worst.low < 2 * np.sqrt(2 / np.pi) - np.sqrt(2 / np.pi) < worst.high


def test_a_planted_triple_is_found_and_named():
    rng = np.random.default_rng(1)
    columns, loss = draw(rng, 40_000), losses(rng, 40_000)
    planted = (columns["job"] == "student") & (columns["flag"] == 1) & (columns["x3"] > 0.6745)
    loss[planted] *= 2
    assert {part.partition(">")[0] for part in find_slices(axes_of(columns), loss)[0].name.split(" & ")} == {
        "job=student",
        "flag=1",
        "x3",
    }


def test_one_condition_is_not_dressed_up():
    rng = np.random.default_rng(2)
    columns, loss = draw(rng, 8_000), losses(rng, 8_000)
    loss[columns["job"] == "student"] *= 1.6
    assert [s.name for s in find_slices(axes_of(columns), loss)] == ["job=student"]


def test_a_trifling_slice_is_not_worth_a_name():
    rng = np.random.default_rng(3)
    columns, loss = draw(rng, 40_000), losses(rng, 40_000)
    loss[columns["job"] == "student"] *= 1.08
    assert find_slices(axes_of(columns), loss) == ()
    assert find_slices(axes_of(columns), loss, floor=0.0)


def test_nothing_to_slice_is_no_slice():
    rng = np.random.default_rng(4)
    columns = draw(rng, 1_000)
    assert find_slices((), losses(rng, 1_000)) == ()
    assert find_slices(axes_of(columns), np.ones(1_000)) == ()
    assert find_slices(axes_of({k: v[:20] for k, v in columns.items()}), losses(rng, 20)) == ()
    assert find_slices(axes_of({k: v[:0] for k, v in columns.items()}), np.zeros(0)) == ()


def test_constants_ids_and_nulls_are_no_axes():
    ids = np.array([f"id{i}" for i in range(500)], dtype=object)
    nothing = np.full(500, None, dtype=object)
    assert axes_of({"one": np.ones(500), "id": ids, "none": nothing, "nan": np.full(500, np.nan)}) == ()


def test_null_is_a_condition_too():
    rng = np.random.default_rng(5)
    columns, loss = draw(rng, 8_000), losses(rng, 8_000)
    columns["age"][rng.uniform(size=8_000) < 0.1] = np.nan
    loss[np.isnan(columns["age"])] *= 2
    assert find_slices(axes_of(columns), loss)[0].name == "age is null"
