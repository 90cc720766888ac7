"""One engine says whether and how a column changed: from profiles alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.far import FAR, far_of
from setpoint.domain.profile import Binning, Counted, cuts_of, profile_of
from setpoint.domain.value import replace
from setpoint.monitor.changes.engine import change_of, changes_of
from setpoint.monitor.changes.values import INDEPENDENT, Noise

N = 4_000
QUIET = Noise(alpha=1e-5)
JOBS = np.array(["clerk", "cook", "driver", "nurse", "pilot"], object)
DRAWN = {
    "level": lambda rng, n: 40 + 10 * rng.normal(size=n),
    "money": lambda rng, n: rng.lognormal(3, 0.8, n),
    "grade": lambda rng, n: rng.choice(5, n, p=[0.1, 0.2, 0.4, 0.2, 0.1]).astype(float),
    "flag": lambda rng, n: (rng.random(n) < 0.3).astype(float),
    "job": lambda rng, n: rng.choice(JOBS, n, p=[0.4, 0.25, 0.2, 0.1, 0.05]),
}
KINDS = dict.fromkeys(DRAWN, Counted.NUMERIC) | {"job": Counted.CATEGORICAL, "flag": Counted.BOOLEAN}


def drawn(name, seed, n=N):
    return DRAWN[name](np.random.default_rng(seed), n)


def profiles(name, window, reference=None):
    reference = drawn(name, 0) if reference is None else reference
    binning = Binning(columns={name: cuts_of(reference, KINDS[name])})
    return [profile_of({name: part}, binning).columns[name] for part in (reference, window)]


def some(share, then):
    """Return a change of every so many rows; `then` is a value or a function of the rows."""
    return lambda x: np.where(np.arange(len(x)) % round(1 / share) == 0, then(x) if callable(then) else then, x)


CHANGES = [
    ("level", "nulls", some(0.1, np.nan)),
    ("level", "frozen", lambda x: np.full(len(x), x[0])),
    ("level", "unit", lambda x: 1.8 * x + 32),
    ("level", "unit", lambda x: x / 100),
    ("level", "unit", lambda x: -x),
    ("money", "unit", lambda x: 100 * x),
    ("money", "unit", lambda x: x / 1_000),
    ("level", "spike", some(0.1, 37.0)),
    ("money", "spike", some(0.1, 20.0)),
    ("level", "range", some(0.05, 200.0)),
    ("money", "range", some(0.02, lambda x: 1e4 * x)),
    ("level", "scale", lambda x: 40 + 1.3 * (x - 40)),
    ("level", "scale", lambda x: 40 + 2.5 * (x - 40)),
    ("level", "scale", lambda x: 40 + 0.5 * (x - 40)),
    ("level", "shift", lambda x: x + 2),
    ("level", "shift", lambda x: x + 30),
    ("money", "shift", lambda x: x * 1.2),
    ("level", "shape", lambda x: 40 + 10 * np.sign(x - 40) * np.sqrt(np.abs(x - 40) / 10)),
    ("grade", "frequency", some(0.1, 4.0)),
    ("grade", "unit", lambda x: 20 * x),
    ("grade", "range", some(0.1, 9.0)),
    ("flag", "frequency", some(0.1, 1.0)),
    ("flag", "frozen", lambda x: np.zeros(len(x))),
    ("job", "new_level", some(0.05, "smith")),
    ("job", "vanished_level", lambda x: np.where(x == "nurse", "cook", x)),
    ("job", "renamed", lambda x: np.where(x == "cook", "Cook ", x)),
    ("job", "renamed", lambda x: np.where(x == "cook", "chef", x)),
    ("job", "frequency", some(0.1, "pilot")),
    ("job", "frozen", lambda x: np.full(len(x), "driver", object)),
]


@pytest.mark.parametrize(("column", "kind", "change"), CHANGES)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_change_is_named(column, kind, change, seed):
    x = drawn(column, seed)
    found = change_of(*profiles(column, change(x)), QUIET, column)
    assert found is not None
    assert (found.column, found.kind) == (column, kind)
    assert found.low > found.floor
    assert found.detail


@pytest.mark.parametrize("column", DRAWN)
def test_like_with_like_is_quiet(column):
    assert [change_of(*profiles(column, drawn(column, seed)), QUIET) for seed in range(1, 30)] == [None] * 29


def test_columns_that_exchanged_their_values_are_named_together():
    rng = np.random.default_rng(3)
    reference, window = ({name: drawn(name, seed) for name in ("level", "money")} for seed in (0, 1))
    window = {"level": window["money"], "money": window["level"]}
    binning = Binning(columns={name: cuts_of(x, Counted.NUMERIC) for name, x in reference.items()})
    p, w = (profile_of(part, binning).columns for part in (reference, window))
    found = changes_of(p, w, dict.fromkeys(p, QUIET))
    assert {name: change.kind for name, change in found.items()} == {"level": "swapped", "money": "swapped"}
    assert "money" in found["level"].detail
    shifted = profile_of({"level": reference["level"] + rng.normal(5, 1, N), "money": reference["money"]}, binning)
    assert {n: c.kind for n, c in changes_of(p, shifted.columns, dict.fromkeys(p, QUIET)).items()} == {"level": "shift"}


def test_the_conclusion_does_not_depend_on_the_number_of_rows():
    """A shift of 0.02 deviations is trifling for a hundred million rows too; one of 0.5 is a change for a thousand."""
    trifling = profiles("level", drawn("level", 1, 100_000) + 0.2, drawn("level", 0, 100_000))
    assert change_of(*(replace_counts(each, 1_000) for each in trifling), QUIET) is None
    for rows in (1_000, 100_000):
        assert change_of(*profiles("level", drawn("level", 1, rows) + 5, drawn("level", 0, rows)), QUIET) is not None


def replace_counts(profile, times):
    counts = ("bins", "marks", "nulls", "total", "squares")
    return replace(profile, **{name: getattr(profile, name) * times for name in counts})


def test_dependence_and_natural_movement_widen_the_bounds():
    p, w = profiles("level", drawn("level", 1) + 2)
    assert change_of(p, w, QUIET)
    dependent = replace(QUIET, design=replace(INDEPENDENT, location=20.0, scale=20.0, shape=20.0, shares=20.0))
    assert change_of(p, w, dependent) is None
    restless = replace(QUIET, moves=replace(QUIET.moves, location=0.1, scale=0.1, shape=0.1, shares=0.1))
    assert change_of(p, w, restless) is None


def test_that_time_went_on_is_no_change():
    day, n = 86_400.0, 3_000
    first = 1.7e9 + np.sort(np.random.default_rng(0).random(n)) * 28 * day
    cuts = Binning(columns={"t": cuts_of(first, Counted.DATETIME)})
    night = np.floor((first + 28 * day) / day) * day + 3_600 * 3

    def judged(window):
        return change_of(*(profile_of({"t": part}, cuts).columns["t"] for part in (first, window)), QUIET)

    assert judged(first + 28 * day) is None
    assert judged(night).kind == "frequency"


def test_texts_in_other_words_are_told():
    rng = np.random.default_rng(0)

    def texts(words, n=2_000):
        return np.array([" ".join(rng.choice(words, 6)) for _ in range(n)], object)

    first = texts(["alpha", "beta", "gamma", "delta"])
    cuts = Binning(columns={"t": cuts_of(first, Counted.TEXT)})

    def judged(window):
        return change_of(*(profile_of({"t": part}, cuts).columns["t"] for part in (first, window)), QUIET)

    assert judged(texts(["alpha", "beta", "gamma", "delta"])) is None
    assert judged(texts(["omega", "zeta", "sigma", "kappa"])).kind == "frequency"
    assert judged(np.array([t + t for t in first], object)).kind in ("unit", "shift", "scale", "range")


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=60), st.lists(st.floats(), max_size=60))
def test_whatever_the_numbers_there_is_an_answer(reference, window):
    """Tiny, constant, infinite, huge: never a traceback, and never a change without a bound that passed its floor."""
    found = change_of(*profiles("level", np.array(window), np.array(reference)), QUIET)
    assert found is None or (found.low > found.floor and found.detail)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=50))
def test_sizes_keep_the_order_of_numbers(numbers):
    places = far_of(np.sort(np.array(numbers)), (-1.0, 3.0))
    assert (np.diff(places) >= 0).all()
    assert ((places >= 0) & (places < FAR)).all()


def test_a_profile_of_an_earlier_release_is_judged_without_its_sizes():
    p, w = profiles("money", 100 * drawn("money", 1))
    assert change_of(p, w, QUIET).kind == "unit"
    old = replace(w, marks=np.zeros(0, np.int64))
    assert change_of(p, old, QUIET).kind in ("unit", "range")
    assert (old + w).marks.sum() == w.marks.sum()


def test_rows_that_hold_no_time_are_of_another_type():
    times = np.array([f"2024-03-{1 + k % 28:02}" for k in range(1_000)], object)
    cuts = Binning(columns={"t": cuts_of(times, Counted.DATETIME)})
    bad = np.where(np.arange(1_000) % 10, times, "soon")
    p, w = (profile_of({"t": part}, cuts).columns["t"] for part in (times, bad))
    assert change_of(p, w, QUIET).kind == "type"
