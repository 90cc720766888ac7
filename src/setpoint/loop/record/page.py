"""The page of an incident: what happened, since when, what it cost, what was thought and done, and by whom."""

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from setpoint.domain.incident import IncidentStatus
from setpoint.domain.value import replace
from setpoint.loop.record import pictures
from setpoint.loop.record.story import Story
from setpoint.loop.record.words import facts, headline
from setpoint.monitor.overview.values import ColumnView, State
from setpoint.monitor.overview.words import of_incident
from setpoint.monitor.report import charts, writing

OVER = (IncidentStatus.CLOSED, IncidentStatus.HELD)
CHIPS = {"closed": "quiet", "held": "near", "mending": "moved"}


def incident_page(story: Story, actions: bool = False, error: str = "") -> str:
    """Return one HTML page that needs nothing else; with `actions`, the forms by which a person takes part.

    They post to where the page is, so they work only where the control process serves it. `error` is why the last one
    was not done.
    """
    i = story.incident
    return environment().get_template("incident.html.j2").render(
        s=story,
        i=i,
        title=headline(story),
        kind="Post-mortem" if i.status in OVER else "Incident",
        chip=CHIPS.get(i.status, "alarm"),
        facts=[(name, text) for name, text in facts(story) if name not in ("Status", "Runbook")],
        loss=pictures.loss_chart(story.course, i) if story.course else "",
        every=writing.span(story.course.every.total_seconds()) if story.course else "",
        weights=pictures.weights_chart(i),
        leading=list(enumerate(pictures.leading(i))),
        causes=i.causes[: pictures.MOST_LINES],
        shape=_shape(story),
        levels=charts.levels(story.shape.bars) if story.shape else [],
        verbs=verbs_of(story) if actions else (),
        error=error,
    )  # fmt: skip


def verbs_of(story: Story) -> tuple[tuple[str, str], ...]:
    """Return what a person may say of an incident now: the verb, and what is on its button."""
    i = story.incident
    if not i.live:
        return ()
    repair, open_ = i.repair, i.status in (IncidentStatus.OPEN, IncidentStatus.WAITING)
    proposed = repair is not None and open_ and repair.lifted is None
    undoable = repair is not None and repair.in_force and repair.undoable
    remedy = str(repair.remedy).replace("_", " ") if repair else ""
    found = [
        ("approve", f"Approve {remedy}", proposed),
        ("refuse", f"Refuse {remedy}", proposed and i.refusal is None),
        ("take", "Take it over", not i.handled_by),
        ("give-back", "Give it back to the loop", bool(i.handled_by)),
        ("undo", f"Take the {remedy} back", undoable),
    ]
    return tuple((verb, label) for verb, label, may in found if may)


def _shape(story: Story) -> str:
    shape = story.shape
    if shape is None or shape.bars is None:
        return ""
    view = replace(BLANK, name=shape.column, bars=shape.bars)
    return charts.histogram(view, now="since", before="before")


BLANK = ColumnView(name="", counted="", answer=False, state=State.ALARM, importance=0.0, rows=0)


@cache
def environment() -> Environment:
    """Return the templates, with the style sheet and the macros of the other reports; everything is escaped."""
    pages = Environment(
        loader=ChoiceLoader([PackageLoader("setpoint.loop.record", ""), PackageLoader("setpoint.monitor.report", "")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "clock": writing.clock, "share": writing.share, "number": writing.number, "span": writing.span,
        "incident": of_incident,
    }  # fmt: skip
    pages.globals |= {"LOOP": "setpoint"}
    return pages
