"""The page and the Markdown of an incident: complete, alone, and texts from outside stay text."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from setpoint.domain.envelope import Envelope
from setpoint.domain.event import Event, What
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import (
    Cause,
    Harm,
    Hypothesis,
    Incident,
    IncidentStatus,
    Refusal,
    Remedy,
    Repair,
    Tried,
)
from setpoint.domain.live import Served
from setpoint.domain.owner import Owner, Owners, Responsible
from setpoint.domain.reliability import reliability
from setpoint.domain.remembering import ranked
from setpoint.domain.value import replace
from setpoint.loop.record.index import incidents_page
from setpoint.loop.record.markdown import incident_markdown
from setpoint.loop.record.page import incident_page
from setpoint.loop.record.pictures import leading
from setpoint.loop.record.places import Place
from setpoint.loop.record.shapes import Shape
from setpoint.loop.record.story import Course, Story
from setpoint.loop.record.words import facts, headline
from setpoint.monitor.overview.values import Bars

NOW = datetime(2024, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOSTILE = """<script>alert(1)</script>"'`|*_ [x](javascript:y) &amp; \x1b[31m"""


def a_story(word="temp", **changes):
    causes = (Hypothesis(cause=Cause.UNIT, weight=0.9, subject=word, evidence=(f"as if {word}",)),)
    incident = Incident(
        id="demand-temp", model="demand", status=IncidentStatus.WAITING, since=NOW, opened=NOW + HOUR, subject=word,
        findings=(
            Finding(monitor="drift", metric="m", column=word, since=NOW, until=NOW + HOUR, rows=9, value=2.0, limit=1.0,
                    alarm=True, detail=word),
        ),
        causes=causes, repair=Repair(id="r", remedy=Remedy.INVERSE_MAP, subject=word, proof=word),
        timeline=(Event(at=NOW, what=What.TAKEN, said=f"taken over by ann: {word}", by="ann"),),
        began=(NOW - HOUR, NOW), harm=Harm(until=NOW, records=1_234, labelled=100, loss=3.0, healthy=1.0, unit="MAE"),
        acknowledged_by=word, examples=(word,),
    )  # fmt: skip
    for at in range(3):
        incident = ranked(incident, NOW + at * HOUR, causes)
    return Story(
        incident=replace(incident, **changes),
        responsible=Responsible(name=word, source=word, runbook="https://wiki.example.com/units"),
        as_of=NOW + 20 * HOUR,
        until=NOW + 9 * HOUR,
        versions=("v1",),
        course=Course(
            metric="MAE", starts=tuple(NOW + at * HOUR for at in range(-4, 5)), every=HOUR,
            loss=(1.0, 1.0, None, 1.0, 3.0, 3.0, 3.0, 1.0, 1.0),
        ),
        shape=Shape(
            column=word, missing_before=0.0, missing=0.1,
            bars=Bars(reference=(0.5, 0.5), now=(0.1, 0.9), labels=(word, "b")),
        ),
        places=(Place(kind="caller", name=word, rows=50, share=1.0, others=0.1),),
    )  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found, self.attributes = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes += attrs


def test_the_page_says_when_what_it_cost_who_said_what_and_whose_it_is():
    page = incident_page(a_story())
    for said in (
        "between 31 May 2024, 23:00 and 1 Jun 2024, 00:00 UTC (95 %)",
        "1,234 answers", "MAE 3 where healthy rows have 1, 3.0 times as much",
        "taken over by ann", "unit of temp", "caller temp (100 % of 50 rows, 10.0 % of the others)",
        "https://wiki.example.com/units",
    ):  # fmt: skip
        assert said in page, said
    assert Tags(page).found.count("svg") == 2
    assert "<form" not in page


def test_the_page_loads_nothing_from_anywhere():
    tags = Tags(incident_page(a_story(), actions=True))
    assert not {"script", "link", "img", "iframe", "object"} & set(tags.found)
    assert [v for k, v in tags.attributes if k in ("src", "href", "action")] == ["https://wiki.example.com/units"]


def test_texts_from_outside_stay_text():
    plain, hostile = (Tags(incident_page(a_story(word), actions=True)) for word in ("temp", HOSTILE))
    assert "script" not in hostile.found
    assert sorted(set(hostile.found)) == sorted(set(plain.found))
    assert {k for k, _ in hostile.attributes} == {k for k, _ in plain.attributes}


def test_markdown_has_the_same_and_keeps_its_table():
    text = incident_markdown(a_story(HOSTILE))
    assert "<script" not in re.sub(r"\\<", "", text)
    assert "](javascript" not in text.replace("\\]", "")
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) in (3, 4, 5, 6) for line in table)
    assert "<https://wiki.example.com/units>" in text


@pytest.mark.parametrize(
    ("changes", "verbs"),
    [
        ({}, ["approve", "refuse", "take"]),
        ({"handled_by": "ann"}, ["approve", "refuse", "give-back"]),
        ({"status": IncidentStatus.CLOSED}, []),
        ({"repair": None}, ["take"]),
    ],
)
def test_the_forms_offer_what_may_be_said(changes, verbs):
    page = incident_page(a_story(**changes), actions=True)
    assert re.findall(r'name="verb" value="([\w-]+)"', page) == verbs


