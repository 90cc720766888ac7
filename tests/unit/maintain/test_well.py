"""When a repair is lifted: hardly ever while the fault lasts, and soon when it is over."""

import numpy as np
import pytest

from setpoint.domain.feature_map import Apart, FeatureMap, Instead, Levels, Sign
from setpoint.domain.odds import Odds
from setpoint.domain.records import Records, joined
from setpoint.domain.schema import DType, Feature, Kind
from setpoint.domain.value import replace
from setpoint.maintain.well import well_again

SKY = Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("clear", "fog", "rain"))
ROWS = 600  # of healthy traffic to draw from


def nothing(**other):
    return FeatureMap(id="m", feature="temp", instead=Instead(constant=12.0, **other))


def broken(column, rng, hit, value):
    return np.where(rng.random(len(column)) < hit, value, column)


def exchanged(x, hit):
    return {"hum": np.where(hit, x["wind"], x["hum"]), "wind": np.where(hit, x["hum"], x["wind"])}


LIKELIER = Odds(base=1.0, level=0.0, share=0.5)  # of two, the first is less
FAULTS = {
    "in another unit, half": (
        FeatureMap(id="m", feature="temp", offset=-273.15, apart=Apart(low=-10.0, high=35.0, share=0.5)),
        lambda x, rng: {"temp": x["temp"] + 273.15 * (rng.random(len(x["temp"])) < 0.5)},
    ),
    "exchanged, half": (
        FeatureMap(id="m", feature="hum", swap="wind", apart=Apart(low=0.0, high=1.0, share=0.5)),
        lambda x, rng: exchanged(x, rng.random(len(x["hum"])) < 0.5),
    ),
    "exchanged, those that are likelier so": (
        FeatureMap(id="m", feature="hum", swap="wind", odds=LIKELIER),
        lambda x, rng: exchanged(x, rng.random(len(x["hum"])) < 0.5),
    ),
    "exchanged": (
        FeatureMap(id="m", feature="temp", swap="wind"),
        lambda x, rng: {"temp": x["wind"], "wind": x["temp"]},
    ),
    "missing": (nothing(), lambda x, rng: {"temp": np.full(len(x["temp"]), np.nan)}),
    "missing, half": (nothing(share=0.5), lambda x, rng: {"temp": broken(x["temp"], rng, 0.5, np.nan)}),
    "held": (nothing(held=9.0, sign=Sign.HELD), lambda x, rng: {"temp": np.full(len(x["temp"]), 9.0)}),
    "held, half": (
        nothing(held=9.0, sign=Sign.HELD, share=0.5),
        lambda x, rng: {"temp": broken(x["temp"], rng, 0.5, 9.0)},
    ),
    "unlike": (
        nothing(everywhere=True, sign=Sign.UNLIKE, share=0.9),
        lambda x, rng: {"temp": rng.uniform(-40, 80, len(x["temp"]))},
    ),
    "renamed": (
        FeatureMap(id="m", feature="sky", levels=Levels(expected={"CLEAR": "clear"}, share=0.6)),
        lambda x, rng: {"sky": np.where(x["sky"] == "clear", "CLEAR", x["sky"])},
    ),
}


def traffic(world, seed):
    """Return healthy records with a category, and the schema."""
    case = world(seed)
    sky = np.random.default_rng(seed).choice(SKY.levels, len(case.healthy), p=[0.6, 0.3, 0.1]).astype(object)
    healthy = replace(case.healthy, inputs={**case.healthy.inputs, "sky": sky})
    return healthy, replace(case.schema, features=(*case.schema.features, SKY))


def looks(world, name, seed, faulty, every=24):
    """Return after how many rows a repair is lifted, looked at each so many rows; None: never."""
    records, schema = traffic(world, seed)
    repair, fault = FAULTS[name]
    before, since = records.take(np.arange(336)), records.take(np.arange(336, len(records)))
    if faulty:
        changed = fault(since.inputs, np.random.default_rng(seed + 99))
        since = replace(since, inputs={**since.inputs, **changed})
    for n in range(every, len(since) + 1, every):
        if well_again(repair, first(since, n), before, schema)[0]:
            return n
    return None


def first(records: Records, n: int) -> Records:
    return records.take(np.arange(n))


