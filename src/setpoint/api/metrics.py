"""What the loop knows of each model, for Prometheus: read from the state when it is asked for."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import IncidentStatus
from setpoint.domain.notice import Severity
from setpoint.domain.reliability import PERIOD, reliability
from setpoint.loop.telling.notices import severity_of
from setpoint.maintain.triage import strength

MOST_FINDINGS = 100  # of one model, the strongest; a wide table must not flood who scrapes it
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Loop(Collector):
    """Collects the state of the deployments."""

    def __init__(self, deployments: Sequence[Deployment]) -> None:
        self._deployments = deployments

    def collect(self) -> Iterator[Metric]:
        """Yield a family for each thing that is known."""
        found = self._deployments
        yield from objectives(found)
        yield from incidents(found)
        yield from findings(found)
        yield from versions(found)
        yield from alerts(found)
        yield from operation(found)


def page(deployments: Sequence[Deployment]) -> bytes:
    """Return the page for Prometheus."""
    registry = CollectorRegistry()
    registry.register(Loop(deployments))
    return generate_latest(registry)


def objectives(deployments: Iterable[Deployment]) -> Iterator[Metric]:
    """Yield where each model stands against its set point; what is not known is not there."""
    labels = ("model", "objective", "metric")
    value = _gauge("setpoint_objective_value", "Value of an objective over its window", *labels)
    target = _gauge("setpoint_objective_target", "Bound of an objective", *labels)
    holds = _gauge("setpoint_objective_at_set_point", "1 where an objective holds, 0 where it does not", *labels)
    rows = _gauge("setpoint_objective_rows", "Rows behind the value of an objective", *labels)
    left = _gauge("setpoint_objective_budget_left", "Share left of the failures that an objective allows", *labels)
    for d in deployments:
        for s in d.standings:
            own = (d.model, s.objective.name, s.objective.metric)
            target.add_metric(own, s.objective.target)
            rows.add_metric(own, s.rows)
            for family, known in ((value, s.value), (holds, s.at_set_point), (left, s.budget_left)):
                if known is not None:
                    family.add_metric(own, float(known))
    yield from (value, target, holds, rows, left)


def incidents(deployments: Iterable[Deployment]) -> Iterator[Metric]:
    """Yield how many incidents stand where."""
    by_status = _gauge("setpoint_incidents", "Incidents by status", "model", "status")
    live = _gauge("setpoint_incidents_open", "Incidents that are not closed, by severity", "model", "severity")
    for d in deployments:
        statuses = Counter(i.status for i in d.incidents)
        severities = Counter(severity_of(i) for i in d.incidents if i.live)
        for status in IncidentStatus:
            by_status.add_metric((d.model, status), statuses[status])
        for severity in Severity:
            live.add_metric((d.model, severity), severities[severity])
    yield from (by_status, live)


def findings(deployments: Iterable[Deployment]) -> Iterator[Metric]:
    """Yield the alarms of the last look, the strongest of each model by name."""
    count = _gauge("setpoint_findings_in_alarm", "Alarms of the last look", "model", "monitor")
    named = _gauge(
        "setpoint_finding_strength",
        f"Alarms of the last look, as multiples of their limits; the {MOST_FINDINGS} strongest",
        *("model", "monitor", "metric", "column", "segment"),
    )
    for d in deployments:
        alarms = sorted((f for f in d.findings if f.alarm), key=strength, reverse=True)
        monitors = Counter(f.monitor for f in alarms)
        for monitor in dict.fromkeys(f.monitor for f in d.findings):
            count.add_metric((d.model, monitor), monitors[monitor])
        strongest: dict[tuple[str, ...], float] = {}
        for f in alarms:
            strongest.setdefault((f.monitor, f.metric, f.column or "", f.segment or ""), strength(f))
        for own, multiple in list(strongest.items())[:MOST_FINDINGS]:
            named.add_metric((d.model, *own), multiple)
    yield from (count, named)


def versions(deployments: Iterable[Deployment]) -> Iterator[Metric]:
    """Yield what serves, when the loop last looked, what it decided and whether it trains."""
    champion = _gauge("setpoint_champion_info", "The champion of a model", "model", "version")
    share = _gauge("setpoint_version_share", "Share of the requests that a version answers", "model", "version")
    looked = _gauge("setpoint_look_timestamp_seconds", "When the loop last looked, since 1970", "model")
    trains = _gauge("setpoint_training", "1 while a candidate is trained", "model")
    decided = CounterMetricFamily(
        "setpoint_decisions", "Decisions of the loop and of people", labels=("model", "action")
    )
    for d in deployments:
        champion.add_metric((d.model, d.served.champion), 1)
        for version, part in {d.served.champion: d.served.rest, **d.served.shares}.items():
            share.add_metric((d.model, version), part)
        if d.looked is not None:
            looked.add_metric((d.model,), d.looked.timestamp())
        trains.add_metric((d.model,), float(d.training is not None))
        for action, times in Counter(x.action for x in d.decisions).items():
            decided.add_metric((d.model, action), times)
    yield from (champion, share, looked, trains, decided)


def alerts(deployments: Iterable[Deployment]) -> Iterator[Metric]:
    """Yield whether people can be told."""
    waiting = _gauge("setpoint_alerts_waiting", "Messages that no channel has taken yet", "model")
    failing = _gauge(
        "setpoint_alert_channel_failing", "1 where a channel did not take its last message", "model", "channel"
    )
    lost = CounterMetricFamily("setpoint_alerts_lost", "Messages that were given up", labels=("model", "channel"))
    for d in deployments:
        waiting.add_metric((d.model,), len(d.telling.outbox))
        for c in d.telling.channels:
            failing.add_metric((d.model, c.name), float(c.failing))
            lost.add_metric((d.model, c.name), c.lost)
    yield from (waiting, failing, lost)


def operation(deployments: Iterable[Deployment]) -> Iterator[Metric]:
    """Yield how reliably each model was operated in the 90 days before its last look."""
    labels = ("model", "cause", "of")
    took = {
        "detect": _gauge("setpoint_time_to_detect_seconds", "From the change to the incident", *labels),
        "locate": _gauge("setpoint_time_to_locate_seconds", "From the change to its cause", *labels),
        "recover": _gauge("setpoint_time_to_recover_seconds", "From the change to proven recovery", *labels),
    }
    false = _gauge("setpoint_false_actions", "Actions without a person that did not help, or harmed", "model")
    allowed = _gauge("setpoint_false_actions_allowed", "False actions that the envelope allows in 90 days", "model")
    held = _gauge("setpoint_time_at_set_point_ratio", "Share of 90 days that an objective held", "model", "objective")
    for d in deployments:
        if d.looked is None:
            continue
        r = reliability(d, d.looked - PERIOD, d.looked)
        false.add_metric((d.model,), r.false_actions)
        allowed.add_metric((d.model,), r.false_allowed)
        for h in r.held:
            held.add_metric((d.model, h.objective), h.share)
        for t in r.times:
            for name, spread in (("detect", t.detect), ("locate", t.locate), ("recover", t.recover)):
                if spread.median_s is not None and spread.worst_s is not None:
                    took[name].add_metric((d.model, t.cause, "median"), spread.median_s)
                    took[name].add_metric((d.model, t.cause, "worst"), spread.worst_s)
    yield from (*took.values(), false, allowed, held)


def _gauge(name: str, says: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, labels=labels)
