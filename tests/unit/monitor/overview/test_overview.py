"""What matters comes first, what is missing is said, and nothing is made up."""

import json

import numpy as np
import pytest

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.fleet import Standing
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.ledger import SCORES, TRACKED, Entry, Estimate, Ledger, Realised
from setpoint.domain.study import Study
from setpoint.domain.value import replace
from setpoint.monitor.overview.build import overview_of
from setpoint.monitor.overview.gathered import stretch_of
from setpoint.monitor.overview.values import State
from tests.unit.monitor.overview.conftest import DAY, MAE, SINCE, a_finding, gather, numbers


def incident(**changes):
    unit = FeatureMap(id="r", feature="x1", scale=1 / 1.8, offset=-32 / 1.8)
    fields = {
        "id": "demand-1", "model": "demand", "status": IncidentStatus.MENDING, "since": SINCE + 19 * DAY,
        "opened": SINCE + 20 * DAY, "subject": "x1", "findings": (a_finding(),),
        "causes": (Hypothesis(cause=Cause.UNIT, weight=0.9, subject="x1", evidence=("it maps",)),),
        "repair": Repair(id="r", remedy=Remedy.INVERSE_MAP, subject="x1", map=unit, applied=SINCE + 21 * DAY),
    }  # fmt: skip
    return Incident(**{**fields, **changes})


def test_a_quiet_model_is_said_to_be_within_its_set_point(quiet):
    found = overview_of(quiet)
    assert [(s.text, s.state) for s in found.said] == [("Everything is within the set point", State.QUIET)]
    assert found.state is State.QUIET
    assert set(found.quiet) == {"x0", "x1", "x2", "prediction"}
    assert found.objectives[0].at_set_point
    assert len(found.objectives[0].realised.known) == 28
    assert not found.unchecked


def test_columns_are_sorted_by_importance(quiet):
    findings = (
        a_finding(column="x0", alarm=False, value=0.3, limit=0.5),
        a_finding(column="x2", metric="drift_ks_slow", detail="against the reference"),
        a_finding(column="x1"),
    )
    found = overview_of(replace(quiet, findings=findings))
    assert [(c.name, c.state) for c in found.columns] == [
        ("x1", State.ALARM), ("x2", State.MOVED), ("x0", State.NEAR), ("prediction", State.QUIET),
    ]  # fmt: skip
    assert [f.column for f in found] == ["x1", "x2", "x0"]
    assert found.said[0].text == "x1 shifted since 2024-03-21 00:00: mean 1 → 3"
    assert found.said[1].state is State.MOVED


def test_of_two_alarms_the_one_further_beyond_its_limit_comes_first(quiet):
    findings = (a_finding(column="x0", value=1.0), a_finding(column="x2", value=3.0))
    assert [c.name for c in overview_of(replace(quiet, findings=findings)).columns[:2]] == ["x2", "x0"]


def test_what_moves_the_answers_most_comes_first_where_nothing_is_wrong(quiet):
    study = Study(at=SINCE, version="v1", effects={"x0": 0.1, "x1": 0.2, "x2": 0.7}, skipped={"drift_joint": "too few"})
    found = overview_of(replace(quiet, study=study))
    assert [c.name for c in found.columns if not c.answer] == ["x2", "x1", "x0"]
    assert [(u.what, u.why) for u in found.unchecked] == [("relations between columns", "too few")]


def test_an_incident_tells_of_its_column_what_it_is_and_what_was_done(quiet):
    at_hand = replace(quiet, findings=(a_finding(),), deployment=replace(quiet.deployment, incidents=(incident(),)))
    found = overview_of(at_hand)
    assert [s.text for s in found.said] == [
        "x1 changed unit on 2024-03-20 00:00 (×1.8 + 32); mapped back before the model sees it since 2024-03-22 00:00"
    ]
    assert (found.columns[0].kind, found.columns[0].since) == ("unit", SINCE + 19 * DAY)
    assert [i.id for i in found.incidents] == ["demand-1"]


def test_an_incident_that_ended_before_the_period_is_left_out(quiet):
    over = incident(status=IncidentStatus.CLOSED, closed=SINCE - DAY, opened=SINCE - 3 * DAY)
    found = overview_of(replace(quiet, deployment=replace(quiet.deployment, incidents=(over,))))
    assert found.incidents == ()
    assert found.state is State.QUIET


