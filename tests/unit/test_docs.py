import re
from pathlib import Path

import pytest

from setpoint.api.control import control_app
from setpoint.cli.app import COMMANDS
from setpoint.cli.lazy import Later
from setpoint.config import (
    METRICS,
    AuditPart,
    CostPart,
    EnvelopePart,
    MarginsPart,
    ObjectivePart,
    OutcomesPart,
    OwnerPart,
    RolloutPart,
    SetPart,
    SetpointFile,
    Settings,
    StepPart,
    UpdatePart,
)
from setpoint.serve.routes import ROUTES
from setpoint.store.people import People

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))


def page(name: str) -> str:
    return (REFERENCE / name).read_text()


@pytest.mark.parametrize(
    "part",
    [
        *(SetpointFile, ObjectivePart, EnvelopePart, UpdatePart, CostPart),
        *(SetPart, RolloutPart, StepPart, MarginsPart, OutcomesPart, OwnerPart, AuditPart),
    ],
)
def test_every_key_of_the_setpoint_file_has_its_row(part):
    for key in part.model_fields.keys() - {"root"}:
        assert f"| `{key}` |" in page("setpoint-yaml.md")


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_described(metric):
    assert f"`{metric}`" in page("setpoint-yaml.md")


def test_every_setting_has_its_row():
    for name in Settings.model_fields:
        assert f"| `SETPOINT_{name.upper()}` |" in page("environment.md")


def test_every_command_has_its_section_and_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    for name, _, _ in COMMANDS:
        assert f"### {name}\n" in page("commands.md")
        assert re.search(rf"`{name}\b", readme), name


@pytest.mark.parametrize(
    "command", [Later(name, "", f"setpoint.cli.{place}") for name, place, _ in COMMANDS], ids=lambda c: c.name
)
def test_every_option_is_described(command):
    found = command.load()
    alone = [c.load() if isinstance(c, Later) else c for c in getattr(found, "commands", {"": found}).values()]
    spelt = {
        o for c in alone for p in c.params if not p.hidden for o in p.secondary_opts or p.opts if o.startswith("--")
    }
    text = page("commands.md")
    assert {o for o in spelt - {"--help"} if f"`{o}" not in text} == set()


def test_every_route_of_the_data_plane_is_described():
    text = page("http.md")
    for method, pattern, _ in ROUTES:
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern).replace("\\", "")
        bare = re.sub(r"\(\?:[^)]*\)\?", "", path)
        assert f"{method} {bare}`" in text, (method, bare)
        if bare != path:
            assert f"/versions/{{version}}{bare.partition('{model}')[2]}`" in text, pattern


def test_every_route_of_the_control_api_is_described():
    text = page("http.md")
    app = control_app(None, People(Path()), tick_every_s=0)  # type: ignore[arg-type]
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            assert re.search(rf"`{method.upper()} {re.escape(path)}[`?]", text), path


def test_every_verb_is_described():
    import setpoint

    for verb in setpoint.__all__:
        assert f"| `{verb}(" in page("python.md")


@pytest.mark.parametrize("file", PAGES, ids=lambda f: f.name)
def test_pages_name_no_command_that_is_not_there(file):
    known = {name for name, _, _ in COMMANDS}
    used = re.findall(r"^\s*(?:\$ )?setpoint ([a-z]+)", file.read_text(), re.MULTILINE)
    assert set(used) <= known
