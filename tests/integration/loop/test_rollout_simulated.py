"""Random histories on simulated traffic: inside the envelope, and worse versions promoted as rarely as the budget says.

A thousand of them: `bench/rollout/histories.py`.
"""

from pathlib import Path
from typing import Any

import pytest

from setpoint.domain.evidence import Judged, Says
from setpoint.loop.looks import exposure
from tests.rollouts import ALPHA, lived, prepared


def test_histories_stay_inside_and_promote_no_more_that_is_worse_than_the_budget_allows(tmp_path: Path) -> None:
    told = lived(prepared(tmp_path), range(40))
    assert (told.breached, told.frozen) == (0, 0)
    assert told.worse <= ALPHA * told.histories
    assert told.promoted > 20  # so that there was something to be wrong about
    assert told.worse_back > 0.7 * told.truly_worse > 30
    assert told.equal_back <= ALPHA * told.equal


def test_a_judge_that_looks_at_nothing_promotes_what_is_worse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dummy: the same histories, and everything passes."""

    def anything(evidence: Any, *args: Any, **rest: Any) -> tuple[Any, Judged]:
        return evidence, Judged(says=Says.PROMOTE, reason="held", words="why not")

    monkeypatch.setattr(exposure, "judge", anything)
    told = lived(prepared(tmp_path), range(6))
    assert told.worse >= 4
    assert told.breached == 0
