from setpoint.monitor.observe import of_scope

AT, ROWS = 24 * 200, 24 * 14


def test_two_columns_that_exchanged_their_values_alarm_both_and_are_called_swapped(stream, look, damaged):
    """Each alone looks like another unit; together they are told apart."""
    mixed = damaged(stream, AT, load=lambda _: stream["prediction"][AT:], prediction=lambda _: stream["load"][AT:])
    seen = look(mixed, AT, rows=ROWS)
    found = [f for f in of_scope(seen, seen.scopes[0]) if f.alarm and f.metric in ("drift_location", "out_of_range")]
    assert {f.column: f.kind for f in found} == {"load": "swapped", "prediction": "swapped"}
