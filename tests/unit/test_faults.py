"""Planted faults: they change what they are about, when and where they are confined to, and nothing else."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.fault import IN_ANSWERS, IN_TRAFFIC, WAYS
from setpoint.domain.incident import Cause
from setpoint.domain.records import moment, stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.slice import Only
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.faults import Fault, Planted, Traffic, draw, plant, possible, spoiled

ROWS = 240
START = np.datetime64("2026-01-01", "us")
SINCE, UNTIL = moment(START) + timedelta(hours=80), moment(START) + timedelta(hours=160)
SCHEMA = Schema(
    features=(
        Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT, low=0.0, high=30.0),
        Feature(name="wind", kind=Kind.NUMERIC, dtype=DType.FLOAT, low=0.0, high=10.0),
        Feature(name="job", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("clerk", "nurse", "smith")),
        Feature(name="town", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("a", "b")),
    ),
    target="y",
    task=Task.BINARY,
    classes=("no", "yes"),
)
FAULTS = [(kind, how) for kind, ways in IN_TRAFFIC.items() for how in ways]


def traffic(rows: int = ROWS) -> Traffic:
    rng = np.random.default_rng(3)
    return Traffic(
        time=START + np.arange(rows) * np.timedelta64(1, "h"),
        id=np.array([f"r{i}" for i in range(rows)], object),
        inputs={
            "temp": rng.uniform(0, 30, rows),
            "wind": rng.uniform(0, 10, rows),
            "job": rng.choice(["clerk", "nurse", "smith"], rows).astype(object),
            "town": rng.choice(["a", "b"], rows).astype(object),
        },
        outcome=(rng.uniform(size=rows) < 0.3).astype(float),
        known=START + np.arange(1, rows + 1) * np.timedelta64(1, "h"),
        caller=np.array(["shop" if i % 2 else "bank" for i in range(rows)], object),
    )


def fault(kind: Cause, how: str = "", **more: object) -> Fault:
    columns = {
        Cause.SWAPPED: ("temp", "wind"), Cause.RENAMED: ("job",), Cause.OUTCOMES: (), Cause.PRIOR: (),
        Cause.ATTACK: (), Cause.OVERLOAD: (), Cause.EXCEPTION: (), Cause.CRASH: (),
    }.get(kind, ("temp",))  # fmt: skip
    scale = {"scale": 1.8, "offset": 32.0} if kind is Cause.UNIT else {}
    return Fault(**{"kind": kind, "how": how, "since": SINCE, "until": UNTIL, "columns": columns} | scale | more)


def same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return where two columns are equal, missing values too."""
    if a.dtype == object:
        return a == b
    return (a == b) | ((a != a) & (b != b))


def unchanged(before: Traffic, found: Planted) -> np.ndarray:
    """Return which of the rows that were there before are as they were in every respect."""
    where = {i: at for at, i in enumerate(found.traffic.id.tolist())}
    at = np.array([where[i] for i in before.id.tolist()])
    after = found.traffic.take(at)
    return np.all(
        [
            *(same(c, after.inputs[n]) for n, c in before.inputs.items()),
            same(before.outcome, after.outcome),
            before.known == after.known,
            before.time == after.time,
            same(before.outcome, found.truth[at]),
        ],
        axis=0,
    )


@pytest.mark.parametrize(("kind", "how"), FAULTS)
def test_a_fault_hits_some_rows_in_its_time_and_none_beyond(kind, how):
    before = traffic()
    found = plant(fault(kind, how, delay_s=3600.0), before, SCHEMA, seed=1)
    within = (before.time >= stamp(SINCE)) & (before.time < stamp(UNTIL))
    assert unchanged(before, found)[~within].all()
    assert not unchanged(before, found).all() or len(found.traffic) > ROWS


@pytest.mark.parametrize(("kind", "how"), FAULTS)
def test_strength_nought_plants_nothing(kind, how):
    before = traffic()
    found = plant(fault(kind, how, strength=0.0), before, SCHEMA, seed=1)
    assert len(found.traffic) == ROWS
    assert unchanged(before, found).all()
    assert not found.hit.any()


@pytest.mark.parametrize(("kind", "how"), FAULTS)
def test_the_same_seed_plants_the_same_and_the_given_traffic_stays(kind, how):
    before, copy = traffic(), traffic()
    a, b = (plant(fault(kind, how, strength=0.5), before, SCHEMA, seed=7) for _ in range(2))
    assert all(same(c, b.traffic.inputs[n]).all() for n, c in a.traffic.inputs.items())
    assert same(a.traffic.outcome, b.traffic.outcome).all()
    assert unchanged(copy, Planted(traffic=before, truth=before.outcome, hit=a.hit)).all()


@given(
    which=st.sampled_from(FAULTS),
    strength=st.floats(0, 1),
    ramp_h=st.integers(0, 100),
    town=st.sampled_from([None, "a", "b"]),
    caller=st.sampled_from([None, "shop", "bank"]),
    seed=st.integers(0, 2**32),
)
def test_outside_its_time_segment_and_callers_nothing_changes(which, strength, ramp_h, town, caller, seed):
    before = traffic(200)
    only = Only(segment={"town": (town,)} if town else {}, callers=(caller,) if caller else ())
    planted = fault(*which, strength=strength, ramp_s=3600.0 * ramp_h, only=only)
    outside = (before.time < stamp(SINCE)) | (before.time >= stamp(UNTIL))
    outside |= (before.inputs["town"] != town) if town else False
    outside |= (before.caller != caller) if caller else False
    assert unchanged(before, plant(planted, before, SCHEMA, seed=seed))[outside].all()


def test_no_fault_changes_nothing():
    before = traffic()
    assert unchanged(before, plant([], before, SCHEMA, seed=1)).all()