@pytest.mark.parametrize("name", FAULTS)
def test_a_repair_that_is_needed_is_not_lifted(world, name):
    """Fourteen looks at each of six faults that last: the dummy that lifts at the next look lifts them all."""
    assert [looks(world, name, seed, faulty=True) for seed in range(6)] == [None] * 6


@pytest.mark.parametrize("name", FAULTS)
def test_a_repair_is_lifted_soon_after_the_fault(world, name):
    """Within four days of one record an hour; the dummy that never lifts keeps them all."""
    taken = [looks(world, name, seed, faulty=False) for seed in range(6)]
    assert None not in taken
    assert np.median(taken) <= 96


def many(rng, rows, hit):
    """Return rows of which some lack the temperature."""
    temp = np.where(hit, np.nan, rng.normal(15, 5, rows))
    time = np.datetime64("2024-01-01", "us") + np.arange(rows) * np.timedelta64(1, "m")
    empty = np.full(rows, "", object)
    return Records(
        id=empty, time=time, version=empty, score=temp, outcome=temp, known=time, latency_us=np.zeros(rows, int),
        maps=empty, inputs={"temp": temp},
    )  # fmt: skip


def lifted_after(records, share, healthy, schema, looks):
    """Return the first look, after so many rows, at which the repair is lifted; None: never."""
    repair = nothing(share=share)
    return next((n for n in looks if well_again(repair, first(records, n), healthy, schema)[0]), None)


@pytest.mark.parametrize(("share", "burst", "soon"), [(0.03, 1, 4_000), (0.05, 1, 2_500), (0.05, 400, 18_000)])
def test_a_fault_of_few_rows_is_neither_lifted_while_it_lasts_nor_kept_for_ever(world, share, burst, soon):
    """Each row by itself; or a burst of 400 in every 8,000 rows, seen twice: each look at six streams of 24,000."""
    schema = world(0).schema
    schema = replace(schema, features=tuple(f for f in schema.features if f.name == "temp"))
    n, since = 24_000, 500 if burst == 1 else 8_500
    for seed in range(6):
        rng = np.random.default_rng(seed)
        hit = rng.random(n) < share if burst == 1 else np.arange(n) % round(burst / share) < burst
        healthy, faulty, well = many(rng, 2_000, np.zeros(2_000, bool)), many(rng, n, hit), many(rng, n, np.zeros(n))
        assert lifted_after(faulty, share, healthy, schema, range(since, n + 1, 500)) is None
        assert lifted_after(joined(faulty, well), share, healthy, schema, [n + soon]) is not None


def test_where_the_fault_shows_nowhere_nothing_tells_that_it_is_over(world):
    records, schema = traffic(world, 0)
    repair = nothing(everywhere=True, sign=Sign.UNLIKE, share=0.01)
    lifted, why = well_again(repair, records, records, schema)
    assert (lifted, "nothing tells its end" in why) == (False, True)


def test_values_that_come_again_but_are_no_values_are_not_well(world):
    """Nulls that turn into a placeholder are another fault, and not the end of this one."""
    records, schema = traffic(world, 0)
    since = records.take(np.arange(336, 400))
    noise = -999 + np.random.default_rng(0).normal(size=64)
    sent = replace(since, inputs={**since.inputs, "temp": noise})
    assert not well_again(nothing(), sent, records.take(np.arange(336)), schema)[0]
    assert well_again(nothing(), since, records.take(np.arange(336)), schema)[0]


def test_codes_that_were_exchanged_are_judged_by_their_values(world):
    records, schema = traffic(world, 0)
    other = replace(SKY, name="road", levels=("dry", "wet"))
    road = np.array(["dry" if i % 3 else "wet" for i in range(len(records))], object)
    records = replace(records, inputs={**records.inputs, "road": road})
    schema = replace(schema, features=(*schema.features, other))
    repair = FeatureMap(id="m", feature="sky", swap="road")
    newest = records.take(np.arange(600, 624))
    exchanged = replace(newest, inputs={**newest.inputs, "sky": newest.inputs["road"], "road": newest.inputs["sky"]})
    assert well_again(repair, newest, records, schema)[0]
    assert not well_again(repair, exchanged, records, schema)[0]
