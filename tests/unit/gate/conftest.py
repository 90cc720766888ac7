"""Cases made of arrays: a champion, a candidate and held-out rows, so that each check can be seen alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from setpoint.deploy.gate import Asked, HeldOut, gather
from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.learnt import learnt_from
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.segments import splits_of

START = np.datetime64("2024-01-01", "us")
HOUR = np.timedelta64(1, "h")
LEARNT, HELD, MOST_HELD = 600, 400, 3_000
NUMBER = Schema(
    features=(
        Feature(name="a", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True, low=-4.0, high=4.0),
        Feature(name="b", kind=Kind.NUMERIC, dtype=DType.FLOAT, low=-4.0, high=4.0),
        Feature(name="shop", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("north", "south", "west")),
    ),
    target="y",
    task=Task.REGRESSION,
)
YES_NO = Schema(features=NUMBER.features, target="y", task=Task.BINARY, classes=(0, 1))

Answer = Callable[[dict[str, np.ndarray]], np.ndarray]


def line(inputs: Any, a: float = 2.0, b: float = 1.0) -> np.ndarray:
    """What the truth follows; nulls count as 0."""
    return a * np.nan_to_num(inputs["a"]) + b * inputs["b"]


def model(answer: Answer, schema: Schema) -> Callable[[Any], dict[str, np.ndarray]]:
    """A version that answers so; of two classes through the logistic function."""

    def ask(inputs: Any) -> dict[str, np.ndarray]:
        said = answer(inputs)
        if schema.task is Task.REGRESSION:
            return {"prediction": said}
        p = 1 / (1 + np.exp(-said))
        return {"label": (p >= 0.5).astype(float), "probability": p}

    return ask


@dataclass
class World:
    """Rows with hourly times: the champion's, new ones that the candidate learns, and held-out ones."""

    schema: Schema
    inputs: dict[str, np.ndarray]
    truth: np.ndarray
    time: np.ndarray

    def part(self, start: int, stop: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        return {n: c[start:stop] for n, c in self.inputs.items()}, self.truth[start:stop]


def a_world(schema: Schema = NUMBER, seed: int = 0, held: int = HELD) -> World:
    rng, n = np.random.default_rng(seed), 2 * LEARNT + max(held, MOST_HELD)  # the same rows, however many are used
    inputs = {
        "a": rng.normal(0, 1, n),
        "b": rng.normal(0, 1, n),
        "shop": np.array(["north", "south", "west"], object)[rng.integers(0, 3, n)],
    }
    said = line(inputs)
    truth = (
        said + rng.normal(0, 1, n)
        if schema.task is Task.REGRESSION
        else (rng.random(n) < 1 / (1 + np.exp(-said))).astype(float)
    )
    return World(schema, inputs, truth, START + np.arange(n) * HOUR)


def better(inputs: Any) -> np.ndarray:
    return line(inputs)


def worse(inputs: Any) -> np.ndarray:
    """The champion's answers: right in direction, and too weak."""
    return line(inputs, 1.0, 0.4)


def a_case(
    candidate: Answer = better,
    champion: Answer = worse,
    *,
    schema: Schema = NUMBER,
    seed: int = 0,
    held: int = HELD,
    learnt: dict[str, Any] | None = None,
    inputs: Callable[[dict[str, np.ndarray], np.ndarray], Any] = lambda inputs, truth: (inputs, truth),
    segments: tuple[str, ...] = (),
    costs: dict[str, tuple[float, float]] | None = None,
    **more: Any,
) -> Case:
    """A case; `inputs` changes the new rows that the candidate learns, `learnt` what is known of its set."""
    w, first, second = a_world(schema, seed, held), LEARNT, 2 * LEARNT
    old, new, late = w.part(0, first), inputs(*w.part(first, second)), w.part(second, second + held)
    ids = np.array([f"r{i}" for i in range(second)], object)
    known = {
        "champion": old,
        "held_out": late[0],
        "holdout_since": w.time[second],
        "time": w.time[:second],
        "ids": ids,
        "champion_time": w.time[:first],
        "held_out_ids": frozenset(f"r{i}" for i in range(second, second + held)),
        "logged": dict(zip(ids.tolist(), w.truth.tolist(), strict=False)),
        **(learnt or {}),
    }
    facts = learnt_from(
        {n: np.concatenate([old[0][n], new[0][n]]) for n in old[0]}, np.concatenate([old[1], new[1]]), **known
    )
    cost = {name: dict(zip(("old", "new"), pair, strict=True)) for name, pair in (costs or {}).items()}
    sides = [
        Asked(version=v, ask=model(answer, schema), **{name: pair[which] for name, pair in cost.items()})
        for v, answer, which in (("v1", champion, "old"), ("v2", candidate, "new"))
    ]
    return gather(
        *sides,
        HeldOut(
            inputs=late[0],
            truth=late[1],
            time=w.time[second : second + held],
            known=w.time[second : second + held] + 24 * HOUR,
        ),
        schema,
        learnt=facts,
        splits=splits_of(w.inputs, schema, segments),
        **more,
    )


@pytest.fixture(scope="session")
def case() -> Callable[..., Case]:
    """Return `a_case`."""
    return a_case


@pytest.fixture(scope="session")
def yes_no() -> Schema:
    """A task of two classes."""
    return YES_NO
