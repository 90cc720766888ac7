"""Whatever is seen, found and judged: the loop stays inside its envelope, its books are straight, it comes to rest."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.domain.envelope import Envelope, Kind, PromoteBounds, RetrainBounds
from setpoint.domain.fleet import Deployment, Training
from setpoint.domain.incident import Cause, Hypothesis, IncidentStatus, Remedy
from setpoint.domain.live import Live
from setpoint.domain.mending import MENDED, MOST
from setpoint.domain.notice import Quiet
from setpoint.domain.rollout import Candidate, Decision, Phase, Rollout, advance, refitted, withdraw
from setpoint.domain.update import Method
from setpoint.domain.value import replace
from setpoint.errors import Conflict
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.changes import decided, find_incident, find_rollout, with_incident, with_rollout
from setpoint.loop.history import training as training_of
from setpoint.loop.moves import in_shadow
from setpoint.loop.plan import plan
from setpoint.loop.replay import RecordedPlatform
from setpoint.loop.tick import MOST_ACTIONS
from setpoint.loop.verbs.inside import checked
from setpoint.loop.verbs.personal import given_back, refused, taken_over
from setpoint.maintain import stand_in
from setpoint.maintain.recovery import due
from setpoint.maintain.triage import triage
from setpoint.ports import FitResult

REMEDIES = {
    Cause.UNIT: Remedy.INVERSE_MAP,
    Cause.SWAPPED: Remedy.SWAP_BACK,
    Cause.FROZEN: Remedy.IMPUTE,
    Cause.RELEASE: Remedy.ROLLBACK,
    Cause.CRASH: Remedy.RESTART,
    Cause.CONCEPT: Remedy.RETRAIN,
    Cause.COVARIATE: Remedy.WAIT,
    Cause.UNKNOWN: None,
}
SAYING = {"refuse": refused, "take": taken_over, "give back": given_back}
names = st.sampled_from(sorted(set(Kind) - {Kind.SHARE}))
envelopes = st.builds(
    Envelope,
    automatic=st.just(Envelope().automatic) | st.lists(names, unique=True, min_size=2).map(tuple),
    ask=st.just(()) | st.lists(names, unique=True).map(tuple),
    max_actions_per_day=st.sampled_from([0, 1, 2, 4, 6, 6]),
    hours=st.none() | st.builds(Quiet, start_min=st.sampled_from([0, 60]), end_min=st.just(1_439)),
    retrain=st.builds(
        RetrainBounds,
        most_per_week=st.none() | st.integers(0, 3),
        methods=st.none() | st.lists(st.sampled_from([Method.REFIT, Method.CONTINUE]), max_size=2).map(tuple),
    ),
    promote=st.builds(
        PromoteBounds,
        most_per_week=st.none() | st.integers(0, 3),
        worse_by=st.none() | st.just(0.0),
        gate_rows=st.sampled_from([0, 200, 201]),
        shadow_rows=st.sampled_from([0, 200, 201]),
        largest_step=st.sampled_from([0.5, 1.0]),
    ),
)
days = st.fixed_dictionaries(
    {
        "alarms": st.just([])
        | st.just([])
        | st.lists(st.sampled_from(["temp", "quality", "worker 1", "restart"]), unique=True),
        "off": st.sampled_from([True] * 4 + [False]),
        "loss": st.sampled_from([0.5, 1.0, 3.0, 40.0]),
        "scale": st.sampled_from([1.0, 1.8]),
        "cause": st.sampled_from(sorted(set(REMEDIES) - {Cause.CRASH})),
        "fit": st.sampled_from(["ends", "ends", "fails", "runs"]),
        "verdict": st.just(Decision.ACCEPT) | st.sampled_from(sorted(Decision)),
        "deploys": st.sampled_from([False] * 9 + [True]),
        "approves": st.booleans(),
        "person": st.sampled_from(["", "", "", "refuse", "take", "give back"]),
    }
)
calm = st.fixed_dictionaries(  # nothing but trainings, so that some come through
    {
        "alarms": st.just([]),
        "off": st.just(True),
        "loss": st.just(3.0),
        "scale": st.just(1.0),
        "cause": st.just(Cause.UNKNOWN),
        "fit": st.just("ends"),
        "verdict": st.just(Decision.ACCEPT),
        "deploys": st.just(False),
        "approves": st.just(False),
        "person": st.just(""),
    }
)
histories = st.lists(days, min_size=8, max_size=25) | st.lists(calm, min_size=20, max_size=20)


class Life:
    """The plan with the real effects; what would be measured (causes, gates, trainings) is drawn instead."""

    ahead = timedelta(0)  # by which the time of a deployment is later than that of the look after it

    def __init__(self, made: Any, envelope: Envelope) -> None:
        self.made, self.now, self.versions = made, made.now, 1
        self.ports: Any = SimpleNamespace(platform=RecordedPlatform())
        self.deployment: Deployment = made.deployment(envelope=envelope)
        self.ports.platform.apply(Live().having("demand", self.deployment.served))
        self.history = made.rows(made.now - 7 * made.day, made.now)

    def live_through(self, day: dict[str, Any]) -> None:
        before, self.now = self.now, self.now + day.get("passed", 1) * self.made.day
        recent = self.made.rows(before, self.now, loss=day["loss"], scale=day["scale"])
        self.history = self.made.joined(self.history.between(None, self.now), recent)
        if day["deploys"]:
            self.deploy()
        findings = [found(self.made, name, self.now) for name in day["alarms"]]
        fit = None
        if self.deployment.training is not None and day["fit"] != "runs":
            self.versions += day["fit"] == "ends"
            version = f"v{self.versions}" if day["fit"] == "ends" else None
            fit = FitResult(id=self.deployment.training.job, version=version, error="no luck")
        standings = self.made.mae_is_off() if day["off"] else ()
        look = self.made.look(
            self.now, self.history, recent=recent, findings=tuple(findings), standings=standings, fit=fit,
            champion=self.made.version(self.deployment.served.champion),
            unlearnt=self.history.between(self.deployment.last_fit, None).labelled,
        )  # fmt: skip
        self.deployment = self.noted(look, day)
        if day["approves"]:
            self.approve()
        self.say(day["person"])
        self.turn(look, day)

    def noted(self, look: Any, day: dict[str, Any]) -> Deployment:
        incidents = triage(self.deployment.incidents, look.findings, look.now, model="demand", version="v1")
        deployment = replace(self.deployment, incidents=incidents, findings=look.findings, standings=look.standings)
        rollout = in_shadow(deployment)
        if rollout is None:
            return deployment
        return with_rollout(deployment, replace(rollout, shadow=self.made.verdict(day["verdict"])))

    def turn(self, look: Any, day: dict[str, Any]) -> None:
        for _ in range(MOST_ACTIONS):
            action = plan(self.deployment, look)
            if action is None:
                break
            before, self.deployment = self.deployment, self.done(action, look, day)
            self.check(action, before)
        else:
            pytest.fail(f"it did not come to rest: {action}")
        self.deployment = replace(self.deployment, looked=self.now)

    def done(self, action: Any, look: Any, day: dict[str, Any]) -> Deployment:
        """Do what was decided; what takes a model to measure is drawn."""
        d = self.deployment
        match action:
            case do.Investigate():
                incident = find_incident(d, action.incident)
                cause = Cause.CRASH if incident.subject.startswith("worker") else Cause(day["cause"])
                remedy = REMEDIES[cause]
                repair = None if remedy is None else self.made.repair(remedy)
                if repair is not None and repair.to_version is not None:
                    replaced = d.releases[-1].replaced
                    repair = replace(repair, to_version=replaced) if replaced else None
                causes = (Hypothesis(cause=cause, weight=0.9, subject=incident.subject, evidence=("drawn",)),)
                return with_incident(d, replace(incident, causes=causes, repair=repair, investigated=look.now))
            case do.StandIn():  # none is worth a training
                return with_incident(d, replace(find_incident(d, action.incident), stand_in=stand_in.NONE))
            case do.Fit():
                training = Training(
                    job=action.job,
                    reason="",
                    by=action.by,
                    holdout_since=action.plan.holdout_since,
                    until=look.now,
                    submitted=False,
                )
                d = replace(d, training=training, last_fit=look.now)
                facts = training_of(action.plan, d, look.champion, look.now).facts
                return decided(d, look.now, "concept", "quality", "fit", "", action.by, facts=facts)
            case do.Submit():
                return replace(d, training=replace(d.training, submitted=True))
            case do.Gate():
                d = replace(d, training=None)
                if look.fit.version is None:
                    return d
                candidate = Candidate(version=look.fit.version, champion=d.served.champion, reason="", created=look.now)
                rollout = advance(Rollout(candidate=candidate), self.made.verdict(day["verdict"]), look.now)
                d = with_rollout(d, rollout)
                if rollout.phase is not Phase.REFIT:
                    return d
                again = Training(job="j", reason="", by="setpoint", holdout_since=look.now, until=look.now,
                                 submitted=False, repeats=look.fit.version)  # fmt: skip
                return replace(d, training=again)
            case do.GateAgain():
                return with_rollout(d, withdraw(find_rollout(d, action.version), look.now))
            case do.Shadow():
                proven = find_rollout(d, d.training.repeats)
                d = replace(d, training=None)
                if look.fit.version is None or not proven.running:
                    return with_rollout(d, withdraw(proven, look.now)) if proven.running else d
                rollout = refitted(proven, look.fit.version, until=look.now, seconds=1.0, now=look.now)
                others = tuple(r for r in d.rollouts if r.candidate.version != proven.candidate.version)
                d = replace(d, rollouts=(*others, rollout))
                return replace(d, served=replace(d.served, shadow=look.fit.version))
            case do.Receipt():
                return with_rollout(d, replace(find_rollout(d, action.version), receipt=self.made.receipt()))
            case _:
                return act(action, self.ports, d, look)

    def overdue(self) -> list[str]:
        """Return the incidents whose repair is neither proven nor taken back in time, of those that are the loop's."""
        ours = [i for i in self.deployment.incidents if not i.handled_by]
        mending = [i for i in ours if i.status in MENDED and i.repair.remedy is not Remedy.HOLD]
        return [i.id for i in mending if i.repair.recovered is None and self.now > due(i.repair) + self.made.day]

    def deploy(self) -> None:
        """Do what a person may do at any time."""
        self.versions += 1
        d, version = self.deployment, f"v{self.versions}"
        at = self.now + self.ahead
        release = replace(d.releases[-1], version=version, at=at, by="bob", replaced=d.served.champion)
        d = replace(d, served=replace(d.served, champion=version, shadow=None), releases=(*d.releases, release))
        self.deployment = decided(d, self.now, "", version, "release", "deployed", "bob")

    def approve(self) -> None:
        waiting = [i for i in self.deployment.incidents if i.status is IncidentStatus.WAITING]
        if waiting:
            self.deployment = with_incident(self.deployment, replace(waiting[0], approved_by="ann"))

    def say(self, what: str) -> None:
        """Refuse, take over or give back the first incident of which that can be said."""
        for incident in self.deployment.incidents if what else ():
            try:
                self.deployment = SAYING[what](self.deployment, incident.id, self.now, "ann")
                return
            except Conflict:
                continue

    def check_persons(self, action: Any, before: Deployment) -> None:
        """See that the loop leaves alone what a person took over, and does not what a person refused."""
        if isinstance(action, do.Mend | do.Ask | do.Hold | do.Undo):
            incident = find_incident(before, action.incident)
            assert not incident.handled_by
            assert isinstance(action, do.Hold | do.Undo) or incident.refusal is None
        if isinstance(action, do.Fit):
            assert not any(i.live and i.handled_by and i.subject == "quality" for i in before.incidents)

    def check(self, action: Any, before: Deployment) -> None:
        self.check_persons(action, before)
        d, envelope = self.deployment, self.deployment.envelope
        remedy = {do.Fit: "retrain", do.Promote: "promote"}.get(type(action))
        if isinstance(action, do.Mend):
            remedy = action.repair.remedy
        if remedy is not None and action.by == "setpoint":
            assert remedy in envelope.automatic
            assert remedy not in envelope.ask
        ours = [x for x in d.decisions if x.action in ("mend", "fit", "promote") and x.by == "setpoint"]
        today = [x for x in ours if x.at > self.now - self.made.day]
        assert len(today) <= envelope.max_actions_per_day
        assert d.served.champion == d.releases[-1].version
        assert sum(r.running for r in d.rollouts) <= 1
        for incident in d.incidents:
            put = [t.repair.key for t in incident.tried]
            put += [incident.repair.key] if incident.repair and incident.repair.in_force else []
            assert len(put) == len(set(put)) <= MOST  # no remedy twice
        held = {i.repair.map.id for i in d.incidents if i.repair and i.repair.map and i.repair.applied
                and i.repair.lifted is None}  # fmt: skip
        assert {m.id for m in d.served.maps} <= held
        assert len(d.decisions) >= len(before.decisions)


