"""The versions of a model as people see them: lists, one version, what differs, whether all is whole."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from setpoint.cli.app import app
from setpoint.cli.show import console
from setpoint.domain.data_contract import DataContract, Rule
from setpoint.domain.schema import Contract, DType, Feature, Kind
from setpoint.domain.value import replace
from setpoint.domain.version import Variant
from setpoint.loop.verbs.difference import difference
from setpoint.loop.verbs.operator import Operator
from tests.unit.versions.hand_made import SCHEMA, a_deployment, a_version

EMPTY = DataContract()


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the width itself: Rich reads COLUMNS once, when some test first imports the command line."""
    monkeypatch.setattr(console, "_width", 200)


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["versions", *arguments], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_the_list_says_what_each_version_is_for(five: Operator) -> None:
    text = run("demand")
    assert [line.split()[0] for line in text.splitlines()[1:] if line.strip()] == ["v1", "v2", "v3", "v4", "v5"]
    assert "mae 12" in text
    assert "champion" in text
    found = json.loads(run("list", "demand", "--json"))["versions"]
    assert [v["marks"] for v in found] == [[], [], [], [], ["champion"]]
    assert len({v["digest"] for v in found}) == 5


def test_a_damaged_version_is_listed_as_such_and_hides_no_other(five: Operator) -> None:
    manifest = five.ports.bundles.folder("demand", "v2") / "bundle.json"
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes().replace(b"onnxruntime", b"onnxruntimE"))
    assert "damaged: " in run("demand")
    assert "differs from its digest" in run("verify", "demand", code=1)
    found = json.loads(run("verify", "--json", code=1))["versions"]
    assert [v["version"] for v in found if not v["ok"]] == ["v2"]


def test_one_version_is_shown_whole(five: Operator) -> None:
    text = run("show", "demand", "v2")
    assert "parent" in text
    assert "m.joblib" in text
    shown = json.loads(run("show", "demand", "v2", "--json"))
    assert shown["manifest"]["lineage"]["parent"] == "v1"


def test_keys_are_made_once_and_sign_what_is_there(five: Operator) -> None:
    assert "with key" in run("keygen")
    run("sign", "demand", "v1", "--by", "ann")
    assert "signed" in run("demand")
    assert [(d.action, d.subject, d.by) for d in five.deployments("demand")[0].decisions] == [("sign", "v1", "ann")]


def test_prune_shows_what_goes_and_asks(five: Operator) -> None:
    done = CliRunner().invoke(app, ["versions", "prune", "--keep", "0"], input="n\n")
    assert done.exit_code == 1
    assert five.ports.bundles.names("demand") == ["v1", "v2", "v3", "v4", "v5"]
    found = json.loads(run("prune", "demand", "--keep", "0", "--yes", "--json"))["models"]
    assert [r["version"] for r in found[0]["removed"]] == ["v2", "v3"]
    assert "v2 was removed by" in run("demand")


def test_holds_show_in_the_list(five: Operator) -> None:
    run("hold", "demand", "v2", "--why", "case 17", "--by", "ann")
    assert json.loads(run("demand", "--json"))["versions"][1]["marks"] == ["hold"]
    assert "by ann" in run("release", "demand", "v2")


def changed(what: dict[str, Any], learnt: DataContract = EMPTY) -> list[tuple[str, str, str | None, str | None]]:
    a, b = a_version("v1"), a_version("v1", **what)
    found = difference(a, b, (EMPTY, learnt))
    assert {c.section for c in found.changes}.isdisjoint(found.same)
    return [(c.section, c.name, c.before, c.after) for c in found.changes]


def test_the_same_version_differs_in_nothing() -> None:
    assert changed({}) == []


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (
            {"schema": replace(SCHEMA, features=SCHEMA.features[:1])},
            ("schema", "hum", "numeric float64", None),
        ),
        (
            {
                "schema": replace(
                    SCHEMA,
                    features=(
                        SCHEMA.features[0],
                        Feature(name="hum", kind=Kind.NUMERIC, dtype=DType.FLOAT, contract=Contract(low=0, high=1)),
                    ),
                )
            },
            ("contract", "hum", None, "min 0; max 1; on violation reject"),
        ),
        ({"runtime": "native"}, ("runtime", "runtime", "onnxruntime", "native")),
        (
            {"variants": (Variant(runtime="onnxruntime", precision="int8", chosen=True),)},
            ("runtime", "precision", None, "int8"),
        ),
        ({"reference_metrics": {"mae": 11.5}}, ("metrics", "mae", "12", "11.5")),
        ({"files": {"m.joblib": "0123456789abcdef"}}, ("files", "m.joblib", None, "0123456789ab")),
        (
            {"lineage": replace(a_version("v1").lineage, packages={"numpy": "2.0"})},
            ("packages", "numpy", None, "2.0"),
        ),
        ({"lineage": replace(a_version("v1").lineage, rows=7)}, ("reference", "rows", "0", "7")),
        ({"lineage": replace(a_version("v1").lineage, created_by="bob")}, ("lineage", "created_by", None, "bob")),
    ],
)
def test_each_part_of_a_version_is_compared(what: dict[str, Any], expected: tuple[str, str, str, str]) -> None:
    assert changed(what) == [expected]


def test_rules_between_columns_are_compared() -> None:
    learnt = DataContract(rules=(Rule(kind="given", text="temp <= hum", columns=("temp", "hum")),))
    assert changed({}, learnt) == [("contract", "temp <= hum", None, "given")]


def test_what_differs_is_printed_with_the_sections_that_do_not(home: Any, tmp_path: Path) -> None:
    home([a_version("v1"), a_version("v2", 50, runtime="native")], a_deployment(["v1", "v2"]))
    text = run("diff", "demand", "v1", "v2")
    assert "native" in text
    assert "The same: schema, contract, threshold" in text
    found = json.loads(run("diff", "demand", "v1", "v2", "--json"))
    assert {"section": "runtime", "name": "runtime", "before": "onnxruntime", "after": "native"} in found["changes"]
