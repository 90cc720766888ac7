"""Rules for Prometheus are ones that promtool takes, and they fire and stay quiet as they say."""

import re
import subprocess

import pytest
import yaml

from setpoint.domain.objective import Objective
from setpoint.monitor.grafana import dashboard, expressions
from setpoint.monitor.prometheus import rules_of, span

OBJECTIVES = (
    Objective(metric="availability", at_least=0.999, window_s=30 * 86_400.0),
    Objective(metric="latency_p99_ms", at_most=20.0),
    Objective(metric="mae", at_most=5.0),
)
RULES = rules_of("demand", OBJECTIVES)
ALERTS = {r["alert"]: r for g in RULES["groups"] for r in g["rules"] if "alert" in r}


@pytest.mark.parametrize(
    ("seconds", "text"), [(5_040, "1h24m"), (60, "1m"), (259_200, "3d"), (100_800.4, "1d4h"), (70, "1m10s")]
)
def test_durations_are_written_as_prometheus_does(seconds, text):
    assert span(seconds) == text


def test_each_objective_of_requests_has_its_alerts():
    assert {"SetpointAvailabilityFastBurn", "SetpointAvailabilityBurn", "SetpointAvailabilitySlowBurn"} < set(ALERTS)
    assert "[1h]" in ALERTS["SetpointAvailabilityFastBurn"]["expr"]
    assert "ratio_rate5m" in ALERTS["SetpointAvailabilityFastBurn"]["expr"]
    assert "SetpointLatencyP99" in ALERTS
    assert ALERTS["SetpointAvailabilitySlowBurn"]["labels"]["severity"] == "warning"


def test_a_model_with_no_service_objective_still_has_the_alerts_of_the_loop():
    (group,) = rules_of("demand", (OBJECTIVES[2],))["groups"]
    assert [r["alert"] for r in group["rules"]] == [
        "SetpointObjectiveMissed", "SetpointIncidentOpen", "SetpointNoLook", "SetpointAlertsFail",
    ]  # fmt: skip


def test_a_pace_at_which_nothing_can_be_spent_has_no_alert():
    rules = rules_of("demand", (Objective(metric="error_rate", at_most=0.2),))
    burns = [r["alert"] for g in rules["groups"] for r in g["rules"] if "Burn" in r.get("alert", "")]
    assert burns == ["SetpointErrorRateSlowBurn"]


def series(name, values, **labels):
    inside = ",".join(f'{k}="{v}"' for k, v in labels.items())
    return {"series": f"{name}{{{inside}}}", "values": values}


def requests(code, values):
    return series("setpoint_requests_total", values, model="demand", version="v1", code=code)


def buckets(slow):
    """Latencies by the minute: 60 requests, of which so many take 100 ms."""
    found = []
    for le, count in (("0.005", 60 - slow), ("0.1", 60), ("+Inf", 60)):
        labels = {"model": "demand", "version": "v1", "le": le}
        found.append(series("setpoint_request_seconds_bucket", f"0+{count}x90", **labels))
    return found


LOOKED = series("setpoint_look_timestamp_seconds", "0+60x90", model="demand")  # at each minute
QUIET = [requests("200", "0+60x90"), *buckets(0), LOOKED]
CASES = {
    "all is well": (QUIET, "70m", set()),
    "an outage of five minutes": (
        [requests("200", "0+60x60 3600+0x30"), requests("500", "0x60 0+60x30"), LOOKED],
        "65m",
        {"SetpointAvailabilityFastBurn", "SetpointAvailabilityBurn", "SetpointAvailabilitySlowBurn"},
    ),
    "an outage that ended an hour ago": (
        [requests("200", "0+60x90"), requests("500", "0+60x5 300+0x85"), LOOKED],
        "80m",
        {"SetpointAvailabilitySlowBurn"},  # its short window is six hours
    ),
    "one failure of four requests in the night": (
        [requests("200", "0x30 0+1x3 3x60"), requests("500", "0x40 1x50"), LOOKED],
        "42m",
        set(),
    ),
    "callers' faults": ([requests("200", "0+60x90"), requests("422", "0+600x90"), LOOKED], "70m", set()),
    "slow answers": ([*buckets(5), LOOKED], "70m", {"SetpointLatencyP99"}),
    "nobody looks": ([series("setpoint_look_timestamp_seconds", "0x90", model="demand")], "40m", {"SetpointNoLook"}),
    "the control process is gone": ([requests("200", "0+60x90")], "40m", {"SetpointNoLook"}),
    "off the set point": (
        [LOOKED, series("setpoint_objective_at_set_point", "0x90", model="demand", objective="mae", metric="mae")],
        "5m",
        {"SetpointObjectiveMissed"},
    ),
    "an open incident": (
        [LOOKED, series("setpoint_incidents_open", "1x90", model="demand", severity="critical")],
        "5m",
        {"SetpointIncidentOpen"},
    ),
    "another model's trouble": (
        [LOOKED, series("setpoint_incidents_open", "1x90", model="price", severity="critical")],
        "5m",
        set(),
    ),
}


@pytest.fixture
def promtool(program, tmp_path):
    """Return a function that runs promtool beside the rules, and returns what it says."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES, sort_keys=False))

    def run(*arguments):
        done = subprocess.run([program("promtool"), *arguments], cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    return run


def test_promtool_takes_the_rules(promtool):
    code, said = promtool("check", "rules", "rules.yaml")
    assert code == 0, said


def test_rules_fire_and_stay_quiet(promtool, tmp_path):
    """What must not fire does not; that the rest does is the next test."""
    cases = []
    for title, (given, at, fires) in CASES.items():
        quiet = [{"eval_time": at, "alertname": a, "exp_alerts": []} for a in ALERTS if a not in fires]
        cases.append({"name": title, "interval": "1m", "input_series": given, "alert_rule_test": quiet})
    (tmp_path / "quiet.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": cases}))
    code, said = promtool("test", "rules", "quiet.yaml")
    assert code == 0, said


@pytest.mark.parametrize("title", [t for t, (_, _, fires) in CASES.items() if fires])
def test_what_must_fire_fires(title, promtool, tmp_path):
    """promtool wants every annotation spelt out; that an empty list is wrong says that the alert fires."""
    given, at, fires = CASES[title]
    tests = [{"eval_time": at, "alertname": a, "exp_alerts": []} for a in fires]
    case = {"interval": "1m", "input_series": given, "alert_rule_test": tests}
    (tmp_path / "fires.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [case]}))
    code, said = promtool("test", "rules", "fires.yaml")
    assert code != 0
    assert set(re.findall(r"alertname: ?(\w+)", said)) == fires, said


def test_the_dashboard_has_a_picture_for_every_query():
    made = dashboard("demand")
    pictures = [p for p in made["panels"] if p["type"] != "row"]
    assert [t["expr"] for p in pictures for t in p["targets"]] == expressions()
    assert next(p["title"] for p in made["panels"]) == "Set point"
    assert len({p["id"] for p in made["panels"]}) == len(made["panels"])
    assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in made["panels"])
    assert made["templating"]["list"][1]["current"]["value"] == "demand"
    assert dashboard()["templating"]["list"][1]["current"]["value"] == "$__all"
