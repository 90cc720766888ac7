"""`import setpoint`: the verbs, beside rooms of the same names."""

import importlib
import subprocess
import sys

import pytest

import setpoint
from setpoint.errors import NotFound


@pytest.mark.parametrize("verb", ["monitor", "deploy", "update"])
@pytest.mark.parametrize("first", ["", "import setpoint.{verb}", "setpoint.{verb}"])
def test_a_verb_stays_one_after_the_room_of_its_name_is_imported(verb, first):
    script = f"import setpoint\n{first.format(verb=verb)}\nprint(callable(setpoint.{verb}), setpoint.{verb}.__name__)"
    said = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", f"setpoint.{verb}"]


def test_calling_the_room_is_calling_the_verb(tmp_path):
    importlib.import_module("setpoint.monitor")
    with pytest.raises(NotFound):
        setpoint.monitor("nothing", home=tmp_path)


def test_versions_is_a_verb_that_has_more_of_them(tmp_path):
    with pytest.raises(NotFound):
        setpoint.versions("nothing", home=tmp_path)
    assert setpoint.versions.verify(home=tmp_path) == []
    assert len(setpoint.versions.keygen(home=tmp_path)) == 16
