from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.domain.incident import Remedy, Repair
from setpoint.domain.records import Records
from setpoint.domain.repaired import repaired
from setpoint.domain.value import replace
from setpoint.maintain.recovery import ENOUGH, recovered
from setpoint.maintain.well import well_again


def mended(incident, finding, remedy=Remedy.INVERSE_MAP, before=200.0, expected=8.0):
    repair = Repair(id="r", remedy=remedy, subject="temp", loss_before=before, loss_expected=expected)
    return replace(incident(finding()), repair=repair)


def newest(records: Records, rows: int) -> Records:
    return records.take(np.arange(len(records) - rows, len(records)))


def lossy(records: Records, times: float) -> Records:
    return replace(records, score=records.outcome + times * (records.score - records.outcome))


def test_a_healthy_loss_after_the_repair_is_recovery(world, incident, finding):
    case = world()
    verdict, loss, why = recovered(mended(incident, finding), case.suspect, case.healthy)
    assert verdict is True
    assert loss == pytest.approx(8, rel=0.5)
    assert "24 records" in why


def test_a_repair_that_is_no_better_than_none_is_taken_back(world, incident, finding):
    case = world()
    assert recovered(mended(incident, finding), lossy(case.suspect, 40), case.healthy)[0] is False


def test_a_loss_that_had_hardly_risen_cannot_condemn_a_repair(world, incident, finding):
    """The proof rests on the data there; a day with twice the loss is no sign against it, one with ten times is."""
    case, small = world(), mended(incident, finding, before=9.0, expected=8.5)
    assert recovered(small, lossy(case.suspect, 2.5), case.healthy)[0] is not False
    assert recovered(small, lossy(case.suspect, 10), case.healthy)[0] is False


@pytest.mark.parametrize(("times", "verdict"), [(0.0, True), (40.0, False)])
def test_a_model_that_never_erred_is_well_where_it_errs_no_more(world, incident, finding, times, verdict):
    case = world()
    perfect = replace(case.healthy, score=case.healthy.outcome)
    assert recovered(mended(incident, finding, expected=0.0), lossy(case.suspect, times), perfect)[0] is verdict


def test_a_column_that_stands_still_is_not_called_well(world, fahrenheit):
    case = world()
    stuck = replace(case.suspect, inputs={**case.suspect.inputs, "temp": np.full(24, 12.0)})
    assert not well_again(fahrenheit, stuck, case.healthy, case.schema)[0]


def test_few_outcomes_are_not_enough(world, incident, finding):
    case = world()
    assert recovered(mended(incident, finding), newest(case.suspect, 5), case.healthy)[0] is None
    assert recovered(mended(incident, finding), newest(case.suspect, 0), case.healthy)[0] is None


@pytest.mark.parametrize(("before", "proven"), [(12.0, 60), (16.0, 150)])
def test_a_right_repair_is_hardly_ever_taken_back(world, incident, finding, before, proven):
    """Looking each hour through two hundred healthy days takes a right repair back in none of them.

    A harm of half the healthy loss takes 26 rows on average to be told from none, whatever the test (Wald).
    """
    verdicts = []
    for seed in range(200):
        case = world(seed)
        looks = (
            recovered(mended(incident, finding, before=before), newest(case.suspect, n), case.healthy)[0]
            for n in range(12, 25)
        )
        verdicts.append(next((v for v in looks if v is not None), None))
    assert verdicts.count(False) == 0
    assert verdicts.count(True) > proven


def with_losses(losses) -> Records:
    """Return hourly rows whose outcome is 0, so that the score is what is lost."""
    n = len(losses)
    time = np.datetime64("2024-01-01", "us") + np.arange(n) * np.timedelta64(1, "h")
    return Records(
        id=np.arange(n).astype(str).astype(object),
        time=time,
        version=np.full(n, "good", dtype=object),
        score=losses,
        outcome=np.zeros(n),
        known=time,
        latency_us=np.full(n, 100),
        maps=np.full(n, "", dtype=object),
        inputs={},
    )