def found(made: Any, name: str, now: datetime) -> Any:
    """Return what a monitor would say about it now."""
    if name == "temp":
        return made.finding(now)
    if name == "quality":
        return made.finding(now, monitor="quality", metric="mae", column=None)
    metric = "restart" if name == "restart" else "crash"
    return made.finding(now, monitor="process", metric=metric, column=None, detail="worker 1: seen",
                        alarm=metric == "crash")  # fmt: skip


@settings(max_examples=60)
@given(envelope=envelopes, happens=histories)
def test_the_loop_stays_inside_its_envelope_and_comes_to_rest(made: Any, envelope: Any, happens: Any) -> None:
    life = Life(made, envelope)
    for day in happens:
        life.live_through(day)
    found = checked(life.deployment)
    assert (found.outside, found.loose, found.unproven) == ((), (), ())
    assert not life.overdue()  # what is in place helped, or was taken back


class Unordered(Life):
    """A life whose looks and deployments come at any times: a clock was set back. Its books may not be exact."""

    ahead = timedelta(days=3)

    def check(self, action: Any, before: Deployment) -> None:
        """See nothing but that it comes to rest."""


unordered = st.lists(
    st.builds(lambda day, passed: {**day, "passed": passed}, days, st.sampled_from([1, 1, 1, 0, 0.01, -1, -5])),
    min_size=5,
    max_size=15,
)


@settings(max_examples=60)
@given(happens=unordered)
def test_the_plan_comes_to_rest_whatever_the_order_of_times(made: Any, happens: Any) -> None:
    life = Unordered(made, Envelope())
    for day in happens:
        life.live_through(day)
