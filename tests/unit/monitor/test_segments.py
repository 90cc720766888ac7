import numpy as np
import pytest

from setpoint.domain.objective import Objective
from setpoint.domain.schema import Task
from setpoint.domain.segments import Split
from setpoint.domain.value import replace
from setpoint.maintain.triage import triage
from setpoint.monitor.fairness import fairness
from setpoint.monitor.observe import observe
from setpoint.monitor.quality import quality
from setpoint.monitor.segments import by_segment
from setpoint.monitor.standing import standings
from setpoint.monitor.worst import worst_slices
from setpoint.stats.fairness import Gap

AT = 24 * 300
WEEK = 7 * 86_400.0
SKY = {"sky": Split(levels=("clear", "mist"))}
GAP = Objective(metric="fairness_gap", of="recall", by="sky", at_most=0.1, window_s=28 * 86_400.0)


def off(seen, when, factor=4.0):
    """Return a look in which the answers of one segment err by a factor more, for some rows."""
    rows = seen.labelled
    hit = (rows.inputs["sky"] == "mist") & when
    score = np.where(hit, rows.outcome + factor * (rows.score - rows.outcome), rows.score)
    return replace(seen, labelled=replace(rows, score=score), segments=SKY)


def classes(seen, missed=0.0, objectives=(GAP,)):
    """Return a look at a binary task that misses a share of the positives under mist."""
    rng = np.random.default_rng(0)
    rows = seen.labelled
    y = (rng.uniform(size=len(rows)) < 0.5).astype(float)
    mist = rows.inputs["sky"] == "mist"
    score = np.where(mist & (rng.uniform(size=len(rows)) < missed), 0.1, 0.2 + 0.6 * y)
    schema = replace(seen.schema, task=Task.BINARY, classes=("no", "yes"))
    return replace(
        seen, schema=schema, labelled=replace(rows, score=score, outcome=y), segments=SKY, objectives=objectives
    )


def test_segments_at_the_set_point_are_not_listed(stream, look):
    assert list(by_segment(replace(look(stream, AT), segments=SKY))) == []


def test_a_segment_that_got_worse_alarms(stream, look):
    seen = look(stream, AT, objectives=(Objective(metric="mae", at_most=6.0, window_s=WEEK),))
    fresh = seen.labelled.time >= seen.labelled.time[-1] - np.timedelta64(7, "D")
    (found,) = by_segment(off(seen, fresh, 9.0))
    assert found.alarm
    assert (found.segment, found.metric) == ("sky=mist", "mae")
    assert found.low > 6.0


def test_a_segment_that_was_always_worse_is_a_note(stream, look):
    seen = look(stream, AT, objectives=(Objective(metric="mae", at_most=6.0, window_s=WEEK),))
    (found,) = by_segment(off(seen, True, 9.0))
    assert not found.alarm
    assert "where sky=mist" in found.detail
    assert "before" in found.detail


def test_quiet_weeks_hold_no_alarm_of_a_segment(stream, look):
    """100 weeks of three segments whose true error is just below the bound."""
    objective = Objective(metric="mae", at_most=4.0, window_s=WEEK)
    alarms = 0
    for at in range(24 * 120, 24 * 520, 96):
        seen = replace(look(stream, at, objectives=(objective,)), segments=SKY)
        alarms += sum(f.alarm for f in by_segment(seen))
    assert alarms == 0


def test_a_declared_gap_is_always_shown_and_alarms_when_it_is_surely_too_wide(stream, look):
    (fair,) = (f for f in fairness(classes(look(stream, AT))) if f.metric == "fairness_gap")
    assert (fair.alarm, fair.column) == (False, "sky")
    (unfair,) = (f for f in fairness(classes(look(stream, AT), 0.7)) if f.metric == "fairness_gap")
    assert unfair.alarm
    assert unfair.low > unfair.limit == 0.1
    assert "where sky=mist" in unfair.detail
    (standing,) = standings(classes(look(stream, AT), 0.7))
    assert standing.at_set_point is False


def test_an_undeclared_gap_alarms_unless_the_reference_has_it_too(stream, look):
    seen = classes(look(stream, AT), 0.7, objectives=(Objective(metric="accuracy", at_least=0.2, window_s=4 * WEEK),))
    found = {f.metric: f for f in fairness(seen)}
    assert found["recall_gap"].alarm
    assert "false_positive_rate_gap" not in found
    known = Gap(value=0.7, low=0.6, high=0.8, highest="sky=clear", lowest="sky=mist", rates={}, rows=1_000)
    accepted = {f.metric: f for f in fairness(replace(seen, reference_gaps={("recall", "sky"): known}))}
    assert not accepted["recall_gap"].alarm
    assert "0.7 in the reference" in accepted["recall_gap"].detail


def test_quiet_looks_hold_no_unfairness(stream, look):
    rng_looks = [classes(look(stream, at)) for at in range(24 * 120, 24 * 520, 96)]
    assert not any(f.alarm for seen in rng_looks for f in fairness(seen))


def test_a_gap_that_cannot_be_measured_is_unknown_with_its_reason(stream, look):
    seen = replace(classes(look(stream, AT)), segments={"sky": Split(levels=())})
    assert list(fairness(seen)) == []
    assert "fewer than two segments" in standings(seen)[0].why


def test_without_segments_nothing_is_said(stream, look):
    seen = look(stream, AT)
    assert list(by_segment(seen)) == []
    assert list(fairness(seen)) == []


def test_once_an_objective_is_off_the_worst_slices_are_named(stream, look):
    seen = look(stream, AT, objectives=(Objective(metric="mae", at_most=6.0, window_s=4 * WEEK),))
    assert list(worst_slices(seen, list(quality(seen)))) == []
    broken = off(seen, True, 12.0)
    found = list(worst_slices(broken, list(quality(broken))))
    assert found[0].segment == "sky=mist"
    assert not found[0].alarm
    assert found[0].low > found[0].limit


def test_unfairness_is_an_incident_of_its_own(stream, look):
    seen = classes(look(stream, AT), 0.7)
    (incident,) = triage((), [f for f in observe(seen) if f.monitor == "fairness"], seen.now, model="m", version="v1")
    assert incident.subject == "fairness"


@pytest.mark.parametrize("rows", [0, 1, 5, 30])
def test_few_rows_say_nothing(stream, look, rows):
    seen = classes(look(stream, AT), 0.7)
    few = replace(seen, labelled=seen.labelled.take(np.arange(rows)))
    assert not any(f.alarm for f in (*by_segment(few), *fairness(few)))
