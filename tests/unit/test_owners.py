"""Who sees to what: read from setpoint.yaml, found for an incident, told in messages."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from setpoint.config import check_setpoint_text
from setpoint.config.owners import link
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus
from setpoint.domain.notice import Severity
from setpoint.domain.owner import responsible_for
from setpoint.errors import InvalidInput
from setpoint.loop.telling.news import Kind, News
from setpoint.loop.telling.wording import composed
from setpoint.loop.verbs.ruling import check_owners
from setpoint.loop.verbs.stated import first, owners, under

NOW = datetime(2024, 6, 1, tzinfo=UTC)
TEXT = """\
model: demand
task: regression
artifact: model.joblib
reference: reference.parquet
target: y
objectives:
  - {metric: mae, at_most: 5}
owners:
  weather team:
    features: [temp, hum]
    source: met office
    runbook: https://wiki.example.com/weather
  platform: {}
runbooks:
  unit: https://wiki.example.com/units
"""


@pytest.fixture
def read(tmp_path):
    pd.DataFrame({"temp": [1.0], "hum": [1.0], "y": [1.0]}).to_parquet(tmp_path / "reference.parquet")

    def read(old="", new=""):
        return check_setpoint_text(TEXT.replace(old, new), tmp_path / "setpoint.yaml")

    return read


def an_incident(cause, subject):
    causes = (Hypothesis(cause=cause, weight=0.9, subject=subject),) if cause else ()
    return Incident(
        id="i",
        model="m",
        status=IncidentStatus.OPEN,
        since=NOW,
        opened=NOW,
        subject=subject,
        findings=(),
        causes=causes,
    )


@pytest.mark.parametrize(
    ("cause", "subject", "name", "runbook"),
    [
        (Cause.UNIT, "temp", "weather team", "https://wiki.example.com/units"),
        (Cause.NULL, "wind, hum", "weather team", "https://wiki.example.com/weather"),
        (Cause.CONCEPT, "y", "platform", ""),
        (None, "quality", "platform", ""),
    ],
)
def test_the_owner_of_the_blamed_column_sees_to_it_else_who_has_the_rest(read, cause, subject, name, runbook):
    who = responsible_for(an_incident(cause, subject), owners(read()))
    assert (who.name, who.runbook) == (name, runbook)


def test_a_deployment_has_the_owners_of_its_file(read):
    file = read()
    assert under(first(file, "v1", NOW, "ann"), file).owners == owners(file)


def test_without_owners_nobody_is_named(read):
    file = read(TEXT[TEXT.index("owners:") :], "")
    assert responsible_for(an_incident(Cause.UNIT, "temp"), owners(file)).name == ""


def test_a_message_says_whose_it_is_and_what_to_read(read):
    incident = an_incident(Cause.UNIT, "temp")
    who = responsible_for(incident, owners(read()))
    news = News(kind=Kind.OPENED, about="i", severity=Severity.WARNING, incident=incident, first=True, responsible=who)
    message = composed("demand", [news], NOW)
    assert "  Owner: weather team (source: met office)\n  Runbook: https://wiki.example.com/units\n" in message.text
    assert "- Runbook: <https://wiki.example.com/units>" in message.markdown


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[temp, hum]", "[tmp]", "owners: weather team: 'tmp' is no feature; did you mean 'temp'?; there are temp"),
        ("  unit:", "  units:", "runbooks: 'units' is no cause; did you mean 'unit'?"),
    ],
)
def test_what_there_is_not_is_refused_with_the_nearest(read, old, new, said):
    with pytest.raises(InvalidInput, match=said.replace("?", r"\?")):
        check_owners(read(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("platform: {}", "platform: {features: [temp]}", "'temp' is owned by 'weather team' and by 'platform'"),
        ("platform: {}", "platform: {}\n  other: {}", "'all other features' is owned by 'platform' and by 'other'"),
        ("platform: {}", "platform: {runbok: x}", "unknown key 'runbok'; did you mean 'runbook'?"),
        ("https://wiki.example.com/units", "javascript:alert(1)", "is no link"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(read, old, new, said):
    with pytest.raises(InvalidInput, match=said.replace("?", r"\?")):
        read(old, new)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wiki",
        "https://",
        "file:///etc/passwd",
        "https://a b",
        'https://a/"x',
        "https://[",
        1,
        "https://a/" + "x" * 200,
    ],
)
def test_what_is_no_link_is_refused(text):
    with pytest.raises(ValueError, match="is no link"):
        link(text)


def test_a_link_holds_no_password():
    with pytest.raises(ValueError, match="leave the password out"):
        link("https://ann:secret@example.com/")
