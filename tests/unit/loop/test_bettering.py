"""A lost column: a version is fitted that does without it, and where it is surely better it answers meanwhile."""

from typing import Any

import pytest

from setpoint.domain.envelope import Envelope
from setpoint.domain.feature_map import FeatureMap, Instead
from setpoint.domain.fleet import Training
from setpoint.domain.incident import Cause, Hypothesis, IncidentStatus, Remedy, Repair
from setpoint.domain.value import replace, to_json
from setpoint.domain.within import Fallback, Within
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.bettering import next_better
from setpoint.loop.plan import plan
from setpoint.loop.taking import taken_back
from setpoint.ports import FitResult

WITHOUT = FeatureMap(id="i.without", feature="temp", instead=Instead(constant=15.0))
BETTER = Repair(
    id="i-stand-in", remedy=Remedy.FALLBACK, subject="temp", map=WITHOUT, cause=Cause.NULL, proof="MAE 9 → 2",
    fallback=Fallback(id="i.without.v2", version="v2", instead_of="v1", within=Within(feature="temp", missing=True)),
)  # fmt: skip


def imputed(made: Any, **changes: Any) -> Any:
    repair = replace(made.repair(Remedy.IMPUTE), cause=Cause.NULL, applied=made.now - made.hour)
    causes = (Hypothesis(cause=Cause.NULL, weight=1.0, subject="temp"),)
    return made.incident(repair, status=IncidentStatus.MENDING, **{"causes": causes, **changes})


def under(made: Any, incident: Any, **changes: Any) -> Any:
    before = made.deployment()
    served = replace(before.served, maps=(incident.repair.map,))
    return replace(before, incidents=(incident,), served=served, **changes)


def test_for_a_lost_column_a_version_is_fitted_where_that_is_automatic(made: Any) -> None:
    one, look = imputed(made), made.look()
    deployment = under(made, one, envelope=Envelope(automatic=("retrain", "fallback", "impute")))
    assert next_better(one, deployment, look) == do.StandIn(incident=one.id)
    for allowed in (("retrain",), ("fallback",)):
        assert next_better(one, replace(deployment, envelope=Envelope(automatic=allowed)), look) is None


def fitting(made: Any) -> Training:
    return Training(
        job="j",
        reason="",
        by="setpoint",
        holdout_since=made.now,
        until=made.now,
        without=WITHOUT,
        incident="demand-temp",
    )


def test_none_is_fitted_while_another_repair_sees_to_the_column(made: Any) -> None:
    one = imputed(made)
    other = replace(one, id="other", repair=None, status=IncidentStatus.OPEN)
    assert next_better(other, replace(under(made, one), incidents=(one, other)), made.look()) is None


def test_what_was_fitted_is_judged_when_it_is_there_and_is_no_candidate(made: Any) -> None:
    job = fitting(made)
    deployment = under(made, imputed(made, stand_in="none"), training=replace(job, submitted=False))
    assert plan(deployment, made.look()) == do.Submit()
    deployment = replace(deployment, training=job)
    assert plan(deployment, made.look()) is None
    assert plan(deployment, made.look(fit=FitResult(id="j", version="v2"))) == do.Offer()


def test_one_that_failed_leaves_the_repair_as_it_is(made: Any) -> None:
    job = fitting(made)
    deployment = under(made, imputed(made, stand_in="none"), training=job)
    after = act(do.Offer(), None, deployment, made.look(fit=FitResult(id="j", error="no rows")))
    assert (after.training, after.incidents, after.served) == (None, deployment.incidents, deployment.served)
    assert after.decisions[-1].action == "training failed"


@pytest.fixture
def bettered(made: Any) -> Any:
    """Before and after a stand-in took the place of an imputation."""
    one = imputed(made, stand_in="v2", better=BETTER)
    before = under(made, one)
    action = next_better(one, before, made.look())
    assert isinstance(action, do.Mend)
    return before, act(action, None, before, made.look())


def test_it_takes_the_place_of_the_repair_at_the_door(bettered: Any) -> None:
    _, after = bettered
    assert after.served.maps == (WITHOUT,)
    assert after.served.fallbacks == (BETTER.fallback,)
    assert after.served.champion == "v1"
    assert [t.repair.refuted for t in after.incidents[0].tried] == [False]


@pytest.mark.parametrize("helped", [True, False])
def test_taken_back_it_leaves_nothing_of_itself(made: Any, bettered: Any, helped: bool) -> None:
    before, after = bettered
    back = taken_back(after, "demand-temp", made.now + made.hour, "well", helped=helped)
    assert to_json(back.served) == to_json(replace(before.served, maps=()))


def test_with_another_champion_it_ends(made: Any, bettered: Any) -> None:
    _, after = bettered
    other = replace(after, served=replace(after.served, champion="v3", fallbacks=()))
    undo = plan(other, made.look())
    assert isinstance(undo, do.Undo)
    assert "v3 is champion now" in undo.why
