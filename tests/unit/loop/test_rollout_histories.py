"""A thousand random histories: the loop, what the evidence says, and people who do anything at any time."""

import random
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from setpoint.domain import canary
from setpoint.domain.course import Course, Rolling, Step
from setpoint.domain.envelope import Envelope, PromoteBounds
from setpoint.domain.evidence import Judged, Says, Terms
from setpoint.domain.fleet import Deployment
from setpoint.domain.freeze import Freeze, frozen
from setpoint.domain.live import sharing
from setpoint.domain.notice import Quiet
from setpoint.domain.rollout import Candidate, Phase, Rollout
from setpoint.domain.value import replace
from setpoint.errors import Conflict, InvalidInput
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.changes import decided, settle, with_rollout
from setpoint.loop.moves import check_not_moving, moved, on_its_way, stopped
from setpoint.loop.plan import plan
from setpoint.loop.releasing import released
from setpoint.loop.replay import RecordedPlatform
from setpoint.loop.setting_out import check_free, check_window, running
from setpoint.loop.tick import MOST_ACTIONS
from setpoint.loop.verbs.inside import checked

HISTORIES, EVENTS = 1_000, 14
COURSE = Course(steps=tuple(Step(share=s, least_s=3_600, least_requests=100) for s in (0.0, 0.1, 0.5)))
NIGHT = Freeze(start_min=22 * 60, end_min=4 * 24 * 60 + 60)  # most of the week
WORKING = Quiet(start_min=8 * 60, end_min=18 * 60)
MOVES = ("share", "shadow", "promote", "release", "back", "abort", "reject", "wait")


class History:
    """The plan with the real effects, and people's verbs; the evidence is drawn."""

    def __init__(self, made: Any, seed: int) -> None:
        self.made, self.draw, self.now, self.versions = made, random.Random(seed), made.now, 1
        envelope = Envelope(
            automatic=self.draw.choice([("promote",), ()]),
            max_actions_per_day=self.draw.choice([1, 9]),
            hours=self.draw.choice([None, None, WORKING]),
            promote=PromoteBounds(
                most_per_week=self.draw.choice([None, 1]), largest_step=self.draw.choice([0.4, 0.5, 1.0])
            ),
        )
        freezes = (NIGHT,) if self.draw.random() < 0.2 else ()
        schema = SimpleNamespace(schema=SimpleNamespace(names=("temp",)))
        self.ports: Any = SimpleNamespace(
            platform=RecordedPlatform(),
            state=SimpleNamespace(save=lambda deployment: None),
            bundles=SimpleNamespace(get=lambda model, version: schema),
        )
        deployment = made.deployment(envelope=envelope, rolling=Rolling(freezes=freezes), looked=self.now)
        self.deployment: Deployment = settle(self.ports, None, deployment)
        self.by_hand = False
        self.judged = dict[str, set[Says]]()

    def live_on(self) -> None:
        self.now += timedelta(hours=self.draw.choice([0.5, 2, 9]))
        event = self.draw.choices([*VERBS, "look"], [2, 1, 1, 1, 1, 1, 1, 12])[0]
        before = self.deployment
        if event == "look":
            self.look()
        else:
            try:
                self.becomes(VERBS[event](self, self.deployment))
            except (Conflict, InvalidInput):
                assert self.deployment is before
        self.check(before)

    def becomes(self, after: Deployment) -> None:
        self.deployment = settle(self.ports, self.deployment, after)

    def look(self) -> None:
        rollout = on_its_way(self.deployment)
        if rollout is not None and rollout.candidate.champion == self.deployment.served.champion:
            self.deployment = with_rollout(self.deployment, self.seen(rollout))
        look = self.made.look(self.now, self.made.rows(self.now, self.now))
        for _ in range(MOST_ACTIONS):
            action = plan(self.deployment, look)
            if action is None:
                return
            before = self.deployment
            self.becomes(act(action, self.ports, before, look))
            self.check_action(action, before)
        pytest.fail("it did not come to rest")

    def seen(self, rollout: Rollout) -> Rollout:
        moving, known = rollout.moving, self.judged.setdefault(rollout.candidate.version, set())
        assert moving is not None
        weights = [6, 3, 1, 1]
        says = (
            Says.BACK
            if Says.BACK in known
            else self.draw.choices([Says.WAIT, Says.PROMOTE, Says.ASK, Says.BACK], weights)[0]
        )
        known.add(says)
        judged = Judged(says=says, reason=self.draw.choice(["shares", "unjudged: quality"]), words=f"it says {says}")
        return replace(
            rollout, moving=replace(moving, judged=judged, requests=moving.requests + self.draw.choice([0, 200]))
        )

    def check_action(self, action: Any, before: Deployment) -> None:
        envelope, rollout = before.envelope, on_its_way(before)
        if isinstance(action, do.Step | do.Promote):
            assert rollout is not None
            moving = rollout.moving
            assert moving is not None
            assert not moving.paused_by
            assert not frozen(before.rolling.freezes, self.now)
            assert moving.judged is not None
            assert moving.judged.says is not Says.BACK
        if isinstance(action, do.Promote):
            assert self.judged[action.version]
            if action.by == "setpoint":
                assert "promote" in envelope.automatic
                assert moving.last
                assert moving.judged.says is Says.PROMOTE
            else:
                assert rollout.approved_by == action.by
        today = [d for d in self.deployment.decisions if d.action == "promote" and d.by == "setpoint"
                 and d.at > self.now - timedelta(days=1)]  # fmt: skip
        assert len(today) <= envelope.max_actions_per_day

    def check(self, before: Deployment) -> None:
        d = self.deployment
        assert self.ports.platform.live().models["demand"] == d.served
        under_way = [r for r in d.rollouts if r.running]
        assert len(under_way) <= 1
        owned: dict[str, float] = {}
        shadow = None
        for r in under_way:
            assert r.moving is not None
            assert r.phase is (Phase.CANARY if r.moving.step.share else Phase.SHADOW)
            shadow = r.candidate.version if r.phase is Phase.SHADOW else None
            owned = {r.candidate.version: r.moving.step.share} if r.phase is Phase.CANARY else {}
        assert d.served.shadow == shadow
        if owned:
            assert d.served.shares == owned
        elif d.served.shares:
            assert self.by_hand
        assert d.served.champion == d.releases[-1].version
        assert d.decisions[: len(before.decisions)] == before.decisions
        if d.served != before.served:
            assert any(x.action in MOVES for x in d.decisions[len(before.decisions) :])
        for r in d.rollouts:
            promoted = r.phase is Phase.PROMOTED
            assert not (promoted and Says.BACK in self.judged.get(r.candidate.version, set()))

    def version(self) -> str:
        self.versions += 1
        return f"v{self.versions}"


