"""A classifier of several classes through the whole loop: recorded, judged, explained, and trained again."""

from datetime import timedelta
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import metrics
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from setpoint.config import read_setpoint_file
from setpoint.domain.incident import Cause
from setpoint.domain.record import Outcome
from setpoint.loop.clock import VirtualClock
from setpoint.loop.replay import replay, traffic_of
from setpoint.loop.verbs import deploying, retraining
from setpoint.loop.verbs.operator import Operator
from setpoint.store.memory import MemoryRecordLog
from tests.integration.loop.conftest import DAY, START, World, ports_of

SETPOINT_FILE = """
model: digits
task: multiclass
artifact: model.joblib
reference: reference.parquet
target: digit
time: at
id: id
outcome_delay: 1h
segments: [half]
objectives:
  - {metric: accuracy, at_least: 0.75, window: 7d}
  - {metric: macro_f1, at_least: 0.7, window: 7d}
  - {metric: roc_auc, at_least: 0.9, window: 7d}
  - {metric: log_loss, at_most: 0.9, window: 7d}
  - {metric: fairness_gap, at_most: 0.3, of: accuracy, by: half, window: 7d}
envelope:
  automatic: []
"""
PER_DAY, DAYS, RENAMED = 96, 10, 2
WORDS = np.array(["zero", "one", "two", "three", "four"])
WORDS_SORTED = sorted(WORDS.tolist())


def digits(rows: int, start: pd.Timestamp, seed: int) -> pd.DataFrame:
    """Draw digits below five, one every quarter of an hour, from some of their pixels."""
    data, rng = load_digits(n_class=5, as_frame=True), np.random.default_rng(seed)
    drawn = rng.integers(0, len(data.target), rows)
    table = data.data.iloc[drawn, 10:30:3].reset_index(drop=True) + rng.normal(0, 1, (rows, 7))
    return table.assign(
        half=np.arange(rows) % 2 / 1.0,
        at=pd.date_range(start, periods=rows, freq="15min").astype("datetime64[us]"),
        id=[f"{seed}-{i}" for i in range(rows)],
        digit=WORDS[data.target.to_numpy()[drawn]],
    )


def with_other_names(rows: pd.DataFrame) -> pd.DataFrame:
    """From a day on, two pairs of digits are called by each other's name."""
    later = np.arange(len(rows)) // PER_DAY >= RENAMED
    swapped = rows["digit"].replace({"one": "two", "two": "one", "three": "four", "four": "three"})
    return rows.assign(digit=np.where(later, swapped, rows["digit"]))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Ten days of a loop; since the third some digits have other names."""
    home, project = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("project")
    begun = pd.Timestamp(START).tz_localize(None)
    reference = digits(4 * PER_DAY, begun - 4 * DAY, seed=1)
    reference.to_parquet(project / "reference.parquet", index=False)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(reference.iloc[:, :8], reference["digit"])
    joblib.dump(model, project / "model.joblib")
    (project / "setpoint.yaml").write_text(SETPOINT_FILE)
    file, clock, log = read_setpoint_file(project), VirtualClock(START), MemoryRecordLog()
    operator = Operator(ports=ports_of(home, clock, log), clock=clock)
    deploying.deploy(operator, file, by="test")
    rows = with_other_names(digits(DAYS * PER_DAY, begun, seed=2))
    schema = operator.ports.bundles.get("digits", "v1").schema
    traffic = traffic_of(pa.Table.from_pandas(rows, preserve_index=False), file, schema)
    replay(operator, clock, log, file, traffic, every=2 * DAY)
    return World(operator, clock, log, file, traffic)


def test_objectives_are_those_of_scikit_learn_on_what_is_recorded(world: World) -> None:
    deployment = world.operator.deployments("digits")[0]
    table = world.log.table("digits", since=deployment.looked - 7 * DAY).to_pandas().dropna(subset="outcome")
    table = table[table["known"].dt.tz_localize(None) <= pd.Timestamp(deployment.looked).tz_localize(None)]
    p = pd.DataFrame(table["outputs"].tolist())
    each = p[[f"probability_{word}" for word in sorted(WORDS)]].to_numpy()
    true = np.searchsorted(WORDS_SORTED, table["outcome"])
    found = {s.objective.name: s.value for s in deployment.standings}
    assert found == pytest.approx(
        {
            "accuracy": (p["label"] == table["outcome"].to_numpy()).mean(),
            "macro_f1": metrics.f1_score(table["outcome"], p["label"], average="macro"),
            "roc_auc": metrics.roc_auc_score(table["outcome"], each, multi_class="ovr"),
            "log_loss": -np.log(each[np.arange(len(each)), true].clip(1e-7)).mean(),
            "fairness_gap of accuracy by half": found["fairness_gap of accuracy by half"],
        },
        rel=1e-3,
    )
    assert found["accuracy"] < 0.75
    assert 0 <= found["fairness_gap of accuracy by half"] < 0.3


def test_labels_are_counted_and_the_cause_is_concept(world: World) -> None:
    deployment = world.operator.deployments("digits")[0]
    counted = world.log.profile("digits", START, START + DAYS * DAY).columns["label"]
    assert set(counted.levels) == set(WORDS)
    assert sum(counted.levels.values()) == DAYS * PER_DAY
    assert deployment.incidents[-1].causes[0].cause is Cause.CONCEPT
    assert {f.metric for f in deployment.findings} >= {"accuracy", "log_loss_step"}
    assert [e.objective.metric for e in deployment.estimates] == ["accuracy"]
    assert "accuracy" in str(world.operator.overview("digits"))


def test_a_corrected_label_is_judged_anew(world: World) -> None:
    def last() -> Any:
        rows = world.log.read("digits", since=START + (DAYS - 1) * DAY).labelled
        return rows.take(np.array([0]))

    row = last()
    assert row.classes is not None
    said, right = WORDS_SORTED[int(row.classes.decided[0])], row.outcome[0]
    other = next(word for word in WORDS_SORTED if word != said)
    known = int((START + DAYS * DAY + timedelta(hours=1)).timestamp() * 1e6)
    world.log.add_outcomes("digits", [Outcome(id=row.id[0], value=other if right else said, known_us=known)])
    assert last().outcome[0] == 1 - right


def test_a_candidate_learns_the_new_names_and_passes_the_gate(world: World) -> None:
    retraining.update(world.operator, "digits", by="ann")
    for _ in range(2):  # from the latest rows, and from all
        world.clock.time += DAY
        retraining.finish(world.operator, "digits")
    (rollout,) = world.operator.deployments("digits")[0].rollouts
    assert rollout.candidate.contest is not None
    assert rollout.candidate.gate is not None
    checks = " ".join(rollout.candidate.gate.checks)
    assert "the candidate is better by" in checks
    assert "beats the naive answer" in checks
