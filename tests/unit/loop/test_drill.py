"""The parts of a drill: its plan, its log, and what it calls what came of a fault."""

import dataclasses
from datetime import timedelta
from io import StringIO
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from rich.console import Console

from setpoint.cli import drilling
from setpoint.cli.drilling import _summary
from setpoint.domain.drill import (
    ACTED_ON,
    ASKED,
    BLIND,
    FOUND,
    HARMLESS,
    LEFT_ALONE,
    MENDED,
    MISTAKEN,
    NAMED,
    NOT_FOUND,
    Drill,
    Drilled,
)
from setpoint.domain.fault import Fault
from setpoint.domain.incident import Cause
from setpoint.domain.profile import Binning
from setpoint.domain.record import InferenceRecord
from setpoint.domain.records import moment
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.traffic import Traffic
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.loop.drill.account import outcomes_known
from setpoint.loop.drill.events import events_of
from setpoint.loop.drill.log import FaultyLog
from setpoint.loop.drill.ride import windows_at
from setpoint.loop.drill.shadow import AFTER, BEFORE, UNDER, course_of, traffic_from
from tests.unit.loop.conftest import NOW, rows

START = np.datetime64("2026-01-01", "us")
HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(1, "D")
SCHEMA = Schema(
    features=(Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT, low=0.0, high=1.0),),
    target="y",
    task=Task.REGRESSION,
)


def fault(kind: Cause = Cause.UNIT, **more: Any) -> Fault:
    columns = ("x",) if kind in (Cause.UNIT, Cause.COVARIATE, Cause.CONCEPT, Cause.RELEASE) else ()
    return Fault(**{"kind": kind, "since": moment(START), "columns": columns} | more)


def came_of(kind: Cause = Cause.UNIT, cause: str = "unit", weight: float = 0.9, **more: Any) -> Drilled:
    usual = {
        "fault": fault(kind), "rows": 100, "clean": 1.0, "harmed": 2.0, "realised": 1.1, "outcomes": 90,
        "found_rows": 10, "after_s": 60.0, "causes": ((cause, "x", weight),), "remedy": "inverse_map",
        "applied": True, "acts": (),
    }  # fmt: skip
    return Drilled(**usual | more)


def a_drill(*faults: Drilled) -> Drill:
    at = moment(START)
    return Drill(
        model="m", version="v1", seed=0, since=at, begins=at, ends=at, until=at, rows=100, every=1, quiet=(),
        faults=faults, impossible={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (came_of(), MENDED),
        (came_of(realised=1.9), NAMED),
        (came_of(applied=False), ASKED),
        (came_of(remedy="", applied=False), NAMED),
        (came_of(remedy="rollback"), NAMED),
        (came_of(cause="unknown"), FOUND),
        (came_of(cause="concept", weight=0.4), FOUND),
        (came_of(cause="concept"), MISTAKEN),
        (came_of(found_rows=None, causes=()), NOT_FOUND),
        (came_of(found_rows=None, causes=(), harmed=1.01), HARMLESS),
        (came_of(found_rows=None, causes=(), harmed=None), NOT_FOUND),
        (came_of(Cause.CONCEPT, found_rows=None, causes=(), outcomes=0), BLIND),
        (came_of(Cause.CONCEPT, found_rows=None, causes=()), NOT_FOUND),
        (came_of(found_rows=None, causes=(), outcomes=0), NOT_FOUND),
        (came_of(Cause.COVARIATE, remedy="wait"), LEFT_ALONE),
        (came_of(Cause.COVARIATE, remedy="", found_rows=None), LEFT_ALONE),
        (came_of(Cause.COVARIATE, remedy="retrain", applied=False), ACTED_ON),
    ],
)
def test_what_came_of_a_fault_has_one_name(found: Drilled, verdict: str) -> None:
    assert found.verdict == verdict


def test_the_share_won_back_needs_damage() -> None:
    assert came_of().regained == pytest.approx(0.9)
    assert came_of(harmed=1.001).regained is None
    assert came_of(clean=None).regained is None


def test_what_is_proposed_is_not_counted_as_mended() -> None:
    faults = (came_of(), came_of(applied=False), came_of(found_rows=None, causes=()))
    blind = came_of(Cause.CONCEPT, found_rows=None, causes=(), outcomes=0)
    said = _summary(a_drill(*faults, blind))
    assert "Of 4 faults it would find 2, name 2, mend 1, and propose the right remedy of 1 more" in said
    assert "1 show only in outcomes, of which none was known during the drill" in said
    assert "only in outcomes" not in _summary(a_drill(*faults))


