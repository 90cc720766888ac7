"""A real Prometheus scrapes what `setpoint up` serves, by exported rules; a real Alertmanager tells of it."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
import yaml

from setpoint.monitor.grafana import expressions
from tests.ports import free_ports

PROMISED = re.compile(r"\b(setpoint_\w+)")
EVENTS = re.compile("strength|decisions")  # what may not have happened yet


@pytest.fixture
def watching(
    setpoint: Any, campaign: Path, hook: Any, tmp_path: Path, program: Callable[[str], str], calls: Any
) -> Iterator[Any]:
    """A deployment that cannot reach its set point, and Prometheus and Alertmanager beside it."""
    prometheus, alertmanager = program("prometheus"), program("prometheus-alertmanager")
    file = campaign / "setpoint.yaml"
    unreachable = (
        "objectives:\n  - {metric: availability, at_least: 0.99}\n  - {metric: latency_p99_ms, at_most: 5000}\n"
    )
    file.write_text(file.read_text().replace("objectives:\n", unreachable).replace("0.8}", "0.9999}"))
    setpoint.run("deploy", campaign)
    setpoint.up()
    setpoint.run("monitor", "rules", "campaign", "--out", tmp_path / "rules.yaml")
    port, alert_port = free_ports()
    targets = [f"127.0.0.1:{setpoint.port}", f"127.0.0.1:{setpoint.control}"]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alert_port}"]}]}]},
        "scrape_configs": [{"job_name": "setpoint", "static_configs": [{"targets": targets}]}],
    }
    receiver = {"name": "hook", "webhook_configs": [{"url": f"{hook.address.replace('json', 'http')}/alertmanager"}]}
    route = {"receiver": "hook", "group_wait": "1s", "group_interval": "1s"}
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "alertmanager.yaml").write_text(yaml.safe_dump({"route": route, "receivers": [receiver]}))
    commands = [
        [
            prometheus,
            "--config.file=prometheus.yaml",
            "--storage.tsdb.path=tsdb",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        [
            *(alertmanager, "--config.file=alertmanager.yaml", "--storage.path=told", "--cluster.listen-address="),
            f"--web.listen-address=127.0.0.1:{alert_port}",
        ],
    ]
    with (tmp_path / "said.log").open("wb") as said:
        begun = [subprocess.Popen(c, cwd=tmp_path, stdout=said, stderr=said) for c in commands]
        yield SimpleNamespace(
            setpoint=setpoint, hook=hook, api=f"http://127.0.0.1:{port}/api/v1", rows=calls(120, seed=9)
        )
        for process in begun:
            process.terminate()
        for process in begun:
            process.wait(30)


def answer(url: str) -> Any:
    with urlopen(url) as got:
        return json.loads(got.read())["data"]


def firing(hook: Any) -> set[str]:
    told = [a for path, body in hook.posts if path == "/alertmanager" for a in body["alerts"]]
    return {a["labels"]["alertname"] for a in told if a["status"] == "firing"}


def test_an_alert_reaches_a_webhook_and_every_query_of_the_dashboard_is_answered(
    watching: Any, tmp_path: Path, until: Any
) -> None:
    rows, up = watching.rows, watching.setpoint
    up.predict("campaign", rows.drop(columns="bought"))
    rows.to_parquet(tmp_path / "outcomes.parquet", index=False)
    up.run("outcomes", "campaign", tmp_path / "outcomes.parquet")
    up.tick()
    until(lambda: "SetpointObjectiveMissed" in firing(watching.hook), 90)
    assert not firing(watching.hook) & {"SetpointAvailabilityFastBurn", "SetpointLatencyP99", "SetpointNoLook"}

    groups = answer(f"{watching.api}/rules")["groups"]
    assert [r["name"] for g in groups for r in g["rules"] if r["health"] != "ok"] == []
    pages = [urlopen(f"http://127.0.0.1:{port}/metrics").read().decode() for port in (up.port, up.control)]
    known = {name for page in pages for name in re.findall(r"^# HELP (\w+)", page, re.MULTILINE)}
    for expr in expressions():
        asked = expr.replace("$model", "campaign").replace("$__rate_interval", "1m").replace("$__range", "1h")
        query = f"{watching.api}/query?query={quote(asked)}"
        if not EVENTS.search(expr):
            until(lambda query=query: answer(query)["result"], 30, expr)  # a rate needs two scrapes
        assert answer(query)["resultType"] == "vector", expr
        assert {n.removesuffix("_bucket") for n in PROMISED.findall(expr)} <= known, expr
