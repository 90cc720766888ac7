"""What people are told, turn by turn."""

from datetime import timedelta

import pytest

from setpoint.domain import canary
from setpoint.domain.audited import Audit, Unanswered
from setpoint.domain.course import Course, Step
from setpoint.domain.event import Event, What
from setpoint.domain.evidence import Terms
from setpoint.domain.fleet import Decided, Deployment, Failing
from setpoint.domain.incident import IncidentStatus, Remedy
from setpoint.domain.notice import Alerts, Quiet, Severity, Silence, Telling
from setpoint.domain.value import from_json, replace, to_json
from setpoint.loop.telling.notices import noticed

MINUTE = timedelta(minutes=1)


@pytest.fixture
def turns(made):
    """Return a function: a turn with these incidents, after the turns before; returns what is told in it."""

    class Turns:
        def __init__(self):
            self.deployment, self.now = made.deployment(), made.now

        def __call__(self, *incidents, after=MINUTE, channels=("ops",), **changes):
            self.now += after
            self.deployment = replace(self.deployment, incidents=incidents or self.deployment.incidents, **changes)
            before = len(self.deployment.telling.outbox)
            self.deployment = noticed(self.deployment, channels, self.now)
            return [d.message for d in self.deployment.telling.outbox[before:]]

    return Turns()


def in_state(incident, status, *said, **changes):
    told = tuple(Event(at=incident.opened, what=What.NOTED, said=line) for line in said)
    return replace(incident, status=status, timeline=(*incident.timeline, *told), **changes)


def test_an_incident_is_told_once(turns, made):
    (message,) = turns(made.incident())
    assert message.title == "[warning] demand: drift_location of temp"
    assert not turns()


def test_what_opens_in_one_turn_is_one_message_with_what_matters_first(turns, made):
    drift = made.incident(id="a")
    errors = made.incident(id="b", subject="service", findings=(made.finding(monitor="service", metric="error_rate"),))
    (message,) = turns(drift, errors)
    assert message.severity is Severity.CRITICAL
    assert message.title.startswith("[critical] demand: error_rate")
    assert message.title.endswith("and 1 more")
    assert message.text.index("Incident: b") < message.text.index("Incident: a")


def test_a_budget_that_burns_fast_is_named_before_one_that_burns_slowly(turns, made):
    fast, slow = (
        made.finding(monitor="service", metric=f"availability_{kind}", kind=kind, value=value, column=None)
        for kind, value in (("fast_burn", 1.1), ("slow_burn", 90.0))
    )
    (message,) = turns(made.incident(subject="service", findings=(fast, slow)))
    assert message.title == "[critical] demand: fast burn"


def silent(times, now):
    return Unanswered(
        function="features.py:fetch",
        since=now,
        at=now,
        times=times,
        why="the source knows none of 12 records, 'a-1' for example",
    )


def test_a_source_that_stays_silent_is_told_once_with_what_to_do_and_again_when_it_fell_silent_again(turns, made):
    audit = Audit(function="features.py:fetch", rows_per_day=24)
    assert not turns(audit=audit, unanswered=silent(2, made.now))
    (message,) = turns(unanswered=silent(3, made.now))
    assert message.title == "[not audited] demand: the source of the inputs does not answer"
    assert "knows none of 12 records, 'a-1' for example" in message.text
    assert message.text.endswith("Next: setpoint audit demand")
    assert not turns(unanswered=silent(4, made.now))
    assert not turns(unanswered=None)
    assert turns(unanswered=silent(3, made.now))


def test_looks_that_fail_for_minutes_are_told_once_at_any_hour_and_again_after_a_good_one(turns, made):
    def blind(times, minutes):
        return Failing(since=made.now, at=made.now + minutes * MINUTE, times=times, why="the log is away")

    turns.deployment = replace(turns.deployment, alerts=Alerts(at_least=Severity.CRITICAL))
    assert not turns(blind=blind(2, 60))
    assert not turns(blind=blind(8, 4))
    (message,) = turns(blind=blind(10, 5))
    assert (message.title, message.severity) == ("[cannot look] demand: nobody watches it", Severity.CRITICAL)
    assert "the last 10 looks failed, since 2024-06-01 00:00 UTC" in message.text
    assert not turns(blind=blind(11, 6))
    assert not turns(blind=None)
    assert turns(blind=blind(10, 5))


def test_deletions_that_fail_are_told_once(turns, made):
    kept = Failing(since=made.now, at=made.now + 5 * MINUTE, times=3, why="the disk is read-only")
    (message,) = turns(undeleted=kept)
    assert message.title == "[cannot delete] demand: records are kept for longer than they may be"
    assert "tried 3 times since 2024-06-01 00:00 UTC" in message.text
    assert not turns(undeleted=kept)


def test_who_wants_only_what_is_critical_is_told_of_no_silent_source(turns, made):
    turns.deployment = replace(turns.deployment, alerts=Alerts(at_least=Severity.CRITICAL))
    assert not turns(audit=Audit(function="features.py:fetch", rows_per_day=24), unanswered=silent(3, made.now))


