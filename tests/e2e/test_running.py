"""A running home: what it refuses and how it says so, and what becomes of outcomes."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.domain.rollout import Phase


def test_ports_in_use_are_said(setpoint: Any, campaign: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = f"port {port} is in use (127.0.0.1:{port}): choose another with {{}} or stop what listens there"
        free = ["--port", setpoint.port, "--control-port", setpoint.control]
        assert setpoint.says("up", *free[:2], "--control-port", port) == said.format("--control-port")
        assert setpoint.says("up", *free[2:], "--port", port) == said.format("--port")
        assert setpoint.says("up", *free[2:], "--port", port, "--detach") == said.format("--port")
        assert setpoint.says("up", *free, "--grpc-port", port) == said.format("--grpc-port")
        assert setpoint.says("up", *free, "--grpc-port", port, "--detach") == said.format("--grpc-port")
    assert setpoint.says("down") == f"nothing is up on {setpoint.home}"


@pytest.fixture
def running(setpoint: Any, deployed: None, calls: Any) -> Any:
    """The campaign, up, with 60 answered calls."""
    setpoint.up()
    setpoint.predict("campaign", calls(60, seed=1).drop(columns="bought"))
    return setpoint


def outcomes(running: Any, file: Path, *rows: tuple[str, str], code: int = 0) -> dict[str, Any]:
    pd.DataFrame(rows, columns=["call", "bought"]).to_csv(file, index=False)
    found: dict[str, Any] = running.json("outcomes", "campaign", file, code=code)
    return {k: v for k, v in found.items() if v and k != "received"}


def test_what_a_running_home_refuses_and_what_becomes_of_outcomes(running: Any, calls: Any, tmp_path: Path) -> None:
    file, world = tmp_path / "outcomes.csv", calls(60, seed=1)
    truth = list(zip(world["call"], world["bought"], strict=True))
    other = {"yes": "no", "no": "yes"}

    # sent twice: once; changed: a correction; unknown: kept, and said
    assert outcomes(running, file, *truth[:20]) == {"recorded": 20}
    assert outcomes(running, file, *truth[:20]) == {"repeated": 20}
    assert outcomes(running, file, ("c0", other[truth[0][1]]), *truth[1:20]) == {
        "recorded": 1, "repeated": 19, "corrected": 1,
    }  # fmt: skip
    assert outcomes(running, file, ("zz9", "yes"), code=1) == {
        "recorded": 1, "unknown": 1, "unknown_examples": ["zz9"],
    }  # fmt: skip
    said = running.run("outcomes", "campaign", file, code=1).stdout
    assert "1 ids have no prediction in the log (zz9); they are kept, and join if it still arrives" in said

    # the same over HTTP, where the answer is that they are recorded
    told = {"outcomes": [{"id": "c30", "value": truth[30][1]}, {"id": "c31", "value": truth[31][1]}]}
    assert running.ask("POST", "/v1/models/campaign:outcome", told)[0] == 200
    assert running.ask("POST", "/v1/models/campaign:outcome", told)[0] == 200
    status, body, _ = running.ask("POST", "/v1/models/campaign:outcome", {"outcomes": [{"id": "c1", "value": "maybe"}]})
    assert status in (400, 422)
    assert "'maybe'" in body["error"]
    assert running.ask("POST", "/v1/models/nosuch:outcome", told)[0] == 404

    known = {r["id"]: r["outcome"] for r in running.records("campaign") if r["outcome"] is not None}
    assert known == {"c0": other[truth[0][1]], **dict(truth[1:20]), **dict(truth[30:32])}

    # a late prediction joins the outcome that came before it
    late = calls(1, seed=5).assign(call="zz9").drop(columns="bought")
    running.predict("campaign", late)
    assert {r["id"]: r["outcome"] for r in running.records("campaign")}["zz9"] == "yes"

    # what an engineer on call asks
    def asked(*options: object) -> list[Any]:
        said = running.run("records", "campaign", "--json-lines", *options).stdout
        return [json.loads(line) for line in said.splitlines()]

    recorded = running.records("campaign")
    old = asked("--where", "age > 60 and outcome is None")
    assert old == [r for r in recorded if r["status"] == 200 and r["inputs"]["age"] > 60 and r["outcome"] is None] != []
    admins = asked("--segment", "job=admin", "--limit", 3)
    assert admins == [r for r in recorded if r["status"] == 200 and r["inputs"]["job"] == "admin"][-3:]
    assert running.says("records", "campaign", "--where", "agee > 60").startswith(
        "in 'agee > 60': agee is no column (did you mean 'age'?); there are: "
    )
    assert running.says("records", "campaign", "--segment", "job").endswith("expected FEATURE=VALUE, such as job=admin")

    # what cannot be done now says why
    again = running.says("up", "--detach", "--port", 1, "--control-port", 2)
    assert again.startswith(f"{running.home} is up already on http://127.0.0.1:{running.port} (pid ")
    assert again.endswith("`setpoint down` stops it")
    assert running.says("update", "campaign") == "23 new labelled rows since the last training; 200 are needed"
    nothing = "there is no good version of campaign before v1 to roll back to; name the one that you want with --to"
    assert running.says("rollback", "campaign") == nothing
    assert running.says("rollback", "campaign", "--to", "v7") == "model 'campaign' has no version 'v7'; it has: v1"
    assert "'nosuch'" in running.says("predict", "nosuch", file)
    assert running.says("predict", "campaign", file) == "the table lacks age, balance, job; it has call, bought"
    world.drop(columns="bought").assign(age="old").to_csv(file, index=False)
    assert running.says("predict", "campaign", file).endswith("field 'age': string 'old'; expected a whole number")
    world[["call"]].assign(bought="maybe").to_csv(file, index=False)
    assert running.says("outcomes", "campaign", file) == "row 0: label 'maybe' is not 'no' or 'yes'"


@pytest.mark.usefixtures("deployed")
def test_a_body_beyond_its_bound_is_refused_and_the_connection_ends(setpoint: Any) -> None:
    setpoint.environment["SETPOINT_MAX_BODY_BYTES"] = "2000"
    setpoint.up()
    row = {"age": 40, "balance": 1.0, "job": "admin"}
    assert setpoint.ask("POST", "/v1/models/campaign:predict", {"instances": [row]})[0] == 200
    connection = http.client.HTTPConnection("127.0.0.1", setpoint.port, timeout=30)
    connection.request("POST", "/v1/models/campaign:predict", json.dumps({"instances": [row] * 100}))
    answer = connection.getresponse()
    assert answer.status == 413
    assert "2000" in json.loads(answer.read())["error"].replace(",", "")
    connection.close()
    assert len(setpoint.records("campaign")) >= 1


@pytest.mark.usefixtures("deployed")
def test_the_data_plane_serves_without_its_state_database(setpoint: Any) -> None:
    setpoint.environment["SETPOINT_STATE"] = "nosuch://host/x"
    said = setpoint.says("up", "--detach", "--port", setpoint.port, "--control-port", setpoint.control)
    assert said.startswith(
        f"the data plane is up on http://127.0.0.1:{setpoint.port}, and the loop is not: SETPOINT_ST"
    )
    rows = {"instances": [{"age": 40, "balance": 1.0, "job": "admin"}]}
    assert setpoint.ask("POST", "/v1/models/campaign:predict", rows)[0] == 200


@pytest.mark.usefixtures("deployed")
def test_the_loop_and_a_person_who_updates_do_not_train_twice(
    setpoint: Any, calls: Any, tmp_path: Path, until: Any
) -> None:
    setpoint.environment["SETPOINT_TICK_EVERY_S"] = "0.2"
    setpoint.up()
    world = calls(600, seed=1, turned=True)
    setpoint.predict("campaign", world.drop(columns="bought"))
    world[["call", "bought"]].to_csv(tmp_path / "outcomes.csv", index=False)
    setpoint.run("outcomes", "campaign", tmp_path / "outcomes.csv")
    # whoever is first: the loop has its own reason to retrain
    setpoint.run("update", "campaign", code=None)

    operator = open_home(Settings(home=setpoint.home))

    def settled() -> bool:
        phases = {r.phase for r in operator.deployments("campaign")[0].rollouts}
        return bool(phases) and not {Phase.GATE, Phase.REFIT} & phases

    until(settled, 120)
    setpoint.run("down")
    jobs = [f.parent.name for f in (setpoint.home / "jobs").glob("*/result.json")]
    versions = [f.name for f in (setpoint.home / "bundles" / "campaign").iterdir() if f.name.startswith("v")]
    assert len(versions) == 1 + len(jobs)
    rollouts = setpoint.json("rollout", "campaign")["rollouts"]
    assert len(rollouts) == len([job for job in jobs if not job.endswith(("-refit", "-all"))])
