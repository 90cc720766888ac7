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


def test_refused_requests_alarm_by_field(stream, look):
    seen = look(stream, AT, refused={"": 100, "missing:load": 30, "type:temp_c": 1})
    alarms = {f.column: f.alarm for f in found(seen, "refused")}
    assert alarms == {"load": True, "temp_c": False}


def test_without_rows_there_is_nothing_to_say(stream, look, binning, scoped):
    seen = look(stream, AT)
    nothing = scoped({name: stream[name][:0] for name in binning.columns}, seen.now, 1, binning, limits=seen.limits)
    assert list(of_scope(replace(seen, scopes=(nothing,)), nothing)) == []