def test_the_table_of_a_drill_fits_80_columns() -> None:
    long = came_of(Cause.RELEASE, cause="release", remedy="inverse_map", applied=False)
    long = replace(
        long,
        fault=replace(long.fault, columns=("workingday",), how="preprocessing"),
        causes=(("swapped", "hum, windspeed", 1.0),),
    )
    out = StringIO()
    with patch.object(drilling, "console", Console(file=out, width=80)):
        drilling._show(a_drill(long, came_of(Cause.CONCEPT, cause="concept", remedy="retrain", applied=False)))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "(preprocessing)" in out.getvalue()
    assert "→ swapped of hum, windspeed" in out.getvalue()


def test_outcomes_count_that_are_known_before_the_drill_ends() -> None:
    many = rows(NOW - timedelta(days=40), NOW)
    course = course_of(many.time)
    traffic, _ = traffic_from(many, course)
    assert outcomes_known(traffic, course) == 7 * 24
    assert outcomes_known(dataclasses.replace(traffic, known=traffic.known + 40 * DAY), course) == 0


def test_long_traffic_is_drilled_over_its_last_weeks_by_days() -> None:
    course = course_of(START + np.arange(100 * 24) * HOUR)
    assert course.day == DAY
    assert course.since == course.since.astype("datetime64[D]")
    assert course.until - course.since == (BEFORE + UNDER + AFTER) * DAY
    assert abs(course.until - (START + 100 * DAY)) <= DAY


def test_short_traffic_is_drilled_whole() -> None:
    time = START + np.arange(760) * np.timedelta64(3, "m")
    course = course_of(time)
    assert course.day == np.timedelta64(3 * 760 * 60_000_000 // 38, "us") or course.day < DAY
    assert time[0] - np.timedelta64(1, "s") <= course.since <= time[30]
    assert course.begins < course.ends < course.until
    assert [*course.earlier, *course.later] == sorted([*course.earlier, *course.later])


def test_too_few_records_are_refused() -> None:
    few = rows(NOW - timedelta(days=2), NOW)
    with pytest.raises(InvalidInput, match="too few for a drill"):
        traffic_from(few, course_of(few.time))


def test_outcomes_that_are_not_known_stay_unknown() -> None:
    many = rows(NOW - timedelta(days=40), NOW)
    traffic, every = traffic_from(many, course_of(many.time))
    assert every == 1
    assert len(traffic) >= 900
    assert not np.isnat(traffic.known).any()


def test_windows_end_where_is_looked() -> None:
    time = START + np.arange(48) * HOUR
    traffic = Traffic(time=time, id=np.arange(48).astype(object), inputs={}, outcome=np.zeros(48), known=time)
    windows = windows_at(traffic, [START + 6 * HOUR, START + 6 * HOUR, START + DAY])
    assert [len(places) for _, places in windows] == [6, 18]


def answered(score: list[float]) -> InferenceRecord:
    n = len(score)
    return InferenceRecord.named(
        request_id="r", model="m", version="v1", role="champion", arrived_us=0, latency_us=0, status=200,
        caller="replay", ids=[f"r{i}" for i in range(n)], times_us=[1_767_225_600_000_000 + i for i in range(n)],
        inputs={"x": [0.5] * n}, outputs={"prediction": score},
    )  # fmt: skip


def logged(record: InferenceRecord, **options: Any) -> FaultyLog:
    log = FaultyLog(score="prediction", **options)
    log.open_model("m", SCHEMA, Binning(columns={}))
    log.append([record])
    log.ingest()
    return log


def test_an_answer_that_is_no_number_fails_alone() -> None:
    log = logged(answered([1.0, float("nan"), 2.0]))
    assert log.read("m").score.tolist() == [1.0, 2.0]
    assert log.refused("m", moment(START), moment(START + DAY))["model_error"] == 1


def test_callers_are_recorded_apart_and_answers_kept() -> None:
    log = logged(answered([1.0, 2.0, 3.0]), callers={"r1": "attacker"})
    asked = log.requests("m", moment(START), moment(START + DAY))
    assert sorted(asked.caller.tolist()) == ["attacker", "replay", "replay"]
    assert log.answers == {"r0": 1.0, "r1": 2.0, "r2": 3.0}


def test_overload_makes_answers_slow() -> None:
    log = logged(answered([1.0] * 40), faults=(fault(Cause.OVERLOAD, delay_s=0.3),), seed=1)
    assert (log.read("m").latency_us > 300_000).all()


def test_a_crash_is_what_a_supervisor_tells() -> None:
    told = events_of((fault(Cause.CRASH, how="hang"), fault(Cause.CRASH, strength=0.0), fault()))
    assert {e.kind for e in told} == {"hang"}
    assert len({e.id for e in told}) == len(told) == 6
