"""The demo's report: one HTML page that needs nothing else, for whoever asks what came of it."""

from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from setpoint.demo.charts import SERIES, gain_chart, weekly_chart
from setpoint.loop.replay.report.drawing import MONTHS, NARROW, WIDE, day, is_number, moment

NONE = "–"


def write_report(result: dict[str, Any], path: Path) -> None:
    """Write the report of a demo.

    Parameters
    ----------
    result : dict
        What `result_of` returns. A value that is missing there (None, or not finite) is shown as a dash.
    path : Path
        The HTML file; one that exists is replaced.
    """
    rollouts = sorted(result["rollouts"], key=lambda r: (r["ended"] is None, r["ended"] or ""))
    page = _environment().get_template("report.html.j2")
    path.write_text(
        page.render(
            result=result,
            headline=headline(result),
            incidents=incident_rows(result),
            rollouts=rollouts,
            kept=promises_kept(rollouts),
            series=SERIES,
            weekly=[weekly_chart(result, size) for size in (WIDE, NARROW)],
            gains=[gain_chart(rollouts, size) for size in (WIDE, NARROW)],
        ),
        encoding="utf-8",
    )


def headline(result: dict[str, Any]) -> dict[str, Any]:
    """Return what the first sentences say beyond the result's own figures; `saved` is empty where it has no meaning."""
    mae = result["mae"]
    return {
        "saved": _less(mae["setpoint"], mae["static"]),
        "beside": _less(mae["setpoint"], mae["refit_every_window"]),
        "right": sum(bool(p["right"]) for p in result["planted"]),
        "failing": sum(not c["ok"] for c in result["checks"]),
    }


def incident_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the incidents in time order, each with what was planted; a planted fault that was missed has a row too."""
    planted = {p["incident"]: p for p in result["planted"] if p["incident"]}
    missed = [p for p in result["planted"] if not p["incident"]]
    rows = [_incident_row(i, planted.get(i["id"])) for i in result["incidents"]]
    return sorted([*rows, *(_missed_row(p) for p in missed)], key=lambda row: str(row["since"]))


def promises_kept(rollouts: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many candidates were promoted, and how their realised gains compare with what was expected."""
    promoted = [r for r in rollouts if r["outcome"] == "promoted"]
    measured = [r for r in promoted if is_number(r["realised_gain"])]
    return {
        "candidates": len(rollouts),
        "promoted": len(promoted),
        "rejected": sum(r["outcome"] == "rejected" for r in rollouts),
        "measured": len(measured),
        "better": sum(r["realised_gain"] > 0 for r in measured),
        "within": sum(r["low"] <= r["realised_gain"] <= r["high"] for r in measured if is_number(r["low"])),
    }


def number(value: Any, digits: int = 0) -> str:
    """Write a number with its thousands apart, a dash for none."""
    return f"{value:,.{digits}f}".replace("-", "−") if is_number(value) else NONE


def signed(value: Any) -> str:
    """Write a gain with its sign."""
    return f"{value:+,.1f}".replace("-", "−") if is_number(value) else NONE


def clock(text: str | None) -> str:
    """Write an ISO time to the minute, a dash for none: `4 Jun 2012, 06:00`."""
    if not text:
        return NONE
    at = moment(text)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}, {at:%H:%M}"


def date(text: str | None) -> str:
    """Write the day of an ISO time, a dash for none: `4 Jun 2012`."""
    return day(text) if text else NONE


def dash(value: Any) -> Any:
    """Return a value as it is, a dash for none."""
    return NONE if value is None or value == "" else value


def _environment() -> Environment:
    pages = Environment(
        loader=ChoiceLoader([PackageLoader("setpoint.demo", ""), PackageLoader("setpoint.loop.replay.report", "")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"number": number, "signed": signed, "clock": clock, "day": date, "dash": dash}
    return pages


def _less(value: Any, than: Any) -> str:
    """Write how much smaller one number is than another: `47 % smaller`; nothing where that has no meaning."""
    if not (is_number(value) and is_number(than) and than > 0):
        return ""
    share = 1 - value / than
    return f"{abs(share):.0%}".replace("%", " % ") + ("smaller" if share >= 0 else "larger")


def _incident_row(incident: dict[str, Any], planted: dict[str, Any] | None) -> dict[str, Any]:
    cause, *others = incident["causes"] or [None]
    repair = incident["repair"] or {}
    return {
        "name": planted["fault"] if planted else incident["subject"],
        "id": incident["id"],
        "planted": planted,
        "status": incident["status"],
        "since": incident["since"],
        "found": incident["opened"],
        "cause": cause,
        "others": others,
        "remedy": incident["remedy"],
        "applied": repair.get("applied"),
        "lifted": repair.get("lifted"),
        "closed": incident["closed"],
        "proof": repair.get("proof"),
        "losses": [repair.get(key) for key in ("loss_before", "loss_expected", "loss_realised")],
        "timeline": incident["timeline"],
    }


def _missed_row(planted: dict[str, Any]) -> dict[str, Any]:
    nothing = dict.fromkeys(("id", "found", "cause", "remedy", "applied", "lifted", "closed", "proof"))
    return {
        **nothing,
        "name": planted["fault"],
        "planted": planted,
        "status": "not found",
        "since": planted["planted"],
        "others": [],
        "losses": [None, None, None],
        "timeline": [],
    }
