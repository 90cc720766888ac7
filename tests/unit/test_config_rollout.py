"""The `rollout:` section of setpoint.yaml."""

from pathlib import Path

import pytest

from setpoint.domain.course import USUAL, Rolling, Step
from setpoint.domain.evidence import Margins
from setpoint.domain.freeze import Freeze
from setpoint.domain.slice import Only
from setpoint.loop.verbs.stated import rolling
from tests.unit.test_config import read, refusal

SECTION = """
rollout:
  steps: [0, {share: 1%, least: 6h}, 10%, {share: 0.5, requests: 9000}]
  least: 2h
  requests: 2000
  freeze: [fri 16:00 - mon 08:00]
  segment: {plant: [north, south], shift: [1]}
  callers: [10.0.0.7]
  alpha: 1%
  margins: {errors: 0.2%}
  better: quality
  most: 3d
objectives:"""


def test_a_course_and_its_terms_are_read_with_their_units(tmp_path: Path) -> None:
    assert rolling(read(tmp_path, ("objectives:", SECTION.strip()))) == Rolling(
        steps=(
            Step(share=0.0, least_s=7_200, least_requests=2_000),
            Step(share=0.01, least_s=21_600, least_requests=2_000),
            Step(share=0.1, least_s=7_200, least_requests=2_000),
            Step(share=0.5, least_s=7_200, least_requests=9_000),
        ),
        only=Only(segment={"plant": ("north", "south"), "shift": (1.0,)}, callers=("10.0.0.7",)),
        freezes=(Freeze(start_min=4 * 1440 + 960, end_min=480),),
        alpha=0.01,
        margins=Margins(errors=0.002),
        better="quality",
        most_s=3 * 86_400,
    )


def test_without_a_section_the_loop_has_no_steps_and_a_person_the_usual_ones(tmp_path: Path) -> None:
    found = rolling(read(tmp_path))
    assert found == Rolling()
    assert (found.steps, found.course().steps) == ((), USUAL)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{steps: [5%, 5%]}", "steps: 0.05, 0.05: each share must be larger than the one before; 0 is the shadow"),
        ("{steps: []}", "at least 1 item"),
        ("{steps: [100%]}", "less than 1"),
        ("{steps: [half]}", "'half' is no share"),
        ("{steps: [{share: 5%, last: 2h}]}", "unknown key 'last'; did you mean 'least'?"),
        ("{freeze: [friday]}", "'friday' is no freeze window; write fri 16:00 - mon 08:00"),
        ("{alpha: 0}", "greater than 0"),
        ("{margins: {latncy: 5%}}", "unknown key 'latncy'; did you mean 'latency'?"),
        ("{better: qualty}", "better: 'qualty'; did you mean 'quality'?; known: quality, value"),
        ("{better: value}", "better: value needs an objective with a `gain:`"),
        ("{segment: {plant: []}}", "at least 1 item"),
        ("{step: [5%]}", "unknown key 'step'; did you mean 'steps'?"),
    ],
)
def test_a_wrong_line_on_rollouts_is_named(tmp_path: Path, section: str, said: str) -> None:
    assert said in refusal(tmp_path, ("objectives:", f"rollout: {section}\nobjectives:"))
