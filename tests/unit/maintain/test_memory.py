"""A worker whose memory grows starts anew before there is no more."""

import pytest

from setpoint.domain.incident import Cause, Remedy
from setpoint.maintain.investigate import investigate
from tests.unit.maintain.conftest import incident_of


@pytest.mark.parametrize(("metric", "worker"), [("memory", 1), ("crash", None), ("hang", None)])
def test_a_worker_is_told_to_start_anew_only_where_it_has_not_ended(world, finding, score, metric, worker):
    alarm = finding("process", metric, None, detail="worker 1: 4 MiB more an hour")
    causes, repair = investigate(incident_of(alarm, subject="worker 1"), world(), score)
    assert (causes[0].cause, causes[0].subject) == (Cause.CRASH, "worker 1")
    assert repair is not None
    assert (repair.remedy, repair.worker) == (Remedy.RESTART, worker)
