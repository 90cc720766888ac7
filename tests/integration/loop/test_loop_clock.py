"""A clock of its own: trainings come when it strikes, and less often when they bring nothing."""

from datetime import timedelta
from typing import Any

from setpoint.domain.update import Updates
from setpoint.update.schedule import next_training


def test_a_model_at_its_set_point_is_trained_by_the_clock_which_slows_down(world: Any) -> None:
    w = world(updates=Updates(every_s=timedelta(days=9).total_seconds()))
    w.until(8)
    assert not w.did("fit")
    w.until(11)
    (fit,) = w.did("fit")
    assert fit.why.startswith("due by `update: every`, 9d; no data fault is open; ")
    assert len(w.did("reject")) == 1  # the model was as good as can be
    assert next_training(w.deployment) - fit.at == timedelta(days=18)
