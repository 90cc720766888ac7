"""Retraining from a log whose inputs are encrypted: with the key it goes on, without it it says why not."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import typer
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from typer.testing import CliRunner

import setpoint
from setpoint.bootstrap.home import open_home
from setpoint.cli.updating.sets import show
from setpoint.config import Settings, read_setpoint_file
from setpoint.domain.keys import CIPHER, new_key
from setpoint.domain.record import InferenceRecord, Layout, Outcome
from setpoint.domain.sensitive import Guard
from setpoint.errors import Conflict, InvalidInput
from setpoint.loop.learning.sets import stored_set
from setpoint.loop.looks.clear import in_clear
from setpoint.loop.verbs import deploying, recorded, retraining
from setpoint.store.spool import Spool

pytestmark = pytest.mark.timeout(300)
SECRET = "Xwidow-of-LinzX"


def people(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"age": rng.normal(50, 10, count), "job": rng.choice(["admin", "retired", SECRET], count)})
    sure = (rows["age"] - 50) / 4 + 3 * (rows["job"] == SECRET) - 1
    return rows.assign(bought=np.where(sure + rng.logistic(size=count) > 0, "yes", "no"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rows = tmp_path_factory.mktemp("people"), people(300, 0)
    prepare = make_column_transformer((StandardScaler(), ["age"]), (OneHotEncoder(), ["job"]))
    joblib.dump(
        make_pipeline(prepare, LogisticRegression()).fit(rows[["age", "job"]], rows["bought"]), folder / "model.joblib"
    )
    rows.to_parquet(folder / "reference.parquet", index=False)
    (folder / "setpoint.yaml").write_text(
        "model: people\ntask: binary\nartifact: model.joblib\nreference: reference.parquet\ntarget: bought\n"
        "features: {job: {sensitive: encrypt}}\nsensitive: {id: hash}\n"
        "objectives: [{metric: roc_auc, at_least: 0.5}]\n"
    )
    return folder


def shown(*options: str) -> tuple[int, str]:
    """What `setpoint update set people` ends with and says."""
    app = typer.Typer()
    app.command()(show)
    ran = CliRunner().invoke(app, ["people", *options])
    return ran.exit_code, ran.output or str(ran.exception)


def test_a_version_is_trained_on_what_the_key_opens(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETPOINT_KEY", key := new_key())
    home = tmp_path / "home"
    operator = open_home(Settings(home=home), wait_for_trainings=True)
    version = deploying.deploy(operator, read_setpoint_file(project), by="me")
    keys = operator.ports.keys.keys()
    guard, rows, spool = Guard("people", version.schema, keys), people(400, 1), Spool(home / "spool", "worker-0-1")
    first = datetime.now(UTC) - timedelta(minutes=30)
    for i, row in enumerate(rows.itertuples()):
        at = int((first + timedelta(seconds=i)).timestamp() * 1e6)
        record = InferenceRecord(
            f"r{i}", "people", "v1", "champion", at, 100, 200, "", [f"r{i}"], [at],
            Layout(("age", "job"), ("label", "probability")), [[row.age], [row.job]], [["no"], [0.4]],
        )  # fmt: skip
        spool.append([guard.record(record)])
    spool.close()
    now = int(datetime.now(UTC).timestamp() * 1e6)
    receipt = recorded.outcomes(
        operator, "people", [Outcome(f"r{i}", label, now) for i, label in enumerate(rows["bought"])]
    )
    assert (receipt.recorded, receipt.unknown) == (400, 0)

    read = operator.ports.log.read("people")
    assert all(job.startswith(CIPHER) for job in read.inputs["job"])
    assert in_clear(operator.ports, "people", read).inputs["job"].tolist() == rows["job"].tolist()
    assert operator.look("people")[1].findings is not None

    monkeypatch.delenv("SETPOINT_KEY")
    with pytest.raises(Conflict, match=r"job is recorded encrypted, and the key is not here"):
        retraining.update(open_home(Settings(home=home)), "people", by="me")

    retraining.update(operator, "people", by="me")
    said = retraining.finish(operator, "people")
    assert {d.action for d in said} & {"shadow", "reject", "wait"}, said
    gate = operator.deployments("people")[0].rollouts[-1].candidate.gate
    assert gate is not None
    assert gate.champion_loss < 0.6  # asked with what the model saw: a ciphertext would be no job at all
    trained = operator.ports.bundles.get("people", "v2")
    assert [f.sensitive for f in trained.schema.features] == [None, "encrypt"]
    files = [f for f in home.rglob("*") if f.is_file() and f.suffix not in (".joblib", ".onnx")]
    assert not [f for f in files if SECRET.encode() in f.read_bytes()]
    tables = [f for f in files if f.suffix == ".parquet"]
    assert not [f for f in tables if SECRET in repr(pq.read_table(f).to_pylist())]
    assert not [name for name in ("train.parquet", "provenance.parquet") if list((home / "jobs").rglob(name))]

    monkeypatch.setenv("SETPOINT_HOME", str(home))
    monkeypatch.setenv("SETPOINT_KEY", key)
    code, said = shown("--version", "v2", "--out", str(tmp_path / "set.parquet"))
    assert (code, "add --decrypt" in said, SECRET in said) == (1, True, False)
    code, said = shown("--version", "v2", "--out", str(tmp_path / "set.parquet"), "--decrypt", "--json")
    assert json.loads(said)["digest"] == trained.lineage.set_sha256
    names = ("set.parquet", "set.provenance.parquet", "set.recipe.json")
    assert json.loads(said)["files"] == [str(tmp_path / name) for name in names]
    assert SECRET in pq.read_table(tmp_path / "set.parquet")["job"].to_pylist()
    with pytest.raises(InvalidInput, match="pass decrypt=True"):
        setpoint.training_set("people", home=home)
    same = setpoint.training_set("people", version="v2", decrypt=True, home=home)
    assert same.recipe.digest == trained.lineage.set_sha256
    code, said = shown()
    assert [line.split()[0] for line in said.splitlines()[1:4]] == ["reference", "log", "doubtful_spans"]

    kept = stored_set(operator.ports, "people", "v2")  # which checks it against the digest of its recipe
    assert kept.recipe.digest == trained.lineage.set_sha256
    assert SECRET in kept.table["job"].to_pylist()
    assert set(kept.provenance["id"].drop_null().to_pylist()) <= set(read.id)  # as they are recorded: hashed
