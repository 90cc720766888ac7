"""A caller who sends many rows that are nearly the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from setpoint.domain.records import Records
from setpoint.domain.requested import Requested
from setpoint.domain.value import replace
from setpoint.monitor.callers import callers

NAMES = ("temp_c", "load", "month", "sky")


@pytest.fixture(scope="module")
def seen(look: Callable[..., Any], stream: Any) -> Any:
    return look(stream, 9_000)


def asked(rows: Records, who: list[str]) -> Requested:
    """Rows of the baseline, asked by these callers."""
    n = len(rows)
    time = rows.time.astype("datetime64[us]").view(np.int64)
    zeros = np.zeros(n, np.int64)
    return Requested(
        id=rows.id, time=time, arrived=time, row=zeros, version=rows.version, role=np.full(n, "champion", object),
        status=zeros + 200, latency_us=zeros, caller=np.array(who, object), broke=np.zeros(n, bool),
        inputs={name: rows.inputs[name] for name in NAMES},
    )  # fmt: skip


def told(seen: Any, burst: Requested | None, before: Requested | None) -> list[Any]:
    return list(callers(replace(seen, asked=burst, asked_before=before)))


def nearly(rows: Requested, width: float, seed: int = 0) -> Requested:
    """The first row again and again, with every number moved a little."""
    rng = np.random.default_rng(seed)
    first = {
        name: column[:1].repeat(len(rows)) if column.dtype == object
        else column[0] + width * column.std() * rng.normal(size=len(rows))
        for name, column in rows.inputs.items()
    }  # fmt: skip
    return type(rows)(**{f: getattr(rows, f) for f in rows.__dataclass_fields__ if f != "inputs"}, inputs=first)


@pytest.mark.parametrize("width", [0.0, 0.02])
def test_a_burst_of_nearly_the_same_rows_names_its_caller(seen: Any, width: float) -> None:
    base = seen.baseline
    before = asked(base, ["ann", "bob"] * (len(base) // 2))
    burst = nearly(asked(base.take(np.arange(100, 160)), ["eve"] * 60), width)
    (found,) = told(seen, burst, before)
    assert (found.alarm, found.segment, found.rows) == (True, "caller eve", 60)
    assert len(found.examples) == 3


def test_a_client_that_always_asks_the_same_is_natural(seen: Any) -> None:
    base = seen.baseline
    usual = asked(base.take(np.arange(0, 400)), ["ann"] * 400)
    health = nearly(asked(base.take(np.arange(0, 400)), ["health"] * 400), 0.0)
    both = {f: np.concatenate([getattr(usual, f), getattr(health, f)]) for f in ("id", "caller", "row", "version")}
    before = type(usual)(
        **{f: np.concatenate([getattr(usual, f), getattr(health, f)]) for f in usual.__dataclass_fields__
           if f not in ("inputs", *both)},
        **both, inputs={n: np.concatenate([usual.inputs[n], health.inputs[n]]) for n in NAMES},
    )  # fmt: skip
    burst = nearly(asked(base.take(np.arange(0, 60)), ["health"] * 60), 0.0)
    assert not any(f.alarm for f in told(seen, burst, before))


def test_usual_callers_and_few_rows_are_no_burst(seen: Any) -> None:
    """Every stretch of 24 to 200 rows of the stream, in the order of time: weather hardly moves from hour to hour."""
    base = seen.baseline
    before = asked(base, ["ann"] * len(base))
    rng = np.random.default_rng(0)
    for _ in range(300):
        n = int(rng.integers(24, 200))
        at = int(rng.integers(0, len(base) - n))
        assert not told(seen, asked(base.take(np.arange(at, at + n)), ["ann"] * n), before)
    few = nearly(asked(base.take(np.arange(20)), ["eve"] * 20), 0.0)
    assert told(seen, few, before) == []


def test_nothing_is_said_without_a_week_that_tells_what_is_natural(seen: Any) -> None:
    burst = nearly(asked(seen.baseline.take(np.arange(60)), ["eve"] * 60), 0.0)
    few = asked(seen.baseline.take(np.arange(100)), ["ann"] * 100)
    assert told(seen, burst, few) == []
    assert told(seen, burst, None) == []
