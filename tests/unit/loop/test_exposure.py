"""What a look brings of a rollout: each request once when it is there, each row once when it is old enough."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from setpoint.deploy.package import BINNING_FILE
from setpoint.domain import canary
from setpoint.domain.course import Course, Step
from setpoint.domain.cuts import Counted, Cuts
from setpoint.domain.evidence import Frozen, Terms
from setpoint.domain.profile import Binning
from setpoint.domain.record import OVERDUE_US, InferenceRecord, Outcome, Role
from setpoint.domain.rollout import Candidate, Rollout
from setpoint.domain.slice import Only
from setpoint.domain.value import replace, to_json
from setpoint.loop.looks.exposure import LAG, Exposed, exposed, judged
from setpoint.loop.looks.listening import Silence
from setpoint.loop.looks.seen import CHANGEOVER, share_at
from setpoint.store.memory import MemoryRecordLog

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_rollout(*shares: float, only: Only | None = None, age_s: float = 0.0) -> Rollout:
    """One whose steps have begun a minute after one another, and is in the last of them."""
    course = Course(steps=tuple(Step(share=share) for share in shares), only=only)
    candidate = Candidate(version="v2", champion="v1", reason="", created=START)
    terms = Terms(frozen=Frozen(outcome_age_s=age_s, loss=1.0))
    rollout = canary.begun(candidate, course, terms, by="ann", now=START)
    for at in range(1, len(shares)):
        rollout = canary.stepped(rollout, START + at * MINUTE)
    return rollout


def test_the_share_of_a_time_is_that_of_its_step_and_unknown_while_it_changes() -> None:
    moving = a_rollout(0.0, 0.1, 0.5).moving
    assert moving is not None
    steps = np.array([START.replace(tzinfo=None) + at * MINUTE for at in range(3)], "datetime64[us]")
    second = np.timedelta64(1, "s")
    shares = share_at(moving, np.array([*(steps - second), *steps, *(steps + CHANGEOVER)]))
    assert np.array_equal(shares, [np.nan, 0.0, 0.1, 0.0, np.nan, np.nan, 0.0, 0.1, 0.5], equal_nan=True)


def test_until_the_workers_were_seen_to_follow_the_share_is_unknown() -> None:
    moving = a_rollout(0.0, 0.1, 0.5).moving
    assert moving is not None
    followed = canary.begun_to_serve(moving, START + 2 * MINUTE + timedelta(seconds=30))
    assert followed.served_s == (0.0, 0.0, 30.0)
    assert canary.begun_to_serve(followed, START + 3 * MINUTE) == followed
    step = np.datetime64(START.replace(tzinfo=None) + 2 * MINUTE, "us")
    seconds = np.array([0, 30_000_000, 31_999_999, 32_000_000], "timedelta64[us]")
    assert np.array_equal(share_at(followed, step + seconds), [np.nan, np.nan, np.nan, 0.5], equal_nan=True)


@pytest.fixture
def world(made: Any, tmp_path: Path) -> Any:
    """Return a function that records requests, and one that looks."""
    log = MemoryRecordLog()
    version = made.version
    binning = Binning(columns={n: Cuts(kind=Counted.NUMERIC, edges=(0.0,)) for n in ("temp", "hum", "prediction")})
    log.open_model("demand", version().schema, binning)
    (tmp_path / BINNING_FILE).write_bytes(to_json(binning))
    bundles = SimpleNamespace(get=lambda model, name: version(name), folder=lambda model, name: tmp_path)
    ports: Any = SimpleNamespace(log=log, bundles=bundles)

    def ask(id_: str, second: float, by: str, *, role: Role = Role.CHAMPION, **more: Any) -> None:
        at = int((START + timedelta(seconds=second)).timestamp() * 1e6)
        ids = more.pop("ids", [id_])
        status, n = more.pop("status", 200), len(ids)
        values: dict[str, Any] = {
            "inputs": {"temp": more.pop("temps", [more.pop("temp", 10.0)] * n), "hum": [1.0] * n},
            "outputs": {"prediction": [5.0] * n} if status == 200 else {},
            "caller": more.pop("caller", "a"),
            "violations": more.pop("violations", []),
        }
        log.append([InferenceRecord.named(
            request_id=id_, model="demand", version=by, role=role, arrived_us=at,
            latency_us=more.pop("latency_us", 2_000), status=status,
            ids=ids, times_us=[at] * n, **values,
        )])  # fmt: skip

    def tell(id_: str, value: float, known_s: float) -> None:
        known = int((START + timedelta(seconds=known_s)).timestamp() * 1e6)
        log.append_outcomes("demand", [Outcome(id=id_, value=value, known_us=known)])

    def look(rollout: Rollout, second: float) -> Exposed:
        log.ingest()
        now = START + timedelta(seconds=second) + LAG  # what was asked by that second is recorded
        found = exposed(ports, made.deployment(looked=now), version(), rollout, now)
        assert found is not None
        return found

    return SimpleNamespace(ask=ask, tell=tell, look=look)


def moved_on(rollout: Rollout, seen: Exposed) -> Rollout:
    assert rollout.moving is not None
    return replace(rollout, moving=replace(rollout.moving, until=seen.until, mature=seen.mature))


def test_what_the_shadow_leaves_unanswered_is_counted_from_its_last_answer_on(world: Any) -> None:
    rollout = a_rollout(0.0)
    for second in (10, 11, 12, 13):
        world.ask(f"{second}", second, "v1")
    world.ask("11", 11, "v2", role=Role.SHADOW)
    world.ask("14", 14, "v1", status=500)  # which the shadow is not asked
    seen = world.look(rollout, 20)
    assert seen.silence == Silence(requests=2, since=START + timedelta(seconds=12), heard=True)
    world.ask("21", 21, "v1")
    again = world.look(moved_on(rollout, seen), 30)
    assert again.silence == Silence(requests=1, since=START + timedelta(seconds=21))
    after = judged(judged(rollout, seen, START), again, START)
    assert (after.moving.unheard, after.moving.silent_since) == (3, START + timedelta(seconds=12))
    world.ask("31", 31, "v1")
    world.ask("31", 31, "v2", role=Role.SHADOW)
    well = judged(after, world.look(moved_on(rollout, again), 40), START)
    assert (well.moving.unheard, well.moving.silent_since) == (0, None)


def test_a_version_with_a_share_is_asked_nothing_in_the_shadow(world: Any) -> None:
    world.ask("a", 70, "v1")
    assert world.look(a_rollout(0.0, 0.5), 80).silence == Silence()


def test_requests_are_told_once_with_what_came_of_them(world: Any) -> None:
    rollout = a_rollout(0.5)
    world.ask("a", 10, "v1")
    world.ask("b", 11, "v2", role=Role.CHALLENGER, ids=["b/0", "b/1"])
    world.ask("c", 12, "v2", role=Role.CHALLENGER, status=500, violations=["model_error"])
    world.ask("d", 13, "v1", status=422, violations=["range:temp"], ids=[])
    world.ask("e", 14, "v0")  # another champion's, from before
    seen = world.look(rollout, 20)
    requests = seen.batch.requests
    assert requests.challenger.tolist() == [False, True, True, False]
    assert requests.failed.tolist() == [False, False, True, False]
    assert requests.broke.tolist() == [False, False, False, True]
    assert np.array_equal(requests.latency_ms, [2.0, 2.0, np.nan, np.nan], equal_nan=True)
    assert (seen.requests, set(requests.share)) == (2, {0.5})
    again = world.look(moved_on(rollout, seen), 30)
    assert (again.batch.requests, again.batch.answers, again.requests) == (None, None, 0)


def test_what_got_no_answer_in_time_has_failed_once_whatever_answered_it_later(world: Any) -> None:
    world.ask("a", 10, "v2", role=Role.CHALLENGER, status=504, violations=["deadline"])
    world.ask("a", 10, "v2", role=Role.CHALLENGER, latency_us=OVERDUE_US)
    world.ask("b", 11, "v2", role=Role.CHALLENGER, status=429, violations=["overload"], ids=[])
    world.ask("c", 12, "v2", role=Role.CHALLENGER, latency_us=OVERDUE_US - 1)
    requests = world.look(a_rollout(0.5), 20).batch.requests
    assert requests.failed.tolist() == [True, True, False]
    assert not requests.broke.any()


def test_two_looks_in_a_row_skip_nothing_that_is_on_its_way(world: Any) -> None:
    rollout, lag_s = a_rollout(0.5), LAG.total_seconds()
    first = world.look(rollout, 20 - lag_s)
    world.ask("a", 15, "v2", role=Role.CHALLENGER)  # asked before the first look, and recorded after it
    second = world.look(moved_on(rollout, first), 20)
    assert second.requests == 1


def test_rows_are_told_when_they_are_old_enough_whether_or_not_an_outcome_came(world: Any) -> None:
    rollout = a_rollout(0.5, age_s=100)
    for i, by in enumerate(["v1", "v2", "v2"]):
        world.ask(f"r{i}", 10 + i, by, role=Role.CHAMPION if by == "v1" else Role.CHALLENGER)
    world.tell("r0", 4.0, known_s=50)
    world.tell("r1", 2.0, known_s=500)  # too late to count
    early = world.look(rollout, 60)
    assert early.batch.answers is None
    answers = world.look(moved_on(rollout, early), 600).batch.answers
    assert answers.challenger.tolist() == [False, True, True]
    assert np.array_equal(answers.loss, [1.0, np.nan, np.nan], equal_nan=True)


def test_the_rows_of_a_request_are_one_unit(world: Any) -> None:
    world.ask("a", 10, "v1", ids=["a/0", "a/1"])
    world.ask("b", 11, "v2", role=Role.CHALLENGER, ids=["b/0", "b/1"])
    unit = world.look(a_rollout(0.5), 20).batch.answers.unit
    assert unit[0] == unit[1] != unit[2] == unit[3]


def test_in_the_shadow_both_answers_to_a_request_are_told_together(world: Any) -> None:
    for i in range(3):
        world.ask(f"r{i}", 10 + i, "v1")
        world.tell(f"r{i}", 4.0, known_s=15)
    world.ask("r0", 10, "v2", role=Role.SHADOW)
    world.ask("r2", 12, "v2", role=Role.SHADOW, status=500, violations=["model_error"])  # and r1 was dropped
    seen = world.look(a_rollout(0.0, age_s=10), 100)
    assert seen.batch.pairs.challenger_failed.tolist() == [False, True]
    assert np.array_equal(seen.batch.pairs.differs, [0.0, np.nan], equal_nan=True)
    assert (seen.batch.paired_answers.loss.tolist(), seen.batch.paired_answers.challenger_loss.tolist()) == (
        [1.0],
        [1.0],
    )
    assert (seen.batch.requests, seen.requests) == (None, 2)


@pytest.mark.parametrize("only", [Only(segment={"temp": (10.0,)}), Only(callers=("a",))])
def test_only_what_is_meant_is_told(world: Any, only: Only) -> None:
    for i, by in enumerate(["v1", "v2"]):
        role = Role.CHAMPION if by == "v1" else Role.CHALLENGER
        world.ask(f"in{i}", 10 + i, by, role=role)
        world.ask(f"out{i}", 20 + i, by, role=role, temp=11.0, caller="b")
    seen = world.look(a_rollout(0.5, only=only), 60)
    assert len(seen.batch.requests.challenger) == len(seen.batch.answers.challenger) == 2


def test_a_request_is_meant_as_a_whole_and_what_the_challenger_alone_refuses_was_meant(world: Any) -> None:
    only = Only(segment={"temp": (10, "10", 9.5)})
    world.ask("mixed", 10, "v1", ids=["m/0", "m/1"], temps=[10.0, 11.0])
    world.ask("whole", 11, "v1", ids=["w/0", "w/1"], temps=[10.0, 10.0])
    world.ask("drawn", 12, "v2", role=Role.CHALLENGER)
    world.ask("refused", 13, "v2", role=Role.CHALLENGER, status=422, violations=["range:temp"], ids=[])
    world.ask("unknown", 14, "v1", status=422, violations=["range:temp"], ids=[])
    for by, role in (("v1", Role.CHAMPION), ("v2", Role.CHALLENGER)):  # whether these are meant nobody knows
        world.ask("late", 15, by, role=role, status=504, violations=["deadline"], ids=[])
    batch = world.look(a_rollout(0.5, only=only), 60).batch
    assert batch.requests.challenger.tolist() == [False, True, True]
    assert batch.requests.broke.tolist() == [False, False, True]
    assert batch.answers.challenger.tolist() == [False, False, True]
