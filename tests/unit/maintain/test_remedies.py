"""Repairs built from a case: what they find, what they leave alone, and that they mend the loss."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.domain.feature_map import Sign
from setpoint.domain.incident import Remedy
from setpoint.domain.repaired import likelier
from setpoint.domain.schema import Contract, DType, Feature, Kind
from setpoint.domain.value import replace
from setpoint.maintain.loss import interval_words, mean_of
from setpoint.maintain.remedies import ignore_repair, impute_repair, levels_repair, swap_repair
from setpoint.maintain.remedies.levels import matched, plain
from setpoint.maintain.remedies.ridge import fitted
from setpoint.maintain.remedies.swap import odds_of

SKY = Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("clear", "fog", "rain", "snow"))
SHARES = (0.5, 0.3, 0.15, 0.05)


def sent(case, **columns):
    inputs = {**case.suspect.inputs, **columns}
    return replace(case, suspect=replace(case.suspect, inputs=inputs))


def nullable(case, name):
    features = tuple(replace(f, nullable=f.name == name) for f in case.schema.features)
    return replace(case, schema=replace(case.schema, features=features))


def skies(rows, seed, names=SKY.levels):
    drawn = np.random.default_rng(seed).choice(len(SHARES), rows, p=SHARES)
    found = np.empty(rows, object)
    found[:] = [names[i] for i in drawn]
    return found


def with_sky(case, names=SKY.levels, feature=SKY):
    """Return the case with a category, and what the good model answers where it counts."""
    healthy = {**case.healthy.inputs, "sky": skies(len(case.healthy), 1)}
    since = {**case.suspect.inputs, "sky": skies(len(case.suspect), 2, names)}
    schema = replace(case.schema, features=(*case.schema.features, feature))
    return replace(
        case,
        schema=schema,
        healthy=replace(case.healthy, inputs=healthy),
        suspect=replace(case.suspect, inputs=since),
    )


def test_exchanged_columns_are_exchanged_back(world, incident, finding, score):
    case = world()
    case = sent(case, temp=case.suspect.inputs["hum"], hum=case.suspect.inputs["temp"])
    found = swap_repair(incident(finding()), case, case.suspect, ("temp", "hum"), score)
    assert (found.repair.remedy, found.repair.subject, found.harms) == (Remedy.SWAP_BACK, "temp, hum", False)
    assert found.gain.mean > 80
    assert "with temp and hum exchanged" in found.repair.proof
    healthy = world()
    assert swap_repair(incident(finding()), healthy, healthy.suspect, ("temp", "hum"), score).harms


def test_exchanged_rows_are_told_from_the_others(world, incident, finding, score):
    case = world()
    some = np.random.default_rng(0).random(len(case.suspect)) < 0.4
    temp, hour = (case.suspect.inputs[name] for name in ("temp", "hour"))
    case = sent(case, temp=np.where(some, hour, temp), hour=np.where(some, temp, hour))
    found = swap_repair(incident(finding()), case, case.suspect, ("temp", "hour"), score, partly=True)
    assert found.repair.loss_expected < 0.4 * found.repair.loss_before  # both lie in the range of each other
    assert found.repair.map.odds.share == pytest.approx(some.mean(), abs=0.15)
    assert "exchanged where that makes a row likelier" in found.repair.proof


def test_rows_are_told_as_well_as_by_the_density_that_made_them(world, incident, finding):
    """Two columns of the same range that differ by what goes together with them: Bayes errs in 8 % of rows."""
    rng, n = np.random.default_rng(0), 4_000
    tie = rng.normal(size=n)
    x = {"temp": tie + rng.normal(0, 0.4, n), "wind": -tie + rng.normal(0, 0.4, n), "hum": tie}
    base = world()
    empty = {f.name: np.zeros(n) for f in base.schema.features}
    times = np.arange(n)
    rows = base.healthy.take(times % len(base.healthy))
    case = replace(base, healthy=replace(rows, inputs={**empty, **x}), suspect=replace(rows, inputs={**empty, **x}))
    odds = odds_of(case.schema, case.healthy.inputs, case.suspect.inputs, "temp", "wind")
    optimal = x["hum"] * (x["wind"] - x["temp"]) > 0
    seen = case.suspect.inputs
    told = likelier(odds, seen["temp"], seen["wind"], seen)
    assert optimal.mean() < 0.09
    assert told.mean() < optimal.mean() + 0.01
    assert (told != optimal).mean() < 0.03


@pytest.mark.parametrize("hit", [1.0, 0.5])
def test_a_frozen_column_is_imputed_at_its_value_alone(world, incident, finding, score, hit):
    case = world(3)
    stuck = np.random.default_rng(0).random(len(case.suspect)) < hit
    case = sent(case, temp=np.where(stuck, 30.0, case.suspect.inputs["temp"]))
    found = impute_repair(incident(finding()), case, case.suspect, "temp", score, Sign.HELD)
    instead = found.repair.map.instead
    assert (instead.held, instead.share) == (30.0, pytest.approx(stuck.mean()))
    assert "felt" in {p.feature for p in instead.peers}
    assert found.repair.loss_expected < 0.35 * found.repair.loss_before
    assert not found.harms


def test_missing_values_are_filled_and_others_stay(world, incident, finding, score):
    case = nullable(world(), "temp")
    lost = np.arange(len(case.suspect)) % 2 == 0
    case = sent(case, temp=np.where(lost, np.nan, case.suspect.inputs["temp"]))

    def nulls_are_cold(version, inputs):
        return score(version, {**inputs, "temp": np.nan_to_num(inputs["temp"], nan=-10.0)})

    found = impute_repair(incident(finding()), case, case.suspect, "temp", nulls_are_cold)
    assert found.gain.low > 0
    assert (found.repair.map.instead.everywhere, found.repair.map.instead.share) == (False, 0.5)


def test_where_requests_without_the_column_are_refused_healthy_rows_are_the_proof(world, incident, finding, score):
    case = world()
    found = impute_repair(incident(finding()), case, case.suspect, "temp", score)
    assert "requests without temp are refused; answered with temp imputed where it is missing" in found.repair.proof
    assert (found.repair.loss_before, found.harms, found.repair.map.instead.share) == (None, False, 1.0)
    assert found.repair.loss_expected < 25


def test_a_column_that_nothing_foretells_has_no_repair_where_the_model_takes_nulls(world, incident, finding, score):
    case = nullable(world(), "wind")
    assert impute_repair(incident(finding()), case, case.suspect, "wind", score, Sign.UNLIKE) is None
    found = impute_repair(incident(finding()), world(), case.suspect, "wind", score, Sign.UNLIKE)
    assert found.repair.map.instead.peers == ()
    assert found.repair.map.instead.constant == pytest.approx(np.median(case.healthy.inputs["wind"]))


def test_a_column_is_ignored_only_where_it_may_be_missing(world, incident, finding, score):
    case = world()
    assert ignore_repair(incident(finding()), case, case.suspect, "wind", score) is None
    found = ignore_repair(incident(finding()), nullable(case, "wind"), case.suspect, "wind", score)
    assert (found.repair.remedy, found.repair.map.instead.everywhere) == (Remedy.IGNORE, True)
    held = ignore_repair(incident(finding()), nullable(case, "wind"), case.suspect, "wind", score, Sign.HELD)
    assert held.repair.map.instead.held in case.suspect.inputs["wind"]


def test_renamed_levels_are_read_by_their_old_names(world, incident, finding, score):
    case = with_sky(world(), ("CLEAR", "fog", "rain", "snow"))
    found = levels_repair(incident(finding()), case, case.suspect, "sky", score)
    assert found.repair.remedy is Remedy.MAP_LEVELS
    assert found.repair.map.levels.expected == {"CLEAR": "clear"}
    assert "sky read 'CLEAR' as 'clear'" in found.repair.proof


RENAMED = [
    (("clear!", " Fog", "rain", "snow"), {"clear!": "clear", " Fog": "fog"}),
    (("a", "b", "c", "d"), {"a": "clear", "b": "fog", "c": "rain", "d": "snow"}),
    (("sun", "fog", "rain", "snow"), {"sun": "clear"}),
    (("same", "same", "rain", "snow"), {}),  # two levels became one: no way back
    (SKY.levels, {}),
]


@pytest.mark.parametrize(("names", "expected"), RENAMED)
def test_which_new_level_is_which_old_one(names, expected):
    found = matched(SKY, skies(2000, 5), skies(1500, 6, names))
    assert found.expected == expected
    assert found.known == ()


def test_unknown_levels_are_missing_where_they_may_be_and_no_contract_lists_them():
    open_ = replace(SKY, nullable=True)
    since = skies(1500, 6, ("same", "same", "rain", "snow"))
    assert matched(open_, skies(2000, 5), since).known == tuple(sorted(SKY.levels))
    assert matched(open_, skies(2000, 5), since).share == pytest.approx(0.8, abs=0.05)
    ruled = replace(open_, contract=Contract(levels=SKY.levels))
    assert matched(ruled, skies(2000, 5), since).known == ()
    assert matched(open_, skies(2000, 5), skies(1500, 7)).known == ()


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.permutations(["w", "x", "y", "z"]), st.floats(0.3, 1.0))
def test_a_level_is_hardly_ever_taken_for_another(seed, names, hit):
    """Renamed at random, wholly or in part: what is matched is right, whatever the frequencies do."""
    rng = np.random.default_rng(seed)
    since = skies(2000, seed)
    renamed = dict(zip(SKY.levels, names, strict=True))
    since[:] = [renamed[v] if rng.random() < hit else v for v in since]
    found = matched(SKY, skies(4000, seed + 1), since).expected
    assert all(renamed[old] == new for new, old in found.items())


@pytest.mark.parametrize("names", [("a", "b", "c", "d"), ("d", "a", "c", "b")])
def test_levels_that_come_equally_often_are_not_told_apart(names):
    rng = np.random.default_rng(1)
    healthy, since = (np.array(rng.choice(of, 2000), object) for of in (SKY.levels, names))
    assert matched(SKY, healthy, since).expected == {}


@pytest.mark.parametrize("build", [swap_repair, impute_repair, ignore_repair, levels_repair])
def test_no_value_of_a_sensitive_column_or_one_under_repair_is_stored(
    world, incident, finding, score, fahrenheit, build
):
    case = with_sky(world(), ("CLEAR", "fog", "rain", "snow"), replace(SKY, sensitive="encrypt"))
    columns = ("temp", "hum") if build is swap_repair else "sky"
    case = replace(case, maps=(fahrenheit,))
    assert build(incident(finding()), case, case.suspect, columns, score) is None


def test_a_function_of_other_columns_is_found_where_there_is_one():
    rng = np.random.default_rng(0)
    x = {name: rng.normal(size=400) for name in "abcdefgh"}
    x["y"] = 3 + 2 * x["a"] - x["h"] + rng.normal(0, 0.1, 400)
    fit = fitted(x, "y", list("abcdefgh"))
    weights = {p.feature: p.weight for p in fit.peers}
    assert (len(fit.peers), fit.base) == (6, pytest.approx(3, abs=0.1))
    assert (weights["a"], weights["h"]) == (pytest.approx(2, abs=0.05), pytest.approx(-1, abs=0.05))
    assert fit.skill > 0.95
    assert fitted(x, "a", list("bcdefg")) is None


@pytest.mark.parametrize(("a", "b"), [("A-", "A"), ("<18", ">18"), ("C#", "C"), ("1_0", "10"), ("+1", "-1")])
def test_a_sign_may_be_all_that_tells_two_levels_apart(a, b):
    assert plain(a) != plain(b)


@pytest.mark.parametrize(
    ("a", "b"), [("Partly Cloudy", "partly-cloudy"), ("Café", "CAFE"), ("1.0", "1"), ("a_b", "A B")]
)
def test_case_accents_and_spaces_tell_none_apart(a, b):
    assert plain(a) == plain(b)


def test_a_gain_without_an_interval_says_why() -> None:
    few, many = mean_of(np.full(1, 15.0)), mean_of(np.random.default_rng(0).normal(1, 1, 400))
    assert interval_words(few).startswith("no interval: the records are so alike")
    assert interval_words(many).startswith("95 % interval 0.")
