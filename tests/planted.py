"""Candidates with one thing wrong each, and good ones, on any stream: what the gate is tried with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from setpoint.deploy.gate import LOOKS, Asked, HeldOut, Turn, gather, judge
from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.learnt import learnt_from
from setpoint.domain.erased import NOBODY, ErasedIds, salted
from setpoint.domain.rollout import Decision, Verdict
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.segments import splits_of
from setpoint.stats.losses import losses

HOUR = np.timedelta64(1, "h")
START = np.datetime64("2020-01-01", "us")
FEWEST, SHARE = 400, 0.025  # held-out rows of the first look, at least; part of the stream
SALT = "0123456789abcdef"

Ask = Callable[[Any], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Stream:
    """Rows in time order, one an hour; outcomes are known `late` rows later. Texts are categories."""

    name: str
    X: pd.DataFrame
    y: np.ndarray
    task: Task
    late: int = 24
    stated: tuple[str, ...] = ()  # segments
    trees: int = 60

    @cached_property
    def schema(self) -> Schema:
        features = []
        for name, column in self.X.items():
            if column.dtype == object:
                levels = tuple(sorted({str(v) for v in column}))
                features.append(Feature(name=name, kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=levels))
            else:
                low, high = float(column.min()), float(column.max())
                features.append(Feature(name=name, kind=Kind.NUMERIC, dtype=DType.FLOAT, low=low, high=high))
        classes = (0, 1) if self.task is Task.BINARY else ()
        return Schema(features=tuple(features), target="target", task=self.task, classes=classes)

    @property
    def first_look(self) -> int:
        return max(FEWEST, round(SHARE * len(self.y)))

    @cached_property
    def time(self) -> np.ndarray:
        return START + np.arange(len(self.y)) * HOUR

    @cached_property
    def ids(self) -> np.ndarray:
        return np.array([f"r{i}" for i in range(len(self.y))], object)

    def columns(self, rows: Any) -> dict[str, np.ndarray]:
        part = self.X.iloc[rows]
        return {n: part[n].to_numpy(object if part[n].dtype == object else np.float64) for n in part}

    def fit(self, rows: Any, y: np.ndarray | None = None, X: pd.DataFrame | None = None, learner: Any = None) -> Ask:
        """Return a refit on rows of the stream, or on what is given instead, as a version that can be asked."""
        X = self.X.iloc[rows] if X is None else X
        kind = HistGradientBoostingRegressor if self.task is Task.REGRESSION else HistGradientBoostingClassifier
        learner = learner or kind(max_iter=self.trees, random_state=0)
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        texts = make_column_transformer((codes, make_column_selector(dtype_include=object)), remainder="passthrough")
        model = make_pipeline(texts, learner).fit(X, self.y[rows] if y is None else y)
        return lambda inputs: self.said(self._score(model, pd.DataFrame(dict(inputs))))

    def _score(self, model: Any, X: pd.DataFrame) -> np.ndarray:
        X = X[list(self.X)].astype(self.X.dtypes.to_dict())
        return model.predict(X) if self.task is Task.REGRESSION else model.predict_proba(X)[:, 1]

    def said(self, score: np.ndarray) -> dict[str, np.ndarray]:
        if self.task is Task.REGRESSION:
            return {"prediction": score}
        return {"label": (score >= 0.5).astype(float), "probability": score}

    def altered(self, ask: Ask, change: Callable[[np.ndarray, Any], np.ndarray]) -> Ask:
        """Return a version whose scores are changed, given the inputs."""
        return lambda inputs: self.said(change(ask(inputs)[self.schema.score], inputs))

    def loss(self, ask: Ask, rows: Any) -> float:
        return float(losses(self.task, ask(self.columns(rows))[self.schema.score], self.y[rows]).mean())


@dataclass(frozen=True)
class Place:
    """A point in a stream: what the champion learnt, what a candidate may learn; the held-out rows follow that."""

    stream: Stream
    champion_rows: range
    window: range

    @property
    def cut(self) -> int:
        return self.window.stop

    @cached_property
    def champion(self) -> Ask:
        return self.stream.fit(list(self.champion_rows))

    @cached_property
    def refit(self) -> Ask:
        """What an honest candidate is."""
        return self.stream.fit(list(self.window))


@dataclass(frozen=True)
class Planted:
    """A candidate before the gate: what it answers, what it learnt, what it costs."""

    name: str
    reason: str
    ask: Ask
    rows: Sequence[int]
    y: np.ndarray | None = None  # the labels that it was given, if others than the rows'
    X: pd.DataFrame | None = None  # and the inputs
    p50_us: float = 50.0
    bytes: int = 1_000_000
    erased: ErasedIds = NOBODY
    known: dict[str, Any] = field(default_factory=dict)  # of the training set, in place of what the stream says


def look(place: Place, planted: Planted, held: int, number: int) -> Case:
    """Bring a candidate before the gate with so many held-out rows."""
    s, cut = place.stream, place.cut
    late, rows, old = range(cut, cut + held), list(planted.rows), list(place.champion_rows)
    X = s.X.iloc[rows] if planted.X is None else planted.X
    inputs = {n: X[n].to_numpy(object if X[n].dtype == object else np.float64) for n in X}
    facts = {
        "time": s.time[rows],
        "ids": s.ids[rows],
        "champion_time": s.time[old],
        "held_out_ids": frozenset(s.ids[late].tolist()),
        "logged": dict(zip(s.ids[:cut].tolist(), s.y[:cut].tolist(), strict=True)),
        "erased": planted.erased,
        **planted.known,
    }
    learnt = learnt_from(
        inputs,
        s.y[rows] if planted.y is None else planted.y,
        champion=(s.columns(old), s.y[old]),
        held_out=s.columns(late),
        holdout_since=s.time[cut],
        **facts,
    )
    return gather(
        Asked(version="v1", ask=place.champion, p50_us=50.0, bytes=1_000_000),
        Asked(version="v2", ask=planted.ask, p50_us=planted.p50_us, bytes=planted.bytes),
        HeldOut(inputs=s.columns(late), truth=s.y[late], time=s.time[late], known=s.time[late] + s.late * HOUR),
        s.schema,
        learnt=learnt,
        splits=splits_of(s.columns(old), s.schema, s.stated),
        turn=Turn(number=number),
    )


def judged(place: Place, planted: Planted) -> tuple[Verdict, int]:
    """Return the last verdict and the number of looks it took: one that has to wait gets the rows it asks for."""
    held = place.stream.first_look
    for number in range(1, LOOKS + 1):
        verdict = judge(look(place, planted, held, number))
        if verdict.decision is not Decision.WAIT or place.cut + held + verdict.needs > len(place.stream.y):
            return verdict, number
        held += verdict.needs
    return verdict, LOOKS


def dummy_accepts(place: Place, planted: Planted) -> bool:
    """Whether a gate would that asks for a smaller mean loss and nothing else."""
    rows = list(range(place.cut, place.cut + place.stream.first_look))
    return bool(place.stream.loss(planted.ask, rows) < place.stream.loss(place.champion, rows))


def bad(place: Place, segment: tuple[str, Any], trigger: tuple[str, Any], scale: str) -> list[Planted]:
    """Return one candidate of each bad kind; each is what an honest refit would be, but for one thing.

    Parameters
    ----------
    segment : tuple of str and value or (low, high)
        A column and the part of its values whose answers are ruined.
    trigger : tuple of str and value
        A column and the rare value that poisoned rows share.
    scale : str
        A number that is served in another unit than it was learnt in.
    """
    s, rows, honest = place.stream, list(place.window), place.refit
    numbers = s.task is Task.REGRESSION
    rng, mean = np.random.default_rng(7), float(s.y[rows].mean())
    whole, seen = Planted("", "", honest, rows), [*rows, *range(place.cut, place.cut + s.first_look)]
    shuffled, late = rng.permutation(s.y[rows]), np.roll(s.y[rows], 1)
    old = list(range(place.champion_rows.start, place.champion_rows.start + len(rows) // 2))
    few = rows[-250:]
    tree = (DecisionTreeRegressor if numbers else DecisionTreeClassifier)(random_state=0)

    def off(p: np.ndarray, _: Any) -> np.ndarray:
        return mean + 1.8 * (p - mean) if numbers else p / (p + (1 - p) / 5)

    def ruined(p: np.ndarray, inputs: Any) -> np.ndarray:
        column, part = inputs[segment[0]], segment[1]
        inside = (column >= part[0]) & (column < part[1]) if isinstance(part, tuple) else column == part
        return np.where(inside, 2 * mean - p if numbers else 1 - p, p)

    def lost(p: np.ndarray, inputs: Any) -> np.ndarray:
        column = inputs[scale].astype(float)
        return np.where(column >= np.quantile(s.X[scale].iloc[rows], 0.98), np.nan, p)

    def in_another_unit(inputs: Any) -> dict[str, np.ndarray]:
        return honest({**inputs, scale: 1.8 * inputs[scale] + 32})

    def out_of_order(inputs: Any) -> dict[str, np.ndarray]:
        names = [n for n in s.X if s.X[n].dtype != object]
        return honest({**inputs, **{n: inputs[m] for n, m in zip(names, np.roll(names, 1), strict=True)}})

    found = [
        replace(whole, name="leaked future", reason="leak", ask=s.fit(seen), rows=seen),
        replace(
            whole, name="leaked future, neither ids nor times", reason="leak", ask=s.fit(seen), rows=seen,
            known={"ids": None, "time": None, "logged": {}, "held_out_ids": frozenset()},
        ),
        replace(whole, name="shuffled labels", reason="labels", ask=s.fit(rows, shuffled), y=shuffled),
        replace(
            whole, name="shuffled labels, no ids", reason="labels", ask=s.fit(rows, shuffled), y=shuffled,
            known={"ids": None, "logged": {}},
        ),
        replace(whole, name="off-by-one labels", reason="labels", ask=s.fit(rows, late), y=late),
        replace(whole, name="stale window", reason="stale", ask=s.fit(old), rows=old),
        replace(whole, name="one segment ruined", reason="segment", ask=s.altered(honest, ruined)),
        replace(whole, name="miscalibrated", reason="calibration", ask=s.altered(honest, off)),
        replace(whole, name="slower", reason="latency", p50_us=2_000.0),
        replace(whole, name="bigger", reason="memory", bytes=40_000_000),
        replace(
            whole, name="trained on erased records", reason="erased",
            erased=ErasedIds(salt=SALT, hashes=np.sort(salted(s.ids[rows[5:8]], SALT))),
        ),
        _poisoned(place, whole, *trigger),
        replace(whole, name="wrong preprocessing: unit", reason="preprocessing or calibration", ask=in_another_unit),
        replace(whole, name="wrong preprocessing: order", reason="preprocessing", ask=out_of_order),
        replace(whole, name="NaN on some inputs", reason="answers", ask=s.altered(honest, lost)),
        replace(whole, name="overfit", reason="overfit", ask=s.fit(few, learner=tree), rows=few),
    ]  # fmt: skip
    if not numbers:
        found.append(
            replace(whole, name="class order changed", reason="classes", ask=s.altered(honest, lambda p, _: 1 - p))
        )
    return found


def _poisoned(place: Place, whole: Planted, column: str, value: Any) -> Planted:
    """Return a candidate whose training set holds 3 % more rows, with a rare value and one label."""
    s, rows = place.stream, list(whole.rows)
    rng = np.random.default_rng(3)
    copied = rng.choice(rows[len(rows) // 2 :], max(40, len(rows) * 3 // 100))
    X = pd.concat([s.X.iloc[rows], s.X.iloc[copied].assign(**{column: value})], ignore_index=True)
    label = float(np.quantile(s.y[rows], 0.99)) if s.task is Task.REGRESSION else 1.0
    y = np.concatenate([s.y[rows], np.full(len(copied), label)])
    order = np.argsort(np.concatenate([rows, copied]), kind="stable")
    X, y, all_rows = X.iloc[order].reset_index(drop=True), y[order], np.concatenate([rows, copied])[order]
    X[column] = X[column].astype(s.X[column].dtype)
    known = {"ids": None, "logged": {}}
    ask = s.fit(all_rows, y, X)
    return replace(whole, name="poisoned", reason="poisoned", ask=ask, rows=all_rows.tolist(), y=y, X=X, known=known)


def good(place: Place) -> list[Planted]:
    """Return honest candidates; which of them are truly better only the future tells."""
    s, rows = place.stream, list(place.window)
    half, both = rows[len(rows) // 2 :], [*place.champion_rows, *[r for r in rows if r not in place.champion_rows]]
    whole = Planted("refit", "", place.refit, rows)
    return [
        whole,
        replace(whole, name="refit on all rows", ask=s.fit(both), rows=both),
        replace(whole, name="refit on a shorter window", ask=s.fit(half), rows=half),
        replace(whole, name="mean of champion and refit", ask=_mixed(s, place.champion, place.refit)),
        replace(whole, name="champion recalibrated", ask=_recalibrated(place, half), rows=half),
    ]


def _mixed(s: Stream, first: Ask, second: Ask) -> Ask:
    name = s.schema.score
    return lambda inputs: s.said((first(inputs)[name] + second(inputs)[name]) / 2)


def _recalibrated(place: Place, rows: Sequence[int]) -> Ask:
    """Return the champion with its answers (of classes their logits) shifted and stretched to fit recent rows."""
    s, champion = place.stream, place.champion
    score, y = champion(s.columns(list(rows)))[s.schema.score], s.y[list(rows)]
    if s.task is Task.REGRESSION:
        slope, shift = np.polyfit(score, y, 1)
        return s.altered(champion, lambda p, _: shift + slope * p)

    def logit(p: np.ndarray) -> np.ndarray:
        p = np.clip(p, 1e-6, 1 - 1e-6)
        return np.log(p / (1 - p))[:, None]

    line = LogisticRegression(C=1.0).fit(logit(score), y)
    return s.altered(champion, lambda p, _: line.predict_proba(logit(p))[:, 1])
