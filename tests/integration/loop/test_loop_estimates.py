"""Estimates over weeks of traffic: the ledger fills and is scored, and the one that errs is not believed."""

from typing import Any

from setpoint.domain.envelope import Envelope
from setpoint.domain.ledger import SCORES, TRACKED, past, pending, track
from setpoint.loop.verbs.views import status_view


def test_a_ledger_is_kept_from_look_to_look(world: Any) -> None:
    """At 24 rows a day a window takes five days; each is scored at the look after, when its labels are there.

    The reference of this world holds the rows that the model was trained on: the scores flatter, and lose their vote.
    """
    w = world()
    w.until(30)
    ledger = w.deployment.ledger
    entries = past(ledger, "mae", "v1")
    assert [e.rows for e in ledger.entries] == [120] * 5 + [119]  # the last row's outcome came after the last look
    assert len(pending(ledger)) == 1
    assert track(entries, SCORES).withdrawn
    assert track(entries, TRACKED).error < track(entries, SCORES).error
    (objective,) = status_view([w.deployment])["deployments"][0]["objectives"]
    assert objective["estimate"]["windows"] == 5
    assert objective["estimate"]["estimator"] == TRACKED
    assert abs(objective["estimate"]["value"] - objective["value"]) < 1.5


def test_under_a_concept_change_the_scores_promise_what_they_always_did(world: Any, another_demand: Any) -> None:
    """What was estimated starts nothing: the training's reason is the realised quality."""
    w = world(another_demand, Envelope(automatic=("retrain",)))
    w.until(21)
    changed = past(w.deployment.ledger, "mae", "v1")[-1]
    assert changed.realised is not None
    assert changed.realised.value > 5 * changed.estimates[SCORES].value
    assert not any(f.monitor == "estimate" and f.alarm for i in w.deployment.incidents for f in i.findings)
    assert w.did("fit")
    assert not any("estimate" in d.why for d in w.did("fit"))