def test_an_objective_that_is_off_is_said_with_its_target(quiet):
    alarm = a_finding(monitor="quality", metric="mae", column=None, value=9.0, limit=6.0, low=8.0, high=10.0)
    standing = Standing(objective=MAE, value=9.0, rows=700, at_set_point=False)
    found = overview_of(replace(quiet, findings=(alarm,), standings=(standing,)))
    assert found.said[0].text == "mae is 9, at most 6 is asked"
    assert (found.objectives[0].low, found.objectives[0].high, found.objectives[0].state) == (8.0, 10.0, State.ALARM)
    unsure = overview_of(replace(quiet, standings=(standing,)))
    assert unsure.said[0].text.endswith("which may be chance")


def test_more_alarms_than_can_be_read_are_counted(quiet):
    wide = gather(numbers(500, 20), numbers(500, 20, seed=1))
    findings = tuple(a_finding(column=f"x{i}") for i in range(20))
    found = overview_of(replace(wide, findings=findings))
    assert found.said[6].text == "14 more columns changed, see below"
    assert len(found.said) == 7


def test_what_the_shadow_answers_is_no_column_of_the_champion(quiet):
    shadow = a_finding(column="prediction", version="v2", role="shadow")
    found = overview_of(replace(quiet, findings=(shadow,)))
    assert {c.state for c in found.columns} == {State.QUIET}
    assert found.said[0].text == "drift location of prediction of v2 (shadow): mean 1 → 3"


def test_segments_are_told_worst_first(quiet):
    findings = (a_finding(segment="job=a", alarm=False, value=0.3), a_finding(segment="job=b", value=5.0))
    segments = {"job=a": 30, "job=b": 40, "job=c": 500, "job=d": 3, "job=e": 0}
    found = overview_of(replace(quiet, findings=findings, segments=segments))
    assert [s.name for s in found.segments] == ["job=b", "job=a", "job=c", "job=d", "job=e"]
    assert [s.state for s in found.segments[:3]] == [State.ALARM, State.NEAR, State.QUIET]
    assert "job=d" in [u.what for u in found.unchecked]
    assert all(c.state is State.QUIET for c in found.columns)


def test_estimates_lie_in_their_days_and_the_ledger_says_how_they_did(quiet):
    def entry(day):
        said = {
            n: Estimate(value=5.0, low=4.0, high=6.0) for n in (SCORES, TRACKED, "as in the reference", "last realised")
        }
        since = SINCE + day * DAY
        real = Realised(value=5.2, error=0.1, rows=24) if day < 3 else None
        return Entry(metric="mae", version="v1", since=since, until=since + DAY, rows=24, estimates=said, realised=real)

    found = overview_of(replace(quiet, ledger=Ledger(entries=tuple(entry(d) for d in range(5)))))
    assert found.objectives[0].estimated.values[:6] == (5.0, 5.0, 5.0, 5.0, 5.0, None)
    (ledger,) = found.ledger
    assert (ledger.scored, ledger.waiting, ledger.misses, ledger.estimator) == (3, 2, 0, None)
    assert ledger.error == pytest.approx(0.2)
    assert "3 of 4 windows" in ledger.why


def test_no_records_are_said_to_be_none(quiet):
    empty = gather(numbers(500), numbers(0))
    found = overview_of(replace(empty, newest=SINCE - DAY))
    assert [s.text for s in found.said] == ["No records in this period; the last answer is of 2024-02-29 00:00 UTC"]
    assert {u.why for u in found.unchecked} == {
        "no outcomes in its window yet", "no records in this period; a window of at least 24 rows is needed",
    }  # fmt: skip
    assert {c.why for c in found.columns} == {"no rows in this period"}
    assert found.objectives[0].value is None
    assert found.objectives[0].realised.known == ()
    assert overview_of(empty).said[0].text.endswith("nothing was ever answered")


def test_few_rows_are_said_to_be_too_few():
    found = overview_of(gather(numbers(500), numbers(3, seed=1)))
    assert "3 rows in this period; a window of at least 24 rows is needed" in [u.why for u in found.unchecked]
    assert found.objectives[0].realised.known == ()


def test_without_outcomes_nothing_is_claimed(quiet):
    unknown = replace(quiet.answers, known=np.full(len(quiet.answers), np.datetime64("NaT", "us")))
    standing = Standing(objective=MAE, value=None, rows=0, at_set_point=None)
    found = overview_of(replace(quiet, answers=unknown, standings=(standing,)))
    assert found.said[0].text == "Nothing wrong was found, but no objective has a value yet"
    assert found.state is State.UNKNOWN
    assert ("mae", "no outcomes in its window yet") in [(u.what, u.why) for u in found.unchecked]


