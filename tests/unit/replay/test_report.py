"""The report of a replay: whole in one file, the answer first, and not to be fooled by names."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

from setpoint.cli.replaying.race import replay_view
from setpoint.config import SetpointFile, check_setpoint_text
from setpoint.loop.replay.race import raced
from setpoint.loop.replay.report.buckets import period_of, saved, stretches_of
from setpoint.loop.replay.report.page import page_of
from setpoint.loop.replay.run import Ran
from setpoint.loop.replay.verdict import Answer

HOSTILE = "</title></text><script>alert('x')</script><img src=http://evil.example/x>\"'&"


class Tags(HTMLParser):
    """Collects the tags that load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [f"{tag} {value}" for name, value in attrs if name in ("src", "srcset", "data", "onerror")]
        self.loaded += [tag] * (tag in ("link", "img", "iframe", "object"))


def file(tmp_path: Path) -> SetpointFile:
    objectives = "objectives: [{metric: mae, at_most: 1}]"
    text = f"{{model: demand, task: regression, artifact: m, reference: r, target: y, {objectives}}}"
    return check_setpoint_text(text, tmp_path / "setpoint.yaml")


def test_the_answer_the_race_and_every_reason_are_on_one_page(ran: Callable[..., Ran], tmp_path: Path) -> None:
    ours = ran("setpoint", 9.0, (5, "fit", "mae is off"), (9, "promote", HOSTILE), thought="wait: for 90 rows")
    replayed = raced({"setpoint": ours, "never": ran("never", 10.0)}, file(tmp_path))
    assert replayed.verdict is not None
    assert replayed.verdict.answer is Answer.YES
    assert replayed.policies["setpoint"].at_set_point == 29 / 40
    page = page_of(replayed, HOSTILE)
    tags = Tags()
    tags.feed(page)
    assert tags.loaded == []
    assert page.count("<script>") == 1
    assert "Yes: switch it on" in page
    assert "mae is off" in page
    assert "wait: for 90 rows" in page
    assert not re.search(r"url\(|@import|https?://", page.replace("http://evil.example", ""))


def test_the_page_says_of_each_policy_whether_it_stayed_inside_its_envelope(
    ran: Callable[..., Ran], tmp_path: Path
) -> None:
    """Seven trainings on a day are one more than the envelope of the courses allows."""
    often = ran("setpoint", 9.0, *((5, "fit", "mae is off") for _ in range(7)))
    replayed = raced({"setpoint": often, "never": ran("never", 10.0)}, file(tmp_path))
    page = page_of(replayed, "demand")
    assert "<b>setpoint</b> left its envelope" in page
    assert "What left it (1)" in page
    assert "1 of 7 automatic changes" in page
    assert "<b>never</b> stayed inside its envelope" in page
    assert {name: found["holds"] for name, found in replay_view(replayed)["envelope"].items()} == {
        "setpoint": False,
        "never": True,
    }


def test_a_race_without_a_loop_has_no_answer_and_a_page(ran: Callable[..., Ran], tmp_path: Path) -> None:
    replayed = raced({"never": ran("never", 10.0)}, file(tmp_path))
    assert replayed.verdict is None
    assert "A replay of the model as it was" in page_of(replayed, "demand")


def test_stretches_keep_the_mean_and_the_rows(ran: Callable[..., Ran]) -> None:
    steps = ran("setpoint", 9.0).course.steps
    period = period_of(steps)
    assert period.days == 1
    weeks = stretches_of(steps, 7 * period)
    assert sum(w.rows for w in weeks) == 40 * 24
    mean = sum((w.loss or 0) * w.rows for w in weeks) / sum(w.rows for w in weeks)
    assert abs(mean - sum(s.loss or 0 for s in steps) / 40) < 1e-9
    assert saved(steps, steps)[-1][1] == 0
