"""More is asked than workers can answer, or the model is slower: queue time against run time tells."""

from datetime import timedelta

import pytest

from setpoint.domain.bounds import breaches
from setpoint.domain.envelope import Change, Envelope, Kind
from setpoint.domain.fleet import Release
from setpoint.domain.incident import Cause, Remedy
from setpoint.domain.live import WorkerStatus
from setpoint.domain.value import replace
from setpoint.domain.workload import Minute, load_of
from setpoint.maintain.investigate import investigate
from setpoint.maintain.relief import calm_again, relieved
from setpoint.serve.meter import Meter
from tests.unit.maintain.conftest import NOW, START, incident_of

AT = int(NOW.timestamp()) // 60


def minutes(first, last, *, requests=600, row_ms=1.0, queue_ms=0.0, refused=0, version="good", each=1):
    """What one worker did from so many minutes before now to so many; `each` are the rows of a run."""
    return [
        Minute(at=AT - m, model="demand", version=version, requests=requests, rows=requests, runs=requests // each,
               run_s=requests * row_ms / 1e3, queued_s=requests * queue_ms / 1e3, turned_away=refused)
        for m in range(first, last, -1)
    ]  # fmt: skip


def reports_of(*load, workers=1, cores=4):
    return {i: WorkerStatus(pid=i, load=tuple(m for part in load for m in part), cores=cores) for i in range(workers)}


def case_of(world, *load, usual_ms=45, **more):
    case = replace(world(), reports=reports_of(*load, **more), now=NOW)
    return replace(case, healthy=replace(case.healthy, latency_us=case.healthy.latency_us * 0 + usual_ms * 1_000))


@pytest.fixture
def slow(finding):
    return incident_of(finding("service", "latency_p99_ms_fast_burn", None), subject="service")


USUAL = minutes(60, 10)
CROWD = minutes(10, 0, requests=1_400, row_ms=40.0, queue_ms=900.0, refused=1_000)


def test_a_queue_without_slower_runs_asks_for_workers(world, slow, score):
    causes, repair = investigate(slow, case_of(world, minutes(60, 10, row_ms=39.0), CROWD), score)
    assert (causes[0].cause, causes[0].subject) == (Cause.OVERLOAD, "requests")
    assert repair is not None
    assert (repair.remedy, repair.workers_before) == (Remedy.WORKERS, 1)
    assert repair.workers == 3  # 1.6 cores of work for 2,400 requests a minute, at seven tenths
    assert "41.7% of them were turned away" in causes[0].evidence[0]


def test_no_more_workers_are_proposed_than_there_are_cores(world, slow, score):
    case = case_of(world, minutes(60, 10, row_ms=39.0), CROWD, cores=1)
    causes, repair = investigate(slow, case, score)
    assert causes[0].cause is Cause.OVERLOAD
    assert repair is None
    assert "1 workers have the 1 cores" in causes[0].evidence[-1]


def test_slower_runs_are_the_models(world, slow, score):
    load = minutes(10, 0, row_ms=30.0, queue_ms=200.0)
    causes, repair = investigate(slow, case_of(world, USUAL, load), score)
    assert (causes[0].cause, causes[0].subject) == (Cause.OVERLOAD, "good")
    assert repair is None
    assert "the model has become slower" in causes[0].evidence[-1]


def test_a_model_that_has_been_slow_for_an_hour_is_told_by_its_healthy_requests(world, slow, score):
    case = case_of(world, minutes(60, 0, row_ms=30.0), usual_ms=2)
    causes, _ = investigate(slow, case, score)
    assert (causes[0].cause, causes[0].subject) == (Cause.OVERLOAD, "good")


