"""What a candidate's shadow is judged by."""

import numpy as np

from setpoint.domain.rollout import Decision
from setpoint.domain.value import replace
from setpoint.loop.learning.candidates import judge_rollout
from setpoint.loop.moves import in_shadow, served_since


def judged(made, late, served):
    """Judge a shadow that answers what was asked from some hours after it was decided on; all is labelled."""
    since = made.now - 4 * made.day
    history = made.rows(made.now - 60 * made.day, made.now)
    answers = history.between(since + late * made.hour, None)
    shadow = replace(answers, version=np.full(len(answers), "v2", object), score=answers.truth + 0.01)
    rollout = made.rollout(shadow_since=since, shadow_served=served and since + served * made.hour)
    deployment = made.deployment(rollouts=(rollout,), looked=made.now)
    return judge_rollout(rollout, deployment, made.look(history=history, shadow=shadow))


def test_what_was_asked_before_the_workers_had_the_shadow_is_no_failure_of_it(made):
    assert judged(made, late=5, served=None).checks == ("failed to answer 5 of 96 requests",)
    assert judged(made, late=5, served=5).decision is Decision.ACCEPT


def test_a_shadow_that_answers_nothing_goes_back(made):
    assert judged(made, late=90, served=1).decision is Decision.REJECT


def test_the_time_at_which_the_workers_have_the_shadow_is_kept_as_it_was_first_seen(made):
    first = served_since(made.deployment(rollouts=(made.rollout(),)), made.now)
    again = served_since(first, made.now + made.hour)
    assert in_shadow(first).shadow_served == in_shadow(again).shadow_served == made.now
