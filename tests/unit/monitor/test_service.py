import numpy as np
import pytest

from setpoint.domain.objective import Objective
from setpoint.domain.record import ProcessEvent
from setpoint.domain.value import replace
from setpoint.monitor.process import process
from setpoint.monitor.service import service

AT = 24 * 200


def with_latency(seen, ms):
    rng = np.random.default_rng(0)

    def at(n):
        return (ms * 1_000 * rng.uniform(0.9, 1.1, size=n)).astype(np.int64)

    recent, baseline = (replace(part, latency_us=at(len(part))) for part in (seen.recent, seen.baseline))
    return replace(seen, recent=recent, baseline=baseline)


@pytest.mark.parametrize(("ms", "alarm"), [(10, False), (19.9, True), (40, True)])
def test_latency_alarms_when_too_many_answers_are_surely_slow(ms, alarm, stream, look):
    finding, *_ = service(
        with_latency(look(stream, AT, objectives=(Objective(metric="latency_p99_ms", at_most=20),)), ms)
    )
    assert finding.alarm is alarm


def test_one_slow_answer_in_twenty_four_is_no_alarm(stream, look):
    seen = look(stream, AT, objectives=(Objective(metric="latency_p99_ms", at_most=20, window_s=86_400),))
    slow = np.where(np.arange(24) == 3, 900_000, 2_000)
    finding, *_ = service(replace(seen, recent=replace(seen.recent, latency_us=slow)))
    assert not finding.alarm


@pytest.mark.parametrize(
    ("refused", "alarm"),
    [({"": 1_000}, False), ({"": 1_000, "missing:load": 400}, False), ({"": 1_000, "model_error": 80}, True)],
)
def test_availability_counts_our_own_faults_only(refused, alarm, stream, look):
    seen = look(stream, AT, refused=refused, objectives=(Objective(metric="availability", at_least=0.99),))
    finding, *_ = service(seen)
    assert finding.alarm is alarm


def test_model_errors_alarm_even_where_no_objective_speaks_of_them(stream, look):
    finding, *_ = service(look(stream, AT, refused={"": 100, "model_error": 30}, objectives=()))
    assert (finding.metric, finding.alarm) == ("error_rate", True)
    assert not list(service(look(stream, AT, refused={"": 100}, objectives=())))


def test_each_crash_is_an_alarm_and_a_restart_a_note(stream, look):
    seen = look(stream, AT)
    events = tuple(ProcessEvent(id=k, at=seen.now, kind=k, worker=1) for k in ("crash", "restart", "hang"))
    assert [(f.metric, f.detail, f.alarm) for f in process(replace(seen, events=events))] == [
        ("crash", "worker 1", True),
        ("restart", "worker 1", False),
        ("hang", "worker 1", True),
    ]
