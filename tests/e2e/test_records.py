"""What is recorded, and how it is let go of, as a user runs it."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

SUBJECT = "subject-4711"


def holding(home: Path, text: str) -> list[Path]:
    """Files that hold a text as it is; those of Parquet are compressed, and looked at through `records`."""
    return [path for path in home.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def predict(setpoint: Any, count: int, id_: str | None = None) -> None:
    rows = pd.read_parquet(setpoint.campaign / "reference.parquet").drop(columns=["bought"]).head(count)
    rows["call"] = [id_ or f"other-{n}" for n in range(count)]
    setpoint.predict("campaign", rows)


@pytest.mark.usefixtures("deployed")
def test_one_subject_is_erased_while_the_model_serves(setpoint: Any, campaign: Path, until: Any) -> None:
    setpoint.campaign = campaign
    setpoint.up(workers=2)
    predict(setpoint, 60)
    predict(setpoint, 1, SUBJECT)
    told = {"outcomes": [{"id": SUBJECT, "value": "yes"}, {"id": "other-1", "value": "no"}]}
    assert setpoint.ask("POST", "/v1/models/campaign:outcome", told)[0] == 200
    assert {r["outcome"] for r in setpoint.records("campaign") if r["id"] == SUBJECT} == {"yes"}
    assert holding(setpoint.home, SUBJECT)

    assert "1 recorded rows" in setpoint.run("erase", "campaign", "--id", SUBJECT, "--dry-run").stdout
    receipt = setpoint.json("erase", "campaign", "--id", SUBJECT, "--yes", "--wait", "60")

    assert (receipt["rows"], receipt["outcomes"], receipt["lingering"]) == (1, 1, [])
    assert holding(setpoint.home, SUBJECT) == []
    left = setpoint.records("campaign")
    assert len(left) == 60
    assert SUBJECT not in json.dumps(left)
    (kept,) = setpoint.json("erase", "campaign", "--receipts")["erasures"]
    assert kept["id"] == receipt["id"]
    assert "nothing says what to erase" in setpoint.says("erase", "campaign")
    assert "write --yes as well" in setpoint.says("erase", "campaign", "--id", "other-1", "--json")
    assert setpoint.json("erase", "campaign", "--id", "other-1", "--dry-run") == {"model": "campaign", "rows": 1}


@pytest.mark.usefixtures("deployed")
def test_a_killed_supervisor_leaves_the_home_to_the_next(setpoint: Any, campaign: Path, until: Any) -> None:
    setpoint.campaign = campaign
    setpoint.up()
    predict(setpoint, 20)
    running = json.loads((setpoint.home / "run" / "supervisor.json").read_text())
    os.kill(running["pid"], signal.SIGKILL)
    setpoint.up()
    predict(setpoint, 10, "later")
    assert len(setpoint.records("campaign")) == 30
    until(lambda: not Path(f"/proc/{running['control']}").exists())


@pytest.mark.usefixtures("deployed")
def test_a_version_with_another_column_takes_over_and_the_loop_goes_on(
    setpoint: Any, campaign: Path, calls: Any
) -> None:
    setpoint.campaign = campaign
    setpoint.up()
    first = calls(200, seed=5)
    setpoint.predict("campaign", first.drop(columns="bought"))
    tell(setpoint, campaign, first)
    assert setpoint.tick() == []

    rows = calls(300, seed=6, first=1_000).assign(visits=lambda r: r["age"] // 10)
    numbers = ["age", "balance", "visits"]
    prepare = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(), ["job"]))
    joblib.dump(
        make_pipeline(prepare, LogisticRegression()).fit(rows[[*numbers, "job"]], rows["bought"]),
        campaign / "campaign.joblib",
    )
    rows.to_parquet(campaign / "reference.parquet", index=False)
    refused = setpoint.says("deploy", campaign, "--share", "10%")
    assert "in another order" in refused or "other columns than the champion" in refused
    setpoint.run("deploy", campaign)
    later = calls(200, seed=7, first=5_000).assign(visits=lambda r: r["age"] // 10)
    setpoint.predict("campaign", later.drop(columns="bought"))
    tell(setpoint, campaign, later)
    assert setpoint.tick() == []

    recorded = setpoint.records("campaign")
    assert len(recorded) == 400
    assert {r["inputs"]["visits"] is None for r in recorded if r["version"] == "v1"} == {True}
    assert {r["inputs"]["visits"] is None for r in recorded if r["version"] != "v1"} == {False}
    assert all(r["outcome"] for r in recorded)
    (status,) = setpoint.json("status", "campaign")["deployments"]
    assert (status["incidents_open"], status["objectives"][0]["rows"]) == (0, 200)
    setpoint.run("update", "campaign")


def tell(setpoint: Any, campaign: Path, rows: pd.DataFrame) -> None:
    rows[["call", "bought"]].to_csv(campaign / "told.csv", index=False)
    setpoint.run("outcomes", "campaign", campaign / "told.csv")
