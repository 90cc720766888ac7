"""/metrics of the control API: what the loop knows, with as many series as anybody can bear."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from setpoint.api.metrics import MOST_FINDINGS, page
from setpoint.domain.envelope import Envelope
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Decided, Deployment, Release, Standing
from setpoint.domain.incident import Incident, IncidentStatus
from setpoint.domain.live import Served
from setpoint.domain.notice import Channel, Telling
from setpoint.domain.objective import Objective
from setpoint.domain.value import replace

NOW = datetime(2024, 6, 1, tzinfo=UTC)
AVAILABILITY, MAE = Objective(metric="availability", at_least=0.999), Objective(metric="mae", at_most=5.0)


def finding(**changes):
    values = {
        "monitor": "drift",
        "metric": "drift_ks",
        "since": NOW,
        "until": NOW,
        "rows": 9,
        "value": 3.0,
        "limit": 1.0,
    }
    return Finding(**values | {"alarm": True, "column": "temp"} | changes)


@pytest.fixture
def deployment():
    incident = Incident(
        id="i", model="demand", status=IncidentStatus.OPEN, since=NOW, opened=NOW, subject="temp", findings=()
    )
    return Deployment(
        model="demand",
        source="",
        served=Served(champion="v2", shares={"v3": 0.1}),
        envelope=Envelope(),
        objectives=(AVAILABILITY, MAE),
        releases=(Release(version="v2", at=NOW, by="ann"),),
        standings=(
            Standing(objective=AVAILABILITY, value=0.9995, rows=10, at_set_point=True, budget_left=0.5),
            Standing(objective=MAE, value=None, rows=0, at_set_point=None),
        ),
        findings=(finding(), finding(metric="mae", monitor="quality", alarm=False, column=None)),
        incidents=(incident, replace(incident, id="j", status=IncidentStatus.CLOSED, closed=NOW)),
        decisions=(Decided(at=NOW, cause="", subject="", action="fit", why=""),) * 2,
        looked=NOW,
        telling=Telling(channels=(Channel(name="${OPS}", failed=NOW, lost=3),)),
    )


def samples(*deployments):
    found = {}
    for family in text_string_to_metric_families(page(deployments).decode()):
        for s in family.samples:
            found[s.name, tuple(v for k, v in sorted(s.labels.items()) if k != "model")] = s.value
    return found


def test_the_page_says_where_a_model_stands(deployment):
    told = samples(deployment)
    assert told["setpoint_objective_value", ("availability", "availability")] == 0.9995
    assert told["setpoint_objective_budget_left", ("availability", "availability")] == 0.5
    assert told["setpoint_objective_target", ("mae", "mae")] == 5.0
    assert ("setpoint_objective_at_set_point", ("mae", "mae")) not in told  # not known is not missed
    assert told["setpoint_incidents", ("open",)] == told["setpoint_incidents", ("closed",)] == 1
    assert told["setpoint_incidents_open", ("warning",)] == 1
    assert told["setpoint_findings_in_alarm", ("quality",)] == 0
    assert told["setpoint_finding_strength", ("temp", "drift_ks", "drift", "")] == 3.0
    assert told["setpoint_version_share", ("v2",)] == pytest.approx(0.9)
    assert told["setpoint_look_timestamp_seconds", ()] == NOW.timestamp()
    assert told["setpoint_decisions_total", ("fit",)] == 2
    assert told["setpoint_alert_channel_failing", ("${OPS}",)] == 1
    assert told["setpoint_alerts_lost_total", ("${OPS}",)] == 3


def test_a_model_that_was_never_looked_at_has_no_time_of_a_look(deployment):
    assert ("setpoint_look_timestamp_seconds", ()) not in samples(replace(deployment, looked=None))


def test_a_wide_table_names_its_strongest_alarms_only(deployment):
    many = tuple(finding(column=f"c{i}", value=1.0 + i, until=NOW + timedelta(minutes=i)) for i in range(500))
    told = samples(replace(deployment, findings=many))
    named = [labels for name, labels in told if name == "setpoint_finding_strength"]
    assert len(named) == MOST_FINDINGS
    assert ("c499", "drift_ks", "drift", "") in named
    assert told["setpoint_findings_in_alarm", ("drift",)] == 500


def test_nothing_deployed_is_an_empty_page():
    assert samples() == {}


def test_an_alarm_below_its_limit_is_as_strong_as_it_is_far_off(deployment):
    low, lower = (
        finding(metric="roc_auc", monitor="quality", column=c, value=v, limit=0.8) for c, v in [("a", 0.6), ("b", 0.4)]
    )
    told = samples(replace(deployment, findings=(low, lower)))
    assert told["setpoint_finding_strength", ("a", "roc_auc", "quality", "")] == pytest.approx(1.25)
    assert told["setpoint_finding_strength", ("b", "roc_auc", "quality", "")] == pytest.approx(1.5)


def test_the_strongest_alarm_is_kept_though_a_weak_one_has_its_name(deployment):
    many = [finding(metric=f"m{at}", value=10.0) for at in range(MOST_FINDINGS)]
    told = samples(replace(deployment, findings=(*many, finding(value=50.0), finding(value=1.1))))
    assert told["setpoint_finding_strength", ("temp", "drift_ks", "drift", "")] == 50.0
