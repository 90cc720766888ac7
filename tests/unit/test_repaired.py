"""Repairs at the door: what they make of columns, how they are stored, and before which models they can stand."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.as_sent import as_sent
from setpoint.domain.feature_map import Apart, DoorKind, FeatureMap, Instead, Levels, Peer, Sign, words
from setpoint.domain.incident import Remedy
from setpoint.domain.live import Served
from setpoint.domain.odds import Odds, Tie
from setpoint.domain.records import Numbers
from setpoint.domain.repaired import repaired, repaired_where
from setpoint.domain.schema import Contract, DType, Feature, Kind, OnViolation, Schema, Task
from setpoint.domain.unfit import unfit
from setpoint.domain.value import from_json, replace, to_json

NAN = float("nan")
FELT = (Peer(feature="temp", weight=2.0, low=0.0, high=10.0), Peer(feature="hum", weight=1.0, low=0.0, high=1.0))
APART = Odds(base=40.0, level=0.0, ties=(Tie(feature="hum", weight=10.0, usual=0.5),), share=0.5)  # the first is less
MAPS = {
    "inverse_map": FeatureMap(id="m", feature="temp", scale=5 / 9, offset=-160 / 9, label="°F → °C"),
    "map_levels": FeatureMap(id="m", feature="sky", levels=Levels(expected={"Clear": "clear"}, known=("grey",))),
    "swap_back": FeatureMap(id="m", feature="temp", swap="felt"),
    "swap_back_some": FeatureMap(id="m", feature="temp", swap="felt", odds=APART),
    "impute": FeatureMap(
        id="m", feature="felt", instead=Instead(peers=FELT, base=1.0, low=0.0, high=15.0, constant=7.0)
    ),
    "impute_text": FeatureMap(id="m", feature="sky", instead=Instead(constant="grey")),
    "impute_all": FeatureMap(
        id="m", feature="felt", instead=Instead(peers=FELT, base=1.0, everywhere=True, constant=7.0, sign=Sign.UNLIKE)
    ),
    "impute_held": FeatureMap(id="m", feature="felt", instead=Instead(constant=7.0, held=9.0, sign=Sign.HELD)),
    "impute_steps": FeatureMap(
        id="m",
        feature="felt",
        instead=Instead(
            constant=7.0,
            sign=Sign.HELD,
            steps=(Instead(held=9.0, constant=8.0), Instead(held=3.0, peers=FELT, base=1.0, constant=2.0)),
        ),
    ),
    "ignore": FeatureMap(id="m", feature="felt", instead=Instead(everywhere=True, sign=Sign.UNLIKE)),
}
SENT = {
    "temp": np.array([1.0, 50.0, NAN, 3.0]),
    "hum": np.array([0.5, 2.0, 0.1, 0.2]),
    "felt": np.array([9.0, NAN, NAN, NAN]),
    "sky": np.array(["Clear", "grey", "?", None], object),
}
SEEN = {
    "inverse_map": {"temp": [(1.0 - 32) * 5 / 9, 10.0, NAN, (3.0 - 32) * 5 / 9]},
    "map_levels": {"sky": ["clear", "grey", None, None]},
    "swap_back": {"temp": SENT["felt"].tolist(), "felt": SENT["temp"].tolist()},
    "swap_back_some": {"temp": [1.0, 50.0, NAN, 3.0], "felt": [9.0, NAN, NAN, NAN]},
    "impute": {"felt": [9.0, 15.0, 7.0, 7.2]},  # the range of a peer and of the column hold; without temp the constant
    "impute_text": {"sky": ["Clear", "grey", "?", "grey"]},
    "impute_all": {"felt": [3.5, 22.0, 7.0, 7.2]},
    "impute_held": {"felt": [7.0] * 4},
    "impute_steps": {"felt": [8.0, 7.0, 7.0, 7.0]},
    "ignore": {"felt": [NAN] * 4},
}


def numeric(name, **other):
    return Feature(name=name, kind=Kind.NUMERIC, dtype=DType.FLOAT, **other)


SCHEMA = Schema(
    features=(
        numeric("temp"),
        numeric("hum"),
        numeric("felt", nullable=True),
        Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("clear", "grey"), nullable=True),
    ),
    target="demand",
    task=Task.REGRESSION,
)


@pytest.mark.parametrize("name", MAPS)
def test_what_the_model_sees(name):
    seen = repaired(SENT, [MAPS[name]])
    for column in SENT:
        expected = SEEN[name].get(column, SENT[column].tolist())
        if column == "sky":
            assert seen[column].tolist() == expected
        else:
            np.testing.assert_allclose(seen[column], expected)


def test_an_affine_map_that_an_earlier_version_stored_is_read():
    old = b'{"champion":"v1","maps":[{"id":"m1","feature":"temp","scale":0.5,"offset":-16.0,"label":"x"}]}'
    (found,) = from_json(old, Served).maps
    assert found == FeatureMap(id="m1", feature="temp", scale=0.5, offset=-16.0, label="x")
    assert found.kind is DoorKind.INVERSE_MAP


@pytest.mark.parametrize("name", MAPS)
def test_each_repair_is_stored_and_fits_and_has_a_remedy_and_words(name):
    repair = MAPS[name]
    assert from_json(to_json(repair), FeatureMap) == repair
    assert unfit(repair, SCHEMA) == ""
    assert Remedy(repair.kind) == re.sub("_(all|text|held|some|steps)$", "", name)
    assert words(repair).startswith(repair.feature)


floats = st.just(NAN) | st.floats(-1e6, 1e6)
rows = st.lists(st.tuples(floats, floats, floats, st.sampled_from(["Clear", "clear", "grey", "x", None])), min_size=1)


@given(rows, st.lists(st.sampled_from(sorted(MAPS)), min_size=1, max_size=3, unique=True))
def test_a_row_comes_out_the_same_alone_and_among_others(given_rows, names):
    columns = dict(zip(SENT, zip(*given_rows, strict=True), strict=True))
    inputs = {n: np.array(c, object if n == "sky" else float) for n, c in columns.items()}
    maps = [replace(MAPS[n], id=n) for n in names]
    together = repaired(inputs, maps)
    for i in range(len(given_rows)):
        alone = repaired({n: c[i : i + 1] for n, c in inputs.items()}, maps)
        for n in inputs:
            assert alone[n].tolist() == together[n][i : i + 1].tolist() or alone[n][0] != alone[n][0]
    marked = repaired_where(inputs, [(m, np.ones(len(given_rows), bool)) for m in maps])
    for n in inputs:
        assert [v for v in marked[n] if v == v] == [v for v in together[n] if v == v]


def test_only_rows_that_are_likelier_exchanged_are():
    sent = {"temp": np.array([2.0, 41.0, NAN, 40.0]), "felt": np.array([41.0, 2.0, 2.0, NAN])}
    for hum in (np.full(4, 0.5), np.full(4, NAN)):
        seen = repaired({**sent, "hum": hum}, [MAPS["swap_back_some"]])
        np.testing.assert_allclose(seen["temp"], [2.0, 2.0, NAN, 40.0])
        np.testing.assert_allclose(seen["felt"], [41.0, 41.0, 2.0, NAN])


def test_what_is_sent_is_never_changed_and_numbers_stay_in_one_array():
    array = np.arange(6.0).reshape(3, 2)
    before, names = array.copy(), ("temp", "hum", "felt")
    seen = repaired(Numbers(names, array), [MAPS["swap_back"], replace(MAPS["impute_all"], feature="hum", id="h")])
    assert isinstance(seen, Numbers)
    assert seen["temp"].tolist() == [4.0, 5.0]
    assert array.tolist() == before.tolist()


def test_what_is_imputed_is_imputed_from_repaired_columns():
    celsius = MAPS["inverse_map"]
    for maps in ([celsius, MAPS["impute_all"]], [MAPS["impute_all"], celsius]):
        seen = repaired({**SENT, "temp": np.full(4, 50.0)}, [replace(m, id=m.feature) for m in maps])
        assert seen["felt"][0] == pytest.approx(2 * 10 + 0.5 + 1)


def test_repairs_touch_their_own_rows_alone():
    mine = np.array([True, False, False, False])
    seen = repaired_where(SENT, [(MAPS["swap_back"], mine), (replace(MAPS["ignore"], id="i"), ~mine)])
    np.testing.assert_allclose(seen["felt"], [1.0, NAN, NAN, NAN])
    np.testing.assert_allclose(seen["temp"], [9.0, 50.0, NAN, 3.0])


@pytest.mark.parametrize(
    ("repair", "why"),
    [
        (FeatureMap(id="m", feature="tmp"), "'tmp' is no feature"),
        (FeatureMap(id="m", feature="sky"), "'sky' holds texts, which have no scale"),
        (FeatureMap(id="m", feature="temp", scale=0.0), "'temp' would lose its values"),
        (FeatureMap(id="m", feature="temp", levels=Levels(expected={})), "'temp' holds numbers"),
        (FeatureMap(id="m", feature="sky", levels=Levels(expected={"a": "b", "c": "b"})), "two levels of 'sky'"),
        (FeatureMap(id="m", feature="temp", swap="sky"), "'temp' is float64 and 'sky' string"),
        (FeatureMap(id="m", feature="temp", swap="temp"), "cannot be exchanged with itself"),
        (FeatureMap(id="m", feature="temp", swap="nowhere"), "'nowhere' is no feature"),
        (
            FeatureMap(id="m", feature="temp", odds=APART, instead=Instead(constant=0.0)),
            "and its exchange, can be of the rows",
        ),
        (FeatureMap(id="m", feature="hum", swap="felt", odds=APART), "a repaired column twice"),
        (FeatureMap(id="m", feature="temp", swap="felt", odds=replace(APART, base=NAN)), "no finite number"),
        (FeatureMap(id="m", feature="temp", instead=Instead(everywhere=True)), "'temp' may not be missing"),
        (FeatureMap(id="m", feature="temp", instead=Instead(constant="warm")), "'warm' is no value of 'temp'"),
        (FeatureMap(id="m", feature="sky", instead=Instead(constant="a", peers=FELT)), "only where all of them are"),
        (FeatureMap(id="m", feature="temp", instead=Instead(constant=1.0, peers=FELT)), "imputed from itself"),
        (FeatureMap(id="m", feature="hum", swap="temp", instead=Instead(constant=1.0)), "in two ways at once"),
        (FeatureMap(id="m", feature="felt", instead=Instead(constant=1.0, base=NAN)), "no finite number"),
        (FeatureMap(id="m", feature="felt", instead=Instead(steps=(Instead(constant=1.0),))), "stands for no value"),
    ],
)
def test_what_does_not_fit_a_model_is_told(repair, why):
    assert why in unfit(repair, SCHEMA)


def test_a_contract_asks_of_what_is_sent_what_makes_the_model_see_what_it_asks_for():
    cold = Contract(low=0.0, high=10.0, on_violation=OnViolation.IMPUTE, instead=5.0)
    clear = Contract(levels=("clear", "grey"), on_violation=OnViolation.IMPUTE, instead="clear")
    temp, hum, felt, sky = SCHEMA.features
    strict = replace(SCHEMA, features=(replace(temp, contract=cold), hum, felt, replace(sky, contract=clear)))
    fahrenheit = as_sent(strict, (MAPS["inverse_map"],)).features[0].contract
    assert (fahrenheit.low, fahrenheit.high, fahrenheit.instead) == pytest.approx((32.0, 50.0, 41.0))
    some = replace(MAPS["inverse_map"], apart=Apart(low=0.0, high=10.0, share=0.5))
    both = as_sent(strict, (some,)).features[0].contract
    assert (both.low, both.high, both.instead) == pytest.approx((0.0, 50.0, 5.0))
    renamed = FeatureMap(id="m", feature="sky", levels=Levels(expected={"Clear": "clear"}))
    told = as_sent(strict, (renamed,)).features[3].contract
    assert (set(told.levels), told.instead) == ({"Clear", "clear", "grey"}, "Clear")
    swapped = as_sent(strict, (MAPS["swap_back"],)).features
    assert (swapped[0].nullable, swapped[0].contract) == (True, None)
    assert (swapped[2].nullable, swapped[2].contract) == (False, cold)
    ignored = as_sent(strict, (replace(MAPS["impute_all"], feature="temp"),)).features[0]
    assert (ignored.nullable, ignored.contract) == (True, Contract(on_violation=OnViolation.FLAG))