def begin(h: History, d: Deployment) -> Deployment:
    version = h.version()
    check_free(d, version)
    check_window(d, h.now)
    by = h.draw.choice(["ann", canary.LOOP])
    gate = h.made.verdict()
    candidate = Candidate(version=version, champion=d.served.champion, reason="", created=h.now, gate=gate)
    return moved(d, canary.begun(candidate, COURSE, Terms(), by=by, now=h.now), h.now, "it begins", by)


def change(how: Callable[[History, Rollout], Rollout]) -> Callable[[History, Deployment], Deployment]:
    def changed(h: History, d: Deployment) -> Deployment:
        rollout = on_its_way(d)
        if rollout is None:
            raise Conflict("none")
        return decided(with_rollout(d, how(h, rollout)), h.now, "", "", "said", "", "ann")

    return changed


def abort(h: History, d: Deployment) -> Deployment:
    rollout = running(d)
    if rollout is None:
        raise Conflict("none")
    return stopped(d, rollout, h.now, "ann")


def share(h: History, d: Deployment) -> Deployment:
    check_not_moving(d)
    part = h.draw.choice([0.0, 0.2])
    served = sharing(d.served, dict.fromkeys(d.served.shares, 0.0) if not part else {h.version(): part})
    h.by_hand = bool(served.shares)
    return decided(replace(d, served=served), h.now, "", "", "share", "", "bob")


def release(h: History, d: Deployment) -> Deployment:
    return released(h.ports.bundles, d, h.version(), h.now, "bob", "deployed")


VERBS: dict[str, Callable[[History, Deployment], Deployment]] = {
    "begin": begin,
    "pause": change(lambda h, r: canary.paused(r, h.now, by="ann")),
    "resume": change(lambda h, r: canary.resumed(r, h.now)),
    "abort": abort,
    "approve": change(lambda h, r: canary.approved(r, by="ann", fast=h.draw.random() < 0.3)),
    "share": share,
    "release": release,
}


def test_a_thousand_histories_stay_inside_and_promote_nothing_unproven(made: Any) -> None:
    ends = dict.fromkeys(Phase, 0)
    for seed in range(HISTORIES):
        history = History(made, seed)
        for _ in range(EVENTS):
            history.live_on()
        found = checked(history.deployment)
        assert (found.outside, found.loose) == ((), ())
        for rollout in history.deployment.rollouts:
            ends[rollout.phase] += 1
    assert min(ends[p] for p in (Phase.PROMOTED, Phase.REJECTED, Phase.ABORTED, Phase.CANARY, Phase.SHADOW)) > 20, ends