def test_a_gradual_fault_hits_more_and_more_rows():
    found = plant(fault(Cause.NULL, ramp_s=80 * 3600.0), traffic(), SCHEMA, seed=1)
    hit = found.hit[80:160]
    assert hit[:40].sum() < hit[40:].sum() < 40


def test_a_unit_change_is_the_map_that_it_says():
    before = traffic()
    found = plant(fault(Cause.UNIT), before, SCHEMA, seed=1)
    assert np.allclose(found.traffic.inputs["temp"][80:160], 1.8 * before.inputs["temp"][80:160] + 32)


def test_columns_are_swapped_row_by_row():
    before = traffic()
    found = plant(fault(Cause.SWAPPED), before, SCHEMA, seed=1).traffic.inputs
    assert (found["temp"][80:160] == before.inputs["wind"][80:160]).all()
    assert (found["wind"][80:160] == before.inputs["temp"][80:160]).all()


def test_skew_leaves_the_source_as_it_is_and_other_faults_do_not():
    before = traffic()
    skewed = plant(fault(Cause.SKEW), before, SCHEMA, seed=1).traffic
    assert (skewed.source["temp"] == before.inputs["temp"]).all()
    assert plant(fault(Cause.NULL), before, SCHEMA, seed=1).traffic.source is None


@pytest.mark.parametrize("how", IN_TRAFFIC[Cause.OUTCOMES])
def test_a_broken_outcome_feed_leaves_the_truth(how):
    before = traffic()
    found = plant(fault(Cause.OUTCOMES, how, delay_s=3600.0), before, SCHEMA, seed=1)
    assert (found.truth == before.outcome).all()
    assert (found.traffic.inputs["temp"] == before.inputs["temp"]).all()


@pytest.mark.parametrize("kind", [Cause.PRIOR, Cause.COVARIATE, Cause.SEASON])
def test_rows_that_others_come_for_keep_what_they_come_to(kind):
    """Each new row is one of the old ones, with its outcome: the model stays right."""
    before = traffic()
    found = plant(fault(kind), before, SCHEMA, seed=1)
    known = dict(zip(before.inputs["temp"].tolist(), before.outcome.tolist(), strict=True))
    rows = zip(found.traffic.inputs["temp"].tolist(), found.truth.tolist(), strict=True)
    assert all(known[temp] == outcome for temp, outcome in rows)


def test_an_attack_adds_requests_of_one_caller_that_are_nearly_the_same():
    found = plant(fault(Cause.ATTACK, "probing"), traffic(), SCHEMA, seed=1)
    added = found.traffic.take(found.hit)
    assert set(added.caller) == {"attacker"}
    assert len(set(added.id)) == len(added) == 80
    assert added.inputs["temp"].std() < 2
    assert (np.diff(found.traffic.time) >= np.timedelta64(0)).all()


def test_two_faults_at_once_are_both_there():
    found = plant([fault(Cause.UNIT), fault(Cause.NULL, columns=("wind",))], traffic(), SCHEMA, seed=1)
    assert np.isnan(found.traffic.inputs["wind"][80:160]).all()
    assert found.traffic.inputs["temp"][80:160].min() >= 32


def asked(inputs):
    return {"label": np.array(["yes"] * len(inputs["temp"]), object), "probability": inputs["temp"] / 30}


def test_a_bad_release_sees_one_column_mirrored():
    inputs = traffic().inputs
    answers = spoiled(fault(Cause.RELEASE), asked, inputs, SCHEMA)
    assert np.allclose(answers["probability"], 1 - inputs["temp"] / 30)


def test_an_exception_takes_the_numbers_of_its_slice_alone():
    inputs = traffic().inputs
    failing = fault(Cause.EXCEPTION, only=Only(segment={"town": ("a",)}))
    lost = np.isnan(spoiled(failing, asked, inputs, SCHEMA)["probability"])
    assert (lost == (inputs["town"] == "a")).all()


@pytest.mark.parametrize("kind", IN_ANSWERS)
def test_without_strength_answers_stay(kind):
    inputs = traffic().inputs
    answers = spoiled(fault(kind, strength=0.0), asked, inputs, SCHEMA)
    assert (answers["probability"] == asked(inputs)["probability"]).all()


@pytest.mark.parametrize("kind", WAYS)
def test_every_fault_can_be_drawn(kind):
    found = draw(kind, traffic(), SCHEMA, since=SINCE, until=UNTIL, rng=np.random.default_rng(0))
    assert found.kind is kind
    assert set(found.columns) <= set(SCHEMA.names)
    assert str(kind) in found.words


def test_a_fault_is_drawn_for_columns_that_can_have_it():
    assert possible(Cause.UNIT, traffic(), SCHEMA) == ("temp", "wind")
    assert possible(Cause.RENAMED, traffic(), SCHEMA) == ("job", "town")
    with pytest.raises(InvalidInput, match="no pair of columns"):
        draw(Cause.SWAPPED, traffic(), SCHEMA, since=SINCE, until=None, rng=np.random.default_rng(0), columns=["temp"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strength": 1.5}, "between 0 and 1"),
        ({"until": SINCE}, "not after its start"),
        ({"how": "odd"}, "no way of null"),
        ({"columns": ()}, "about 1 columns"),
        ({"kind": Cause.UNKNOWN}, "is not planted"),
        ({"ramp_s": -1.0}, "0 or more"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(change, words):
    with pytest.raises(InvalidInput, match=words):
        replace(fault(Cause.NULL), **change)


def test_a_column_that_there_is_not_is_refused():
    with pytest.raises(InvalidInput, match="there is no feature 'tmp'"):
        plant(fault(Cause.NULL, columns=("tmp",)), traffic(), SCHEMA, seed=1)