def test_each_channel_gets_its_own_delivery(turns, made):
    turns(made.incident(), channels=("ops", "mail"))
    assert [d.channel for d in turns.deployment.telling.outbox] == ["ops", "mail"]


def test_nobody_is_told_where_there_is_no_channel_and_all_is_told_when_one_comes(turns, made):
    assert not turns(made.incident(), channels=())
    assert turns()


def test_a_remedy_is_an_update_and_recovery_is_told_once(turns, made):
    incident = made.incident(made.repair())
    turns(incident)
    mending = in_state(incident, IncidentStatus.MENDING, "12:00 inverse_map by setpoint", acted_by="setpoint")
    (update,) = turns(mending)
    assert "Done: 2024-06-01 00:00 12:00 inverse_map by setpoint" in update.text
    over = in_state(mending, IncidentStatus.CLOSED, "13:00 lift inverse_map", closed=turns.now)
    (recovered,) = turns(over)
    assert recovered.title == "[recovered] demand: drift_location of temp"
    assert recovered.severity is None
    assert not turns()
    assert turns.deployment.telling.told == ()


def test_nobody_hears_of_the_end_of_what_they_never_heard_of(turns, made):
    assert not turns(made.incident(status=IncidentStatus.CLOSED, closed=turns.now))


def test_what_came_and_went_within_a_turn_is_told_as_over(turns, made):
    turns()
    over = made.incident(status=IncidentStatus.CLOSED, opened=made.now + 2 * MINUTE, closed=made.now + 2 * MINUTE)
    (message,) = turns(over)
    assert message.title.startswith("[recovered]")
    assert "What: temp: drift_location 3" in message.text
    assert not turns()


def test_what_waits_for_a_person_says_how_to_allow_it(turns, made):
    waiting = made.incident(made.repair(Remedy.ROLLBACK), status=IncidentStatus.WAITING)
    (message,) = turns(waiting)
    assert message.title.startswith("[needs you] demand")
    assert "Next: setpoint repair approve demand-temp" in message.text
    assert "rollback needs your approval: MAE 20 → 1" in message.text


def test_an_open_incident_is_told_again_until_somebody_knows_of_it(turns, made):
    incident = made.incident()
    turns(incident)
    assert not turns(after=timedelta(hours=3))
    (reminder,) = turns(after=timedelta(hours=1))
    assert reminder.title.startswith("[still open]")
    assert "setpoint incidents ack demand-temp" in reminder.text
    assert not turns(after=timedelta(hours=1))
    assert not turns(replace(incident, acknowledged_by="ann"), after=timedelta(days=3))


def test_what_is_recovered_under_a_remedy_is_not_told_again(turns, made):
    held = made.incident(made.repair(), status=IncidentStatus.HELD)
    turns(held)
    assert not turns(after=timedelta(days=3))


def test_harm_that_joins_is_told_as_worse(turns, made):
    incident = made.incident()
    turns(incident)
    harmed = replace(
        incident, findings=(*incident.findings, made.finding(monitor="quality", metric="mae", column=None))
    )
    (worse,) = turns(harmed)
    assert worse.title.startswith("[critical] demand")
    assert "Harm: mae 3" in worse.text


def test_a_slow_burn_of_the_budget_can_wait_for_the_morning(turns, made):
    burn = made.finding(monitor="service", metric="availability", column=None, kind="slow_burn")
    (message,) = turns(made.incident(subject="service", findings=(burn,)))
    assert message.severity is Severity.WARNING


def test_only_what_is_critical_is_told_where_that_was_asked(turns, made):
    turns.deployment = replace(turns.deployment, alerts=Alerts(at_least=Severity.CRITICAL))
    assert not turns(made.incident())
    assert turns(made.incident(findings=(made.finding(monitor="quality"),)))


def test_what_waits_for_a_person_is_told_even_so_and_how_it_went_on(turns, made):
    turns.deployment = replace(turns.deployment, alerts=Alerts(at_least=Severity.CRITICAL))
    waiting = made.incident(made.repair(Remedy.ROLLBACK), status=IncidentStatus.WAITING)
    assert turns(waiting)
    (message,) = turns(in_state(waiting, IncidentStatus.CLOSED, "over", closed=turns.now))
    assert message.title.startswith("[recovered]")


def test_quiet_hours_hold_warnings_back_until_they_end(turns, made):
    turns.deployment = replace(turns.deployment, alerts=Alerts(quiet=Quiet(start_min=22 * 60, end_min=7 * 60)))
    assert not turns(made.incident())  # at one minute past midnight
    assert turns(after=timedelta(hours=7))


@pytest.mark.parametrize(
    ("start", "end", "zone", "quiet"),
    [(0, 60, "UTC", True), (1, 60, "UTC", False), (60, 0, "UTC", False), (1380, 60, "UTC", True),
     (90, 150, "Europe/Berlin", True), (0, 60, "Europe/Berlin", False)],
)  # fmt: skip
def test_quiet_hours_go_over_midnight_in_their_own_zone(start, end, zone, quiet, made):
    assert Quiet(start_min=start, end_min=end, zone=zone).holds(made.now) is quiet