def test_the_band_holds_natural_days_and_not_a_shift(quiet):
    moved = numbers(700, seed=2)
    moved["x1"][350:] += 3.0
    columns = {c.name: c for c in overview_of(gather(numbers(2_000), moved)).columns}

    def outside(name):
        history = columns[name].history
        return [not a <= v <= b for v, a, b in zip(history.values, history.low, history.high, strict=True)]

    assert sum(outside("x0")) <= 1
    assert all(outside("x1")[14:])
    assert not any(outside("x1")[:14])


def test_bars_add_up_to_one_and_show_what_lies_outside_the_reference(quiet):
    found = overview_of(gather(numbers(500), numbers(500, x1=np.full(500, 40.0), seed=1)))
    for c in found.columns:
        assert sum(c.bars.reference) == pytest.approx(1)
        assert sum(c.bars.now) == pytest.approx(1)
    bars = next(c.bars for c in found.columns if c.name == "x1")
    assert bars.now[-1] == pytest.approx(1)
    assert bars.edges[-1] == pytest.approx(40)


def test_the_level_that_moved_most_is_followed():
    rng = np.random.default_rng(0)
    before = {"sky": rng.choice(np.array(["clear", "mist", "rain"], object), 2_000, p=[0.7, 0.2, 0.1])}
    now = {"sky": rng.choice(np.array(["clear", "mist", "snow"], object), 700, p=[0.7, 0.1, 0.2])}
    sky = next(c for c in overview_of(gather(before, now)).columns if c.name == "sky")
    assert sky.history.name == "share of 'snow'"
    assert sky.history.line == 0.0
    assert sky.bars.labels == ("clear", "mist", "snow", "rain")


HUGE = np.float64(1e308)
ARABIC = "\u0645\u0631\u062d\u0628\u0627"
ODD = {
    "one row": (np.arange(100.0), np.array([5.0])),
    "constant": (np.full(100, 3.0), np.full(60, 3.0)),
    "all null": (np.full(100, np.nan), np.full(60, np.nan)),
    "null now": (np.arange(100.0), np.full(60, np.nan)),
    "null before": (np.full(100, np.nan), np.arange(60.0)),
    "two values": (np.repeat([0.0, 1.0], 50), np.repeat([0.0, 1.0], 30)),
    "huge": (HUGE * np.linspace(-1, 1, 100), HUGE * np.linspace(-1, 1, 60)),
    "huge now": (np.arange(100.0), np.full(60, HUGE)),
    "infinite": (np.arange(100.0), np.full(60, np.inf)),
    "infinite before": (np.full(100, -np.inf), np.arange(60.0)),
    "tiny": (np.linspace(0, 5e-324 * 100, 100), np.linspace(0, 5e-324 * 60, 60)),
    "flags": (np.arange(100) % 2 == 0, np.arange(60) % 3 == 0),
    "long levels": (np.array(["a" * 5_000] * 100, object), np.array(["b" * 5_000] * 60, object)),
    "right to left": (np.array(["שלום", ARABIC] * 50, object), np.array(["שלום", f"\u202e{ARABIC}"] * 30, object)),
    "no level": (np.array([None] * 100, object), np.array([None] * 60, object)),
    "times": (np.array(["2024-01-05", "2024-01-08"] * 50, object), np.array(["2024-02-01"] * 60, object)),
    "texts": (np.array([f"so many words {i}" for i in range(200)], object), np.array(["none of them"] * 60, object)),
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_odd_columns_are_shown_and_no_number_is_made_up(odd):
    reference, now = ODD[odd]
    found = overview_of(gather({"x": reference}, {"x": now}))
    json.dumps(found.to_dict(), allow_nan=False)
    page = found.to_html()
    assert not [
        word for word in ("nan", "inf", "None") if f">{word}<" in page or f" {word} " in page.partition("<main")[2]
    ]
    assert len(found.columns_frame()) == 2


def test_frames_and_json_hold_the_promised_keys(quiet):
    found = overview_of(replace(quiet, findings=(a_finding(),)))
    keys = {"monitor", "metric", "column", "segment", "window", "value", "limit", "alarm"}
    plain = found.to_dict()
    assert keys <= plain["findings"][0].keys()
    assert keys - {"window"} <= set(found.to_frame().columns)
    assert {"objectives", "columns", "estimates", "ledger", "unchecked", "segments", "said", "service"} <= plain.keys()
    assert found.columns_frame()["name"].tolist()[0] == "x1"
    assert len(found) == 1


@pytest.mark.parametrize(("days", "hours"), [(1, 1), (3, 1), (28, 24), (120, 24), (400, 168)])
def test_a_long_period_has_longer_stretches(days, hours):
    assert stretch_of(days * DAY) == hours * DAY / 24
