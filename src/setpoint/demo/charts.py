"""The pictures of the demo's report, as inline SVG; the page's style sheet gives their classes colour."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from markupsafe import Markup

from setpoint.loop.replay.report.drawing import (
    LANE,
    LETTER,
    Frame,
    Scale,
    Size,
    day,
    gridline,
    is_number,
    moment,
    months_axis,
    nice_ticks,
    rows_of,
    svg,
)
from setpoint.monitor.report.svg import tag

SERIES = {"static": "static model", "refit_every_window": "refitted every week", "setpoint": "Setpoint"}
WEEK = timedelta(days=7)
LONGEST_LABEL = 12  # letters of a version's name


def weekly_chart(result: dict[str, Any], size: Size) -> Markup:
    """Draw the three mean absolute errors week by week, the planted faults, and what became of each candidate."""
    weeks = [w | {"at": moment(w["since"])} for w in result["windows"]]
    faults = [p for p in result["planted"] if p["planted"]]
    ended = [r for r in result["rollouts"] if r["ended"]]
    x = Scale(
        first=weeks[0]["at"].timestamp(),
        last=(weeks[-1]["at"] + WEEK).timestamp(),
        start=size.left,
        end=size.width - size.right,
    )
    names = rows_of([_beside(_x(x, p["planted"]), p["fault"], size) for p in faults])
    flags = rows_of([_flag_span(_x(x, r["ended"]), r, size) for r in ended])
    above = LANE * (2 + max(names, default=0)) + 4  # the axis's name has the first row to itself
    top = above + LANE * (1 + max(flags, default=0)) + 12
    largest = max((w[name] for w in weeks for name in SERIES if is_number(w[name])), default=1.0)
    ticks = nice_ticks(0.0, largest)
    frame = Frame(
        size=size,
        x=x,
        y=Scale(first=0.0, last=max(ticks[-1], largest), start=top + size.height, end=top),
        flags=above,
        top=top,
        bottom=top + size.height,
    )
    return svg(
        size,
        frame.bottom + 36,
        "Mean absolute error, week by week",
        *(_fault(frame, p, row) for p, row in zip(faults, names, strict=True)),
        *(gridline(frame, tick) for tick in ticks),
        tag("text", "mean absolute error, rentals per hour", class_="axis", x=2, y=11),
        *months_axis(frame, weeks[0]["at"], weeks[-1]["at"] + WEEK),
        *(_line(frame, name, weeks) for name in SERIES),
        *(_column(frame, week) for week in weeks),
        *(_flag(frame, r, row) for r, row in zip(ended, flags, strict=True)),
    )


def gain_chart(rollouts: Sequence[dict[str, Any]], size: Size) -> Markup:
    """Draw what each candidate promised at the gate, with its interval, and what it brought; positive is better."""
    judged = [r for r in rollouts if is_number(r["expected_gain"])]
    keys = ("expected_gain", "low", "high", "realised_gain")
    values = [0.0, *(r[key] for r in judged for key in keys if is_number(r[key]))]
    ticks = nice_ticks(min(values), max(values))
    label = max((len(_short(r["version"])) for r in judged), default=0) * LETTER * size.font + 30
    x = Scale(first=ticks[0], last=ticks[-1], start=label, end=size.width - 16)
    bottom = 10 + 24.0 * len(judged)
    return svg(
        size,
        bottom + 38,
        "Expected and realised gain of each candidate",
        *(
            part
            for tick in ticks
            for part in (
                tag("line", class_="grid" if tick else "zero", x1=x(tick), x2=x(tick), y1=6, y2=bottom),
                tag("text", _signed(tick), class_="axis", x=x(tick), y=bottom + 15, text_anchor="middle"),
            )
        ),
        tag("text", "gain, rentals per hour", class_="axis", x=size.width - 16, y=bottom + 32, text_anchor="end"),
        *(_gain(r, x, 22 + 24.0 * row) for row, r in enumerate(judged)),
    )


def fault_end(planted: dict[str, Any]) -> str | None:
    """Return when a planted fault was over: at its planned end, or when the roll back was in place."""
    return planted["until"] or (planted["applied"] if planted["remedy"] == "rollback" else None)


def _x(x: Scale, text: str) -> float:
    return min(max(x(moment(text).timestamp()), x.start), x.end)


def _beside(at: float, text: str, size: Size) -> tuple[float, float]:
    """Return the span of a text that starts at its mark, or further left where it would leave the picture."""
    width = len(text) * LETTER * size.font
    start = max(0.0, min(at, size.width - width - 2))
    return start, start + width + 8


def _flag_span(at: float, rollout: dict[str, Any], size: Size) -> tuple[float, float]:
    text = _short(rollout["version"]) if rollout["outcome"] == "promoted" else ""
    return at - 5, at + 9 + len(text) * LETTER * size.font


def _fault(frame: Frame, planted: dict[str, Any], row: int) -> Markup:
    """Draw the stretch of a fault as a band, with its name above."""
    end = fault_end(planted)
    start, stop = _x(frame.x, planted["planted"]), _x(frame.x, end) if end else frame.x.end
    height = frame.flags - 4 - LANE * row
    name, _ = _beside(start, planted["fault"], frame.size)
    until = f"until {day(end)}" if end else "and not seen to end"
    return tag(
        "g",
        tag("title", f"{planted['fault']}\nfrom {day(planted['planted'])} {until}"),
        tag("rect", class_="fault", x=start, y=height, width=max(stop - start, 3.0), height=frame.bottom - height),
        tag("text", planted["fault"], class_="fault-name", x=name, y=height - 4),
    )


def _line(frame: Frame, name: str, weeks: Sequence[dict[str, Any]]) -> Markup:
    """Draw one series through the middle of its weeks, with a gap where a week has no value."""
    path, pen = "", "M"
    for week in weeks:
        if not is_number(week[name]):
            pen = "M"
            continue
        path += f"{pen}{frame.x((week['at'] + WEEK / 2).timestamp()):g},{frame.y(week[name]):g}"
        pen = "L"
    return tag("path", class_=f"line {name}", d=path)


def _column(frame: Frame, week: dict[str, Any]) -> Markup:
    """Cover a week with a surface that can be pointed at."""
    start, end = (frame.x(at.timestamp()) for at in (week["at"], week["at"] + WEEK))
    said = [f"{SERIES[n]}: {week[n]:.1f}" if is_number(week[n]) else f"{SERIES[n]}: –" for n in reversed(SERIES)]
    words = "\n".join([f"week from {day(week['since'])}", *said])
    height = frame.bottom - frame.top
    return tag(
        "rect", tag("title", words), class_="week", x=start, y=frame.top, width=round(end - start, 2), height=height
    )


def _flag(frame: Frame, rollout: dict[str, Any], row: int) -> Markup:
    """Draw a promotion as a flag with its version, anything else as a hollow mark."""
    x, y = _x(frame.x, rollout["ended"]), frame.top - 10 - LANE * row
    words = tag("title", f"{rollout['version']} {rollout['outcome']}\n{day(rollout['ended'])}")
    if rollout["outcome"] != "promoted":
        return tag("g", words, tag("circle", class_="rejected", cx=x, cy=y - 6, r=4.2))
    return tag(
        "g",
        words,
        tag("line", class_="pole", x1=x, x2=x, y1=y - 11, y2=frame.bottom),
        tag("path", class_="flag", d=f"M{x:g},{y - 12:g}l8,4l-8,4z"),
        tag("text", _short(rollout["version"]), class_="flag-name", x=x + 10, y=y - 3),
    )


def _gain(rollout: dict[str, Any], x: Scale, y: float) -> Markup:
    outcome, realised = rollout["outcome"], rollout["realised_gain"]
    expected = rollout["expected_gain"]
    words = [f"{rollout['version']} {outcome}", f"expected {_signed(expected)}"]
    parts = [tag("text", _short(rollout["version"]), class_="flag-name", x=2, y=y + 4)]
    if is_number(rollout["low"]) and is_number(rollout["high"]):
        parts.append(tag("line", class_="interval", x1=x(rollout["low"]), x2=x(rollout["high"]), y1=y, y2=y))
        words[-1] += f" ({_signed(rollout['low'])} to {_signed(rollout['high'])})"
    kind = "expected" if outcome == "promoted" else "rejected"
    parts.append(tag("circle", class_=kind, cx=x(expected), cy=y, r=4.6))
    if is_number(realised):
        parts.append(tag("path", class_="realised", d=f"M{x(realised):g},{y - 6.5:g}l6.5,6.5l-6.5,6.5l-6.5,-6.5z"))
        words.append(f"realised {_signed(realised)}")
    return tag("g", tag("title", "\n".join(words)), *parts)


def _short(version: str) -> str:
    return version if len(version) <= LONGEST_LABEL else f"{version[: LONGEST_LABEL - 1]}…"


def _signed(value: float) -> str:
    return f"{value:+,.3g}".replace("-", "−") if value else "0"