def test_a_slow_release_is_rolled_back(world, slow, score):
    case = case_of(world, minutes(60, 10, version="other"), minutes(10, 0, row_ms=30.0))
    case = replace(
        case,
        champion=Release(version="good", at=NOW - timedelta(minutes=10), by="test"),
        previous=Release(version="other", at=START, by="test"),
    )
    causes, repair = investigate(slow, case, score)
    assert (causes[0].cause, causes[0].subject) == (Cause.RELEASE, "good")
    assert repair is not None
    assert (repair.remedy, repair.to_version) == (Remedy.ROLLBACK, "other")


@pytest.mark.parametrize("load", [USUAL + minutes(10, 0), USUAL + minutes(10, 0, requests=0), []])
def test_workers_that_are_at_ease_explain_nothing(world, slow, score, load):
    causes, _ = investigate(slow, case_of(world, load), score)
    assert causes[0].cause is Cause.UNKNOWN


def test_larger_runs_of_a_crowd_are_no_slower_model(world, slow, score):
    """A run of 50 rows takes longer than one of one row, and a row less."""
    crowd = minutes(10, 0, requests=6_000, row_ms=8.0, queue_ms=600.0, refused=500, each=50)
    causes, _ = investigate(slow, case_of(world, minutes(60, 10, row_ms=9.0), crowd, usual_ms=10), score)
    assert causes[0].subject == "requests"


@pytest.mark.parametrize(
    ("envelope", "automatic"),
    [
        (Envelope(), False),
        (Envelope(workers=2), False),
        (Envelope(workers=3), True),
        (Envelope(workers=3, ask=("workers",)), False),
    ],
)
def test_more_workers_are_automatic_only_as_far_as_is_stated(envelope, automatic):
    change = Change(at=NOW, kind=Kind.WORKERS, subject="requests", facts={"workers": 3.0})
    assert (not breaches(envelope, change, ())) is automatic


def test_more_workers_stay_until_it_is_calm_again(world, slow, score):
    _, repair = investigate(slow, case_of(world, minutes(60, 10, row_ms=39.0), CROWD), score)
    assert repair is not None
    ago = timedelta(minutes=20)
    applied = replace(repair, applied=NOW - ago)

    def judged(*load, workers=3):
        reports = reports_of(*load, workers=workers)
        return relieved(applied, reports, "demand", NOW)[0], calm_again(applied, reports, "demand", NOW)[0]

    assert judged(minutes(20, 0, row_ms=30.0)) == (True, False)
    assert judged(minutes(20, 0, row_ms=30.0, refused=90)) == (False, False)
    assert judged(minutes(30, 20, refused=400), minutes(20, 0, row_ms=30.0, refused=90)) == (True, False)  # it is less
    assert judged(minutes(30, 20, refused=100), minutes(20, 0, row_ms=30.0, refused=90)) == (False, False)
    assert judged(minutes(20, 0, requests=40)) == (True, True)
    soon = replace(repair, applied=NOW - timedelta(minutes=3))
    assert relieved(soon, reports_of(minutes(3, 0), workers=1), "demand", NOW)[0] is None  # they are not there yet
    assert not calm_again(soon, reports_of(minutes(3, 0, requests=0), workers=3), "demand", NOW)[0]


def test_a_worker_counts_by_the_minute_and_forgets_after_an_hour():
    now = [0.0]
    meter = Meter(lambda: now[0])
    for at in range(0, 100 * 60, 30):
        now[0] = float(at)
        meter.ran("demand", "v1", requests=2, rows=4, runs=1, queued_s=0.1, run_s=0.2)
        meter.turned_away("demand", "v1")
    assert len(meter.minutes) == 60
    assert meter.minutes[-1] == Minute(
        at=99, model="demand", version="v1", requests=4, turned_away=2, rows=8, runs=2, queued_s=0.2, run_s=0.4
    )


def test_the_minute_that_is_running_does_not_count():
    load = load_of(minutes(2, -1), "demand", NOW - timedelta(minutes=5), NOW)
    assert load.minutes == 2
    assert load_of(minutes(2, -1), "another", NOW - timedelta(minutes=5), NOW).requests == 0
