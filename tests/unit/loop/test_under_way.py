"""How far a training is, in words and for programs."""

from datetime import UTC, datetime, timedelta

import pytest

from setpoint.loop.verbs.under_way import in_words, progress_view
from setpoint.ports import Progress

THEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("progress", "after_s", "said"),
    [
        (Progress(started=THEN, heard=THEN, words="epoch 3", done=0.4), 5, "40% done, epoch 3"),
        (Progress(started=THEN, heard=THEN, words="epoch 3", attempt=2), 5, "epoch 3, attempt 2"),
        (Progress(started=THEN, heard=THEN, words="epoch 3"), 180, "epoch 3, silent for 3 min"),
        (Progress(started=THEN, heard=THEN, done=0.4), 5, "40% done"),
    ],
)
def test_a_training_says_how_far_it_is_and_that_it_is_silent(progress: Progress, after_s: int, said: str) -> None:
    now = THEN + timedelta(seconds=after_s)
    assert in_words(progress, now) == said
    view = progress_view(progress, now)
    assert (view["said"], view["silent_s"], view["done"]) == (said, after_s, progress.done)