def test_enter_in_a_field_approves_nothing():
    """A browser presses the first button of a form then, and none that is disabled."""
    page = incident_page(a_story(), actions=True)
    assert re.findall(r"<button[^>]*>", page)[0] == '<button type="submit" disabled hidden>'


def test_what_is_not_known_is_left_out():
    story = Story(
        incident=Incident(
            id="i", model="m", status=IncidentStatus.OPEN, since=NOW, opened=NOW, subject="worker 1", findings=()
        ),
        responsible=Responsible(),
        as_of=NOW,
        until=NOW,
        versions=(),
    )
    page = incident_page(story)
    assert "There are no pictures" in page
    assert "Runbook" not in page
    assert "| Owner |" not in incident_markdown(story)


def test_the_picture_of_weights_has_the_causes_that_once_led():
    incident = a_story().incident
    for at in range(6):  # the causes of each look have another subject
        causes = [Hypothesis(cause=Cause.UNIT, weight=1 - at / 10, subject=f"c{at}")]
        incident = ranked(incident, NOW + (9 + at) * HOUR, causes)
    assert [subject for _, subject in leading(incident)] == ["c0", "c1", "temp", "c2", "c3"]


def test_the_page_of_all_incidents_leads_to_each_and_texts_from_outside_stay_text():
    def page(word):
        incident = replace(a_story(word).incident, id=word, handled_by=word)
        deployment = Deployment(
            model="demand", source="", served=Served(champion="v1"), envelope=Envelope(), objectives=(), releases=(),
            incidents=(incident,), owners=Owners(owners=(Owner(name=word),)),
        )  # fmt: skip
        return Tags(incidents_page([deployment], [reliability(deployment, NOW - HOUR, NOW + 9 * HOUR)]))

    plain, hostile = page("temp"), page(HOSTILE)
    assert [v for k, v in plain.attributes if k == "href"] == ["/incidents/temp"]
    assert hostile.found == plain.found
    assert {k for k, _ in hostile.attributes} == {k for k, _ in plain.attributes}


def test_what_a_person_took_back_neither_comes_next_nor_was_of_no_help():
    put = Repair(
        id="r", remedy=Remedy.INVERSE_MAP, subject="temp", applied=NOW, lifted=NOW + HOUR, refuted=True, proof="p"
    )
    story = a_story(
        repair=put, status=IncidentStatus.OPEN, tried=(Tried(repair=put, at=NOW, by="ann", why="taken back by ann"),)
    )
    assert headline(story).endswith("inverse map was taken back by ann, it needs somebody")
    assert dict(facts(story))["Remedy"] == "inverse map of temp (taken back by ann)"
    assert dict(facts(story))["Tried"] == "inverse_map of temp, taken back by ann"


def test_what_is_refused_or_in_a_persons_hands_is_not_said_to_come_next():
    refusal = Refusal(remedy=Remedy.INVERSE_MAP, subject="temp", by="ann", at=NOW)
    refused, taken, free = (
        headline(a_story(status=IncidentStatus.OPEN, **more))
        for more in ({"refused": (refusal,)}, {"handled_by": "bob"}, {})
    )
    assert refused.endswith("inverse map was refused by ann, it needs somebody")
    assert taken.endswith("inverse map waits for bob")
    assert free.endswith("inverse map is next")


def test_the_headline_and_the_beginning_name_the_same_time():
    story = a_story(since=NOW - 9 * HOUR)
    assert headline(story).startswith("Temp changed unit on 2024-06-01 00:00")
    assert "1 Jun 2024, 00:00 UTC (95 %)" in dict(facts(story))["Began"]


def test_two_columns_that_were_exchanged_are_named_both():
    causes = (Hypothesis(cause=Cause.SWAPPED, weight=0.9, subject="hum, windspeed"),)
    assert headline(a_story("hum, windspeed", causes=causes)).startswith("Hum and windspeed were exchanged since")


def test_the_foot_says_as_of_when_all_that_is_told():
    assert "as of 1 Jun 2024, 20:00 UTC" in incident_page(a_story())


def test_names_of_marks_that_lie_close_do_not_meet_and_stand_above_the_line():
    put = Repair(id="r", remedy=Remedy.INVERSE_MAP, subject="temp", applied=NOW + 1.2 * HOUR)
    page = incident_page(a_story(repair=put, status=IncidentStatus.MENDING))
    names = re.findall(r'class="axis mark-name" x="([\d.]+)" y="([\d.]+)"', page)
    assert len({y for _, y in names}) == len(names) == 2
    line = re.search(r'class="line now" d="([^"]+)"', page)
    highest = min(float(y) for y in re.findall(r",([\d.]+)", line[1]))
    assert max(float(y) for _, y in names) < highest
