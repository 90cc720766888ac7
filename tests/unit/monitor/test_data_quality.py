import numpy as np

from setpoint.domain.value import replace
from setpoint.monitor.data_quality import refused
from setpoint.monitor.observe import of_scope

AT = 24 * 200


def found(seen, metric):
    (scope,) = seen.scopes
    return [f for f in [*refused(seen), *of_scope(seen, scope)] if f.metric == metric]


def test_a_summer_little_hotter_than_the_reference_is_natural(stream, look, damaged):
    hotter = damaged(stream, AT, temp_c=lambda x: x - x.max() + stream["temp_c"][: 24 * 120].max() + 3)
    assert not any(f.alarm for f in found(look(hotter, AT), "out_of_range"))


def test_twenty_four_rows_out_of_range_alarm_at_once(stream, look, damaged):
    (finding,) = found(look(damaged(stream, AT, load=lambda x: x + 500), AT), "out_of_range")
    assert finding.alarm
    assert finding.value == 1.0
    assert finding.limit < finding.low < finding.high


def test_a_single_stray_value_is_no_alarm(stream, look, damaged):
    def stray(x):
        return np.where(np.arange(len(x)) == 5, 1e9, x)

    (finding,) = found(look(damaged(stream, AT, load=stray), AT), "out_of_range")
    assert not finding.alarm


def test_nulls_that_the_baseline_has_too_are_natural(stream, look, damaged):
    holes = damaged(stream, AT - 672, load=lambda x: np.where(np.arange(len(x)) % 3 == 0, np.nan, x))
    assert not any(f.alarm for f in found(look(holes, AT), "null_rate"))


def test_a_new_category_is_named(stream, look, damaged):
    snow = damaged(stream, AT, sky=lambda x: np.where(x == "clear", "snow", x))
    (finding,) = found(look(snow, AT), "unseen_category")
    assert finding.alarm
    assert "'snow'" in finding.detail


def test_a_category_known_from_the_last_weeks_is_not_new(stream, look, damaged):
    snow = damaged(stream, AT - 100, sky=lambda x: np.where(x == "clear", "snow", x))
    assert not found(look(snow, AT), "unseen_category")


def test_a_month_may_last_a_month_but_a_sensor_may_not_stand_still_for_two_days(stream, look, damaged):
    assert not any(f.alarm for at in range(24 * 150, 24 * 200, 24) for f in found(look(stream, at), "stuck"))
    still = damaged(stream, AT - 24, load=lambda x: np.full(len(x), x[0]))
    (finding,) = found(look(still, AT), "stuck")
    assert finding.alarm
    assert finding.value == 48


def test_a_level_that_becomes_usual_may_stay_as_long_as_its_new_share_allows(stream, look, damaged):
    """Of the reference 0.7 is clear, now 0.95 is: the weeks show short runs, but 104 rows of it are still chance."""
    dry = damaged(stream, AT - 672, sky=lambda x: np.where(np.arange(len(x)) % 20, "clear", "mist"))
    dry = damaged(dry, AT - 80, sky=lambda x: np.where(np.arange(len(x)) < 104, "clear", x))
    assert not any(f.alarm for f in found(look(dry, AT), "stuck"))
    stuck = damaged(stream, AT - 80, sky=lambda x: np.where(np.arange(len(x)) < 104, "clear", x))
    assert any(f.alarm for f in found(look(stuck, AT), "stuck"))


def test_what_was_constant_in_the_reference_has_the_range_of_the_last_weeks_widened(stream, limits, look, damaged):
    """A column of one value has no range of its own; once it moves, the last weeks tell what is natural."""
    one = {**limits.columns, "load": replace(limits.columns["load"], low=50.0, high=50.0, margin=0.0, std=0.0)}
    known = replace(limits, columns=one)

    def alarms(table):
        seen = look(table, AT, limits=known)
        scope = replace(seen.scopes[0], limits=known)
        return any(f.alarm for f in of_scope(seen, scope) if f.metric == "out_of_range")

    assert not alarms(damaged(stream, AT, load=lambda x: x + 25))
    assert alarms(damaged(stream, AT, load=lambda x: x + 500))
    assert alarms({**stream, "load": np.where(np.arange(len(stream["load"])) < AT, 50.0, stream["load"])})


def test_refused_requests_alarm_by_field(stream, look):
    seen = look(stream, AT, refused={"": 100, "missing:load": 30, "type:temp_c": 1})
    alarms = {f.column: f.alarm for f in found(seen, "refused")}
    assert alarms == {"load": True, "temp_c": False}


def test_without_rows_there_is_nothing_to_say(stream, look, binning, scoped):
    seen = look(stream, AT)
    nothing = scoped({name: stream[name][:0] for name in binning.columns}, seen.now, 1, binning, limits=seen.limits)
    assert list(of_scope(replace(seen, scopes=(nothing,)), nothing)) == []
