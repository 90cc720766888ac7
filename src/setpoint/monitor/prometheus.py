"""Rules for Prometheus: what Setpoint watches, watched once more by those who run Prometheus and Alertmanager.

They are made from a model's objectives, and read the metrics of the workers and of the control process.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from setpoint.domain.objective import Objective
from setpoint.monitor.burn import PACES, Pace, windows_of
from setpoint.monitor.service import QUANTILES, SHARES, allowed

Rule = dict[str, Any]
SHORTEST_S = 120.0  # of a range: it must hold some scrapes
FEWEST_FAILURES = 3  # within the long window; a ratio of one request in two says little
UNSEEN = "15m"  # without a look
LONG, SHORT = "1h", "5m"  # of the quantiles
BUCKETS = "setpoint_request_seconds_bucket"


def rules_of(model: str, objectives: Sequence[Objective]) -> dict[str, Any]:
    """Return recording and alerting rules of a model as the content of a rule file."""
    shares = [o for o in objectives if o.metric in SHARES]
    latencies = [o for o in objectives if o.metric in QUANTILES]
    recorded = [*_ratios(model, shares), *_quantiles(model, latencies)]
    alerts = [
        *(alert for o in shares for alert in _burning(model, o)),
        *(_slow(model, o) for o in latencies),
        *_of_the_loop(model),
    ]
    groups = [("records", recorded), ("alerts", alerts)]
    return {"groups": [{"name": f"setpoint {model} {name}", "rules": rules} for name, rules in groups if rules]}


def span(seconds: float) -> str:
    """Write a duration as Prometheus does: 5040 → `1h24m`."""
    rest, text = round(seconds), ""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        text += f"{count}{unit}" if count else ""
    return text


def failed(model: str, window: str, call: str = "rate") -> str:
    """Return the expression for requests that failed through no fault of their caller."""
    return f'sum by (model) ({call}(setpoint_requests_total{{model="{model}",code=~"5.."}}[{window}]))'


def asked(model: str, window: str) -> str:
    """Return the expression for all requests but for those that their callers got wrong."""
    return f'sum by (model) (rate(setpoint_requests_total{{model="{model}",code!~"4.."}}[{window}]))'


def ratio_name(window: str) -> str:
    """Return the name of the recorded share of requests that failed."""
    return f"model:setpoint_request_errors:ratio_rate{window}"


def quantile_name(metric: str, window: str) -> str:
    """Return the name of a recorded quantile, in seconds."""
    return f"model:setpoint_request_seconds:{metric.split('_')[1]}_rate{window}"


def _windows(pace: Pace, objective: Objective) -> tuple[str, str]:
    long_s, short_s = windows_of(pace, objective.window_s, SHORTEST_S)
    return span(long_s), span(short_s)


def _paces(objective: Objective) -> list[Pace]:
    return [p for p in PACES if p.rate * allowed(objective) < 1.0]


def _ratios(model: str, objectives: Sequence[Objective]) -> Iterator[Rule]:
    windows = dict.fromkeys(w for o in objectives for pace in _paces(o) for w in _windows(pace, o))
    for window in windows:
        none = f"0 * {asked(model, window)}"
        yield {"record": ratio_name(window), "expr": f"({failed(model, window)} or {none}) / {asked(model, window)}"}


def _burning(model: str, objective: Objective) -> Iterator[Rule]:
    limit = allowed(objective)
    for pace in _paces(objective):
        long, short = _windows(pace, objective)
        bound = f"{pace.rate * limit:.6g}"
        name = "".join(part.capitalize() for part in f"{objective.metric}_{pace.name}".split("_"))
        yield _alert(
            f"Setpoint{name}",
            f'{ratio_name(long)}{{model="{model}"}} > {bound} and {ratio_name(short)}{{model="{model}"}} > {bound} '
            f"and {failed(model, long, 'increase')} > {FEWEST_FAILURES}",
            severity="warning" if pace.name == "slow_burn" else "critical",
            objective=objective.name,
            summary=f"{model} spends its budget of failures at more than {pace.rate:g} times the rate that lasts",
            description=f"{{{{ $value | humanizePercentage }}}} of the requests of {model} failed in {long}; "
            f"{limit:.6g} of them may in {span(objective.window_s)}.",
            model=model,
        )


def _quantiles(model: str, objectives: Sequence[Objective]) -> Iterator[Rule]:
    for metric in dict.fromkeys(o.metric for o in objectives):
        for window in (LONG, SHORT):
            buckets = f'sum by (model, le) (rate({BUCKETS}{{model="{model}"}}[{window}]))'
            expr = f"histogram_quantile({QUANTILES[metric]:g}, {buckets})"
            yield {"record": quantile_name(metric, window), "expr": expr}


def _slow(model: str, objective: Objective) -> Rule:
    bound, metric = f"{objective.target / 1_000:.6g}", objective.metric
    name = "".join(part.capitalize() for part in metric.removesuffix("_ms").split("_"))
    both = " and ".join(f'{quantile_name(metric, w)}{{model="{model}"}} > {bound}' for w in (LONG, SHORT))
    return _alert(
        f"Setpoint{name}",
        both,
        severity="critical",
        objective=objective.name,
        summary=f"{model} answers more slowly than its set point",
        description=f"{metric} of {model} is {{{{ $value | humanizeDuration }}}} over {LONG}; at most "
        f"{objective.target:g} ms were asked.",
        model=model,
    )


def _of_the_loop(model: str) -> Iterator[Rule]:
    own = f'{{model="{model}"}}'
    yield _alert(
        "SetpointObjectiveMissed",
        f"setpoint_objective_at_set_point{own} == 0",
        severity="warning",
        summary=f"{model} is off its set point: {{{{ $labels.objective }}}}",
        description=f"The last look at {model} found {{{{ $labels.objective }}}} beyond its bound.",
        model=model,
    )
    yield _alert(
        "SetpointIncidentOpen",
        f"setpoint_incidents_open{own} > 0",
        summary=f"{{{{ $value }}}} open incidents of {model}",
        description="Their causes, and what was done, are shown by the command below.",
        model=model,
    )
    yield _alert(
        "SetpointNoLook",
        f"time() - setpoint_look_timestamp_seconds{own} > 900 or absent(setpoint_look_timestamp_seconds{own})",
        for_=UNSEEN,
        severity="critical",
        summary=f"Nobody looks at {model}",
        description=f"The loop has not looked at {model} for {UNSEEN} or more: nothing is found, and nothing mended.",
        model=model,
        run=f"setpoint status {model}",
    )
    yield _alert(
        "SetpointAlertsFail",
        f"setpoint_alert_channel_failing{own} == 1",
        for_=UNSEEN,
        severity="warning",
        summary=f"Alerts of {model} do not arrive",
        description="{{ $labels.channel }} does not take its messages.",
        model=model,
        run=f"setpoint incidents test-alert {model}",
    )


def _alert(
    name: str,
    expr: str,
    *,
    model: str,
    summary: str,
    description: str,
    for_: str = "",
    severity: str = "",
    objective: str = "",
    run: str = "",
) -> Rule:
    labels = {"severity": severity, "objective": objective, "model": model}
    return {
        "alert": name,
        "expr": expr,
        **({"for": for_} if for_ else {}),
        "labels": {k: v for k, v in labels.items() if v},
        "annotations": {"summary": summary, "description": description, "run": run or f"setpoint incidents {model}"},
    }
