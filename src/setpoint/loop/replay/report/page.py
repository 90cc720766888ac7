"""The page of a replay's report: the answer first, then the race, then every decision and its reason."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from setpoint.loop.replay.existing import notes
from setpoint.loop.replay.policies import NEVER
from setpoint.loop.replay.report.buckets import period_of, saved, stretches_of
from setpoint.loop.replay.report.drawing import MONTHS, NARROW, WIDE, Size, is_number
from setpoint.loop.replay.report.pictures import brief, lanes_chart, line_chart, points_of
from setpoint.loop.replay.values import Course, PolicyResult, Replayed
from setpoint.loop.replay.verdict import Answer
from setpoint.loop.verbs.inside import Inside, checked
from setpoint.loop.verbs.inside_words import summary
from setpoint.monitor.report.writing import span

NONE = "–"
HEADLINES = {
    Answer.YES: "Yes: switch it on",
    Answer.NO: "No: leave it off",
    Answer.UNSURE: "Not enough evidence yet",
}
MOST_POINTS = 400  # of the line of what was spared


def write_report(replayed: Replayed, model: str, path: Path) -> None:
    """Write the report of a race as one HTML file that needs nothing else; one that exists is replaced."""
    path.write_text(page_of(replayed, model), encoding="utf-8")


def page_of(replayed: Replayed, model: str) -> str:
    """Return the report of a race as HTML."""
    first = next(iter(replayed.courses.values()))
    judged = replayed.courses.get(replayed.verdict.policy) if replayed.verdict else None
    environment = _environment()
    return environment.get_template("page.html.j2").render(
        model=model,
        r=replayed,
        verdict=replayed.verdict,
        headline=HEADLINES[replayed.verdict.answer] if replayed.verdict else "A replay of the model as it was",
        policies=[_policy(at, name, p) for at, (name, p) in enumerate(replayed.policies.items())],
        rows=sum(s.rows for s in first.steps),
        since=first.steps[0].until,
        until=first.steps[-1].until,
        looks=len(first.steps),
        period=span(period_of(first.steps).total_seconds()),
        pictures=_pictures(replayed, judged),
        courses=[_course(name, c) for name, c in replayed.courses.items() if name != NEVER.name],
        envelopes=[_inside(name, checked(c.deployment)) for name, c in replayed.courses.items()],
        notes=notes({n: p.outcomes for n, p in replayed.policies.items() if p.outcomes is not None}),
        valued=any(p.value is not None for p in replayed.policies.values()),
        costed=any(p.money is not None for p in replayed.policies.values()),
    )


def _pictures(replayed: Replayed, judged: Course | None) -> dict[str, list[Markup]]:
    """Return the pictures by what they show, each wide and narrow."""
    courses = replayed.courses
    steps = next(iter(courses.values())).steps
    period = period_of(steps)
    stretches = {name: stretches_of(c.steps, period) for name, c in courses.items()}
    deployment = None if judged is None else judged.deployment
    loss = {name: points_of(s, "loss") for name, s in stretches.items()}
    value = {name: points_of(s, "value") for name, s in stretches.items()}
    never = courses[NEVER.name].steps
    every = max(1, len(steps) // MOST_POINTS)
    spared = {name: saved(c.steps, never)[::every] for name, c in courses.items()}
    acting = {name: c.deployment for name, c in courses.items() if c.deployment.decisions}

    def drawn(size: Size) -> dict[str, Markup]:
        found = {
            "race": line_chart(loss, size, "Loss over time", replayed.loss, incidents=deployment),
            "spared": line_chart(spared, size, "Loss spared so far", f"sum of {replayed.loss} spared"),
        }
        if any(v is not None for points in value.values() for _, v in points):
            found["value"] = line_chart(value, size, "Value of a decision over time", "value of a decision")
        if acting:
            found["lanes"] = lanes_chart(acting, steps[0].until, steps[-1].until, size)
        return found

    wide, narrow = drawn(WIDE), drawn(NARROW)
    return {name: [wide[name], narrow[name]] for name in wide}


def _policy(at: int, name: str, p: PolicyResult) -> dict[str, Any]:
    return {"class": f"p{at}", "name": name, "p": p, "colour": f"--p{at}"}


def _course(name: str, course: Course) -> dict[str, Any]:
    """Return a policy's story: its decisions, and what it thought each time that its mind changed."""
    thoughts, last = [], ""
    for step in course.steps:
        move = step.thought.partition(":")[0]
        if step.thought and move != last:
            thoughts.append((step.until, step.thought))
            last = move
    return {"name": name, "means": course.means, "decisions": course.deployment.decisions, "thoughts": thoughts}


def _inside(name: str, found: Inside) -> dict[str, Any]:
    """Return whether a policy stayed inside the envelope it ran under, and each step that did not."""
    return {"name": name, "holds": found.holds, "words": summary(found), "steps": (*found.outside, *found.loose)}


def _environment() -> Environment:
    pages = Environment(
        loader=PackageLoader("setpoint.loop.replay.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"brief": _brief, "percent": _percent, "clock": _clock, "day": _day}
    return pages


def _brief(value: Any) -> str:
    return brief(value) if is_number(value) else NONE


def _percent(value: Any) -> str:
    return f"{100 * value:.3g} %".replace("-", "−") if is_number(value) else NONE


def _clock(when: Any) -> str:
    return f"{_day(when)}, {when:%H:%M}"


def _day(when: Any) -> str:
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"
