"""The setpoint file that `setpoint init` writes."""

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LinearRegression, LogisticRegression

from setpoint.config import read_setpoint_file
from setpoint.errors import InvalidInput
from setpoint.loop.verbs.proposal import propose_setpoint

DAY = 86_400.0


def demand(rows: int = 2_000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "order_id": np.arange(rows),
            "at": pd.date_range("2024-01-01", periods=rows, freq="h"),
            "yes": rng.random(rows),
            "temp: °C": rng.normal(size=rows),
        }
    )
    return table.assign(sold=10 + 3 * table["yes"] + rng.normal(size=rows))


def saved(folder: Path, table: pd.DataFrame, inputs: list[str], target: str) -> tuple[Path, Path]:
    kind = LinearRegression() if table[target].nunique() > 2 else LogisticRegression(max_iter=5_000)
    joblib.dump(kind.fit(table[inputs], table[target]), folder / "Demand Model.joblib")
    table.to_parquet(folder / "reference.parquet")
    return folder / "Demand Model.joblib", folder / "reference.parquet"


def test_a_proposal_is_a_valid_setpoint_file(tmp_path: Path) -> None:
    """Target, time and id are found; the bound is a fifth above what a refitted copy does on the last fifth."""
    text = propose_setpoint(*saved(tmp_path, demand(), ["yes", "temp: °C"], "sold"), tmp_path)
    (tmp_path / "setpoint.yaml").write_text(text)
    file = read_setpoint_file(tmp_path)
    assert (file.model, file.task, file.target) == ("demand-model", "regression", "sold")
    assert (file.time, file.id) == ("at", "order_id")
    assert (file.artifact, file.reference) == ("Demand Model.joblib", "reference.parquet")
    quality = file.objectives[0]
    assert quality.metric == "mae"
    assert quality.at_most == pytest.approx(1.2 * np.sqrt(2 / np.pi), rel=0.15)  # the noise's own mean, a fifth more
    assert quality.window == 14 * DAY
    assert "14d (340 outcomes) show" in text
    assert "# - {metric: bias" in text
    assert "measured by a copy refitted on 1,600 rows, scored on the 400 that follow" in text
    assert "follow in the table" not in text
    assert all(
        line.count("#") for line in text.splitlines() if line and not line.startswith((" ", "#", "model", "env", "obj"))
    )


def test_a_classifier_gets_an_auc(tmp_path: Path) -> None:
    table = load_breast_cancer(as_frame=True).frame
    text = propose_setpoint(*saved(tmp_path, table, list(table.columns[:-1]), "target"), tmp_path)
    (tmp_path / "setpoint.yaml").write_text(text)
    file = read_setpoint_file(tmp_path)
    assert file.task == "binary"
    assert file.objectives[0].metric == "roc_auc"
    assert 0.8 < file.objectives[0].at_least <= 0.9
    assert "that follow in the table" in text


def test_columns_that_yaml_would_misread_come_back(tmp_path: Path) -> None:
    table = demand().rename(columns={"sold": "no"})
    text = propose_setpoint(*saved(tmp_path, table, ["yes"], "no"), tmp_path, target="no", time="at")
    assert yaml.safe_load(text)["target"] == "no"


def test_an_ambiguous_target_is_asked_for(tmp_path: Path) -> None:
    paths = saved(tmp_path, demand().assign(lost=1.5), ["yes"], "sold")
    with pytest.raises(InvalidInput, match=r"--target. Candidates: temp: °C, sold, lost"):
        propose_setpoint(*paths, tmp_path)
    with pytest.raises(InvalidInput, match=r"no column 'soldd' .*did you mean 'sold'"):
        propose_setpoint(*paths, tmp_path, target="soldd")
