"""A dashboard for Grafana: the set point first, then traffic, latency, errors, drift and incidents."""

from typing import Any

from setpoint.domain.value import value

OWN = 'model=~"$model"'
WIDTH, TALL, LOW = 24, 8, 1
DATA = {"type": "prometheus", "uid": "${datasource}"}


@value
class Panel:
    """One picture: what it shows, in which unit, and the legend of each line."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]  # expression, legend
    kind: str = "timeseries"


ROWS: dict[str, tuple[Panel, ...]] = {
    "Set point": (
        Panel(
            title="Objectives that hold",
            unit="bool_yes_no",
            lines=((f"setpoint_objective_at_set_point{{{OWN}}}", "{{model}} {{objective}}"),),
            kind="stat",
        ),
        Panel(
            title="Value as a multiple of its bound",
            unit="none",
            lines=(
                (
                    f"setpoint_objective_value{{{OWN}}} / setpoint_objective_target{{{OWN}}}",
                    "{{model}} {{objective}}",
                ),
            ),
        ),
        Panel(
            title="Budget left",
            unit="percentunit",
            lines=((f"setpoint_objective_budget_left{{{OWN}}}", "{{model}} {{objective}}"),),
        ),
    ),
    "Traffic": (
        Panel(
            title="Requests",
            unit="reqps",
            lines=(
                (f"sum by (model, version) (rate(setpoint_requests_total{{{OWN}}}[$__rate_interval]))", "{{version}}"),
            ),
        ),
        Panel(
            title="Rows",
            unit="rowsps",
            lines=((f"sum by (model, version) (rate(setpoint_rows_total{{{OWN}}}[$__rate_interval]))", "{{version}}"),),
        ),
        Panel(
            title="Champion",
            unit="none",
            lines=((f"setpoint_version_share{{{OWN}}}", "{{model}} {{version}}"),),
            kind="stat",
        ),
    ),
    "Latency": tuple(
        Panel(
            title=title,
            unit="s",
            lines=tuple(
                (
                    f"histogram_quantile({q}, sum by (le) (rate(setpoint_{name}_seconds_bucket{{{OWN}}}"
                    "[$__rate_interval])))",
                    label,
                )
                for q, label in ((0.5, "median"), (0.95, "p95"), (0.99, "p99"))
            ),
        )
        for title, name in (("Arrival to answer", "request"), ("Before the run", "queue"), ("One run", "run"))
    ),
    "Errors": (
        Panel(
            title="Share that failed",
            unit="percentunit",
            lines=(
                (
                    f'(sum by (model) (rate(setpoint_requests_total{{{OWN},code=~"5.."}}[$__rate_interval])) or 0 * '
                    f"sum by (model) (rate(setpoint_requests_total{{{OWN}}}[$__rate_interval]))) / "
                    f"sum by (model) (rate(setpoint_requests_total{{{OWN}}}[$__rate_interval]))",
                    "{{model}}",
                ),
            ),
        ),
        Panel(
            title="Answers by code",
            unit="reqps",
            lines=((f"sum by (code) (rate(setpoint_requests_total{{{OWN}}}[$__rate_interval]))", "{{code}}"),),
        ),
        Panel(
            title="Records waiting for the log",
            unit="s",
            lines=(("max(setpoint_spool_lag_seconds)", "lag"),),
        ),
    ),
    "Drift and other findings": (
        Panel(
            title="Alarms by monitor",
            unit="none",
            lines=((f"setpoint_findings_in_alarm{{{OWN}}}", "{{model}} {{monitor}}"),),
        ),
        Panel(
            title="Strongest alarms, as multiples of their limits",
            unit="none",
            lines=((f"topk(10, setpoint_finding_strength{{{OWN}}})", "{{metric}} {{column}}"),),
        ),
    ),
    "Incidents": (
        Panel(
            title="Open incidents",
            unit="none",
            lines=((f"setpoint_incidents_open{{{OWN}}}", "{{model}} {{severity}}"),),
        ),
        Panel(
            title="Decisions",
            unit="none",
            lines=((f"sum by (action) (increase(setpoint_decisions_total{{{OWN}}}[$__range]))", "{{action}}"),),
            kind="stat",
        ),
        Panel(
            title="Since the last look",
            unit="s",
            lines=((f"time() - setpoint_look_timestamp_seconds{{{OWN}}}", "{{model}}"),),
        ),
    ),
}


def dashboard(model: str | None = None) -> dict[str, Any]:
    """Return the dashboard as Grafana imports it; with a model, that one is chosen at first."""
    return {
        "uid": f"setpoint-{model or 'all'}"[:40],
        "title": f"Setpoint {model or ''}".strip(),
        "tags": ["setpoint"],
        "schemaVersion": 39,
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": _variables(model)},
        "panels": _panels(),
    }


def expressions() -> list[str]:
    """Return every query of the dashboard."""
    return [expr for panels in ROWS.values() for panel in panels for expr, _ in panel.lines]


def _variables(model: str | None) -> list[dict[str, Any]]:
    chosen = {"text": model or "All", "value": model or "$__all"}
    query = "label_values(setpoint_champion_info, model)"
    return [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
        {
            "name": "model",
            "type": "query",
            "label": "Model",
            "datasource": DATA,
            "query": {"query": query, "refId": "models"},
            "definition": query,
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": chosen,
        },
    ]


def _panels() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    top = 0
    for title, panels in ROWS.items():
        made.append({"id": len(made) + 1, "type": "row", "title": title, "gridPos": _place(0, top, WIDTH, LOW)})
        width = WIDTH // len(panels)
        for column, panel in enumerate(panels):
            place = _place(column * width, top + LOW, width, TALL)
            made.append({"id": len(made) + 1, "gridPos": place, **_picture(panel)})
        top += LOW + TALL
    return made


def _picture(panel: Panel) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + i), "expr": expr, "legendFormat": legend, "datasource": DATA}
        for i, (expr, legend) in enumerate(panel.lines)
    ]
    return {
        "type": panel.kind,
        "title": panel.title,
        "datasource": DATA,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": targets,
    }


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}
