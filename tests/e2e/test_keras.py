"""A Keras regression, from its own file to a continued version and back."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

keras = pytest.importorskip("keras")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

INPUTS = ("AT", "AP", "AH", "AFDP", "GTEP", "TIT", "TAT", "TEY", "CDP")


def hours(count: int, seed: int, *, burner: float = 0.0) -> pd.DataFrame:
    """Hours of a gas turbine, seen by nine sensors; `burner`: NOx that a worn burner adds at low load."""
    rng = np.random.default_rng(seed)
    ambient, load = rng.normal(18, 7, count), rng.uniform(-1, 1, count)
    rows = pd.DataFrame(
        {
            "AT": ambient,
            "AP": rng.normal(1013, 6, count),
            "AH": np.clip(80 - ambient + rng.normal(0, 8, count), 25, 100),
            "AFDP": 4 + 0.6 * load + rng.normal(0, 0.3, count),
            "GTEP": 25 + 4 * load + rng.normal(0, 0.5, count),
            "TIT": 1080 + 17 * load + rng.normal(0, 2, count),
            "TAT": 546 - 6 * load + rng.normal(0, 1, count),
            "TEY": 134 + 15 * load - 0.2 * ambient + rng.normal(0, 1, count),
            "CDP": 12 + load + rng.normal(0, 0.1, count),
        }
    )
    emitted = 75 - 0.9 * ambient - 8 * load + burner * (load < 0) + rng.normal(0, 2, count)
    return rows.assign(NOX=emitted)


def train(table: pd.DataFrame, file: Path) -> None:
    """Train a network and save it, as a user does before there is a Setpoint."""
    X, y = table.drop(columns="NOX").to_numpy("float32"), table["NOX"].to_numpy("float32")
    keras.utils.set_random_seed(0)
    normal = keras.layers.Normalization()
    normal.adapt(X)
    ends = keras.layers.Dense(16, "relu"), keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((X.shape[1],)), normal, *ends])
    model.compile(keras.optimizers.Adam(0.01), "mae")
    model.fit(X, y, batch_size=64, epochs=15, verbose=0)
    model.save(file)


def send(setpoint: Any, rows: pd.DataFrame, folder: Path, batch: int = 100) -> None:
    """Send rows, and their outcomes by the ids the server gave them."""
    told = []
    for start in range(0, len(rows), batch):
        part = rows.iloc[start : start + batch]
        instances = part[list(INPUTS)].to_numpy().tolist()  # as lists, in the model's order
        status, body, headers = setpoint.ask("POST", "/v1/models/turbine:predict", {"instances": instances})
        assert (status, len(body["predictions"])) == (200, len(part))
        told += [(f"{headers['x-request-id']}/{i}", y) for i, y in enumerate(part["NOX"])]
    pd.DataFrame(told, columns=["id", "NOX"]).to_parquet(folder / "outcomes.parquet", index=False)
    setpoint.run("outcomes", "turbine", folder / "outcomes.parquet")


def alarms(setpoint: Any) -> set[tuple[str, bool]]:
    return {(f["metric"], f["alarm"]) for f in setpoint.json("monitor", "turbine")["findings"]}


def test_a_keras_regression_goes_the_whole_way(setpoint: Any, tmp_path: Path, until: Any) -> None:
    project = tmp_path / "turbine"
    project.mkdir()
    reference = hours(2_000, seed=0)
    reference.to_parquet(project / "reference.parquet", index=False)
    train(reference, project / "turbine.keras")
    said = setpoint.run("init", project / "turbine.keras", project / "reference.parquet", "--target", "NOX").stdout
    assert "regression of NOX, model turbine" in said

    made = setpoint.json("deploy", project)
    assert made["runtime"] == "onnxruntime"
    (converted,) = [c for c in made["candidates"] if c["chosen"]]
    assert converted["parity"]["ok"]
    assert made["reference_metrics"]["mae"] < 3

    setpoint.up()
    worn = hours(1_600, seed=1, burner=12.0)
    send(setpoint, worn, tmp_path)
    until(lambda: ("mae", True) in alarms(setpoint))

    said = setpoint.run("update", "turbine").stdout
    assert "refit v2: at the gate: " in said
    assert "the candidate is better by" in said
    assert "shadow v3: trained like v2" in said
    send(setpoint, hours(300, seed=2, burner=12.0), tmp_path)
    decisions = setpoint.tick() + setpoint.tick()
    assert [d["subject"] for d in decisions if d["action"] == "promote"] == ["v3"]

    one = {"instances": [worn.iloc[0][list(INPUTS)].tolist()]}
    _, new, headers = setpoint.ask("POST", "/v1/models/turbine:predict", one)
    assert headers["x-model-version"] == "v3"
    setpoint.run("rollback", "turbine")
    _, old, headers = setpoint.ask("POST", "/v1/models/turbine:predict", one)
    assert headers["x-model-version"] == "v1"
    assert old != new
    assert (setpoint.home / "bundles/turbine/v3/turbine.keras").exists()