def silence(now, column=None, hours=4):
    return Silence(id="s", since=now, until=now + timedelta(hours=hours), by="ann", column=column)


@pytest.mark.parametrize(("column", "told"), [(None, False), ("temp", False), ("hum", True)])
def test_a_silenced_incident_is_not_told(column, told, turns, made):
    turns.deployment = replace(turns.deployment, telling=Telling(silences=(silence(made.now, column),)))
    assert bool(turns(made.incident())) is told


def test_what_is_still_open_when_a_silence_ends_is_told(turns, made):
    turns.deployment = replace(turns.deployment, telling=Telling(silences=(silence(made.now),)))
    assert not turns(made.incident())
    (message,) = turns(after=timedelta(hours=4))
    assert message.title.startswith("[warning]")


def test_an_end_within_a_silence_is_told_after_it(turns, made):
    turns(made.incident())
    quiet = replace(turns.deployment.telling, silences=(silence(turns.now),))
    over = made.incident(status=IncidentStatus.CLOSED, closed=turns.now)
    assert not turns(over, telling=quiet)
    (message,) = turns(after=timedelta(hours=4))
    assert message.title.startswith("[recovered]")


def test_how_a_training_ended_is_told_of_the_incident_that_asked_for_it(turns, made):
    incident = made.incident(
        made.repair(Remedy.RETRAIN), subject="quality", findings=(made.finding(monitor="quality"),)
    )
    turns(incident)
    ended = Decided(at=turns.now + MINUTE, cause="concept", subject="v2", action="reject", why="not surely better")
    (update,) = turns(decisions=(ended,), after=2 * MINUTE)
    assert "reject v2: not surely better" in update.text
    assert not turns()


def test_a_proven_candidate_that_waits_is_told_once(turns, made):
    asked = Decided(at=turns.now, cause="concept", subject="v2", action="ask", why="better by 1")
    (message,) = turns(rollouts=(made.rollout(),), decisions=(asked,))
    assert message.title == "[needs you] demand: v2 waits for approval"
    assert "setpoint repair approve v2 --model demand" in message.text
    assert not turns()


def test_a_rollout_by_steps_is_told_of_while_it_waits_for_a_person(turns, made):
    asked = Decided(at=turns.now, cause="", subject="v2", action="ask", why="cannot be judged")
    course, candidate = Course(steps=(Step(share=0.1),)), made.rollout().candidate
    rollout = canary.begun(candidate, course, Terms(), by="ann", now=turns.now)
    assert not turns(rollouts=(rollout,), decisions=(asked,))
    (message,) = turns(rollouts=(canary.asking(rollout, "cannot be judged"),), decisions=(asked,))
    assert message.title == "[needs you] demand: v2 waits for approval"


def test_a_turn_that_was_lost_is_told_in_the_next(turns, made):
    """Nothing is told but by what is stored with it."""
    before = replace(turns.deployment, incidents=(made.incident(),))
    first, again = (noticed(before, ("ops",), turns.now + k * MINUTE) for k in (1, 2))
    assert first.telling.outbox[0].message.title == again.telling.outbox[0].message.title


def test_names_that_callers_choose_are_shown_as_they_are_in_markdown(turns, made):
    (message,) = turns(made.incident(subject="<!channel>", findings=(made.finding(column="*_[x](y)"),)))
    assert r"\*\_\[x\](y)" in message.markdown
    assert "*_[x](y)" in message.text


def test_a_name_with_breaks_begins_no_line_of_a_message(turns, made):
    name = "temp\n\n# All is well\n- Next: `rm`"
    (message,) = turns(made.incident(findings=(made.finding(column=name, detail=f"where {name}"),)))
    assert "\n" not in message.title
    lines = [*message.text.splitlines(), *message.markdown.splitlines()]
    assert not any(line.startswith(("# All", "- Next: `rm`")) for line in lines)


def test_a_deployment_stored_before_there_were_alerts_is_read(made):
    stored = from_json(to_json(made.deployment()), dict)
    del stored["telling"], stored["alerts"]
    assert from_json(to_json(stored), Deployment) == made.deployment()


def a_failed_training(made, action="training failed"):
    return Decided(at=made.now, cause="concept", subject="quality", action=action, why="the target has one value only")


def test_a_training_that_failed_is_told_once_for_all_that_fail_in_a_row(turns, made):
    failed, judged = a_failed_training(made), a_failed_training(made, "reject")
    (message,) = turns(decisions=(failed,))
    assert message.title == "[training failed] demand: the champion stays"
    assert "Why: the target has one value only" in message.text
    assert not turns(decisions=(failed, failed))
    assert not turns(decisions=(failed, failed, judged))
    assert turns(decisions=(failed, failed, judged, failed))