def course(rng, known, times: float):
    """Look after each row since a repair, whose losses are so many times healthy ones; what is said, and when."""
    healthy, since = with_losses(rng.exponential(size=672)), with_losses(times * rng.exponential(size=ENOUGH))
    looks = ((recovered(known, since.take(np.arange(n)), healthy)[0], n) for n in range(12, ENOUGH + 1))
    return next((verdict, n) for verdict, n in looks if verdict is not None)


@pytest.mark.parametrize(("harm", "rows"), [(1.6, 45), (2.0, 25), (3.0, 18)])
def test_a_useless_repair_is_hardly_ever_called_good_and_a_right_one_soon(incident, finding, harm, rows):
    """A look after every row, up to the last that is waited for; 5 % is what is said, and what a healthy mean costs."""
    known, rng = mended(incident, finding, before=harm, expected=1.0), np.random.default_rng(7)
    useless = [course(rng, known, harm)[0] for _ in range(40)]
    assert useless.count(True) <= 3
    right = [course(rng, known, 1.0) for _ in range(40)]
    assert [verdict for verdict, _ in right].count(True) >= 39
    assert np.mean([n for _, n in right]) < rows


def test_a_restart_is_proven_by_the_supervisor_or_by_answers(world, incident, finding):
    crash = finding("process", "crash", None, detail="worker 1: exit code -9")
    back = finding("process", "restart", None, detail="worker 1", alarm=False, until=crash.until + timedelta(seconds=1))
    repair = Repair(id="r", remedy=Remedy.RESTART, subject="worker 1")
    down = replace(incident(crash, subject="worker 1"), repair=repair)
    case = world()
    assert recovered(down, newest(case.suspect, 0), case.healthy)[0] is None
    assert recovered(replace(down, findings=(crash, back)), newest(case.suspect, 0), case.healthy)[0] is True


@pytest.mark.parametrize("rows", [6, 12, 24])
def test_a_column_that_is_well_again_is_known_by_few_rows(world, fahrenheit, rows):
    for seed in range(20):
        case = world(seed)
        assert well_again(fahrenheit, newest(case.suspect, rows), case.healthy, case.schema)[0]


@pytest.mark.parametrize("rows", [6, 12, 24])
def test_a_map_that_is_needed_stays(world, fahrenheit, rows):
    for seed in range(20):
        case = world(seed, column="temp", scale=1.8, offset=32.0)
        assert not well_again(fahrenheit, newest(case.suspect, rows), case.healthy, case.schema)[0]


def test_five_rows_are_too_few_to_lift(world, fahrenheit):
    case = world()
    assert not well_again(fahrenheit, newest(case.suspect, 5), case.healthy, case.schema)[0]


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), faulty=st.lists(st.booleans(), min_size=24, max_size=24))
def test_rows_that_are_sent_now_one_way_now_the_other_change_little(world, fahrenheit, seed, faulty):
    """The map is lifted at most once while a look passes over any mixture, and never where most rows need it."""
    case = world(seed)
    sent = {
        **case.suspect.inputs,
        "temp": np.where(faulty, 1.8 * case.suspect.inputs["temp"] + 32, case.suspect.inputs["temp"]),
    }
    mixed = replace(case.suspect, inputs=sent)
    if well_again(fahrenheit, mixed, case.healthy, case.schema)[0]:
        assert min(sum(faulty[-k:]) / k for k in (6, 12, 24)) < 0.5


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), faulty=st.booleans())
def test_noise_never_makes_a_decision_alternate(world, fahrenheit, seed, faulty):
    """Hour by hour through a day that is faulty throughout, or well throughout: every look says the same."""
    case = world(seed, column="temp", scale=1.8, offset=32.0) if faulty else world(seed)
    looks = {
        well_again(fahrenheit, case.suspect.take(np.arange(n - 6, n)), case.healthy, case.schema)[0]
        for n in range(6, 25)
    }
    assert looks == {not faulty}


def test_what_the_map_makes_is_what_was_meant(world, fahrenheit):
    case, faulty = world(), world(column="temp", scale=1.8, offset=32.0)
    np.testing.assert_allclose(repaired(faulty.suspect.inputs, [fahrenheit])["temp"], case.suspect.inputs["temp"])
