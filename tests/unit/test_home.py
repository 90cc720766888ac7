"""The folder of a home: who may look into it."""

import os
import stat

import pytest

from setpoint.bootstrap.home import open_home
from setpoint.cli import running
from setpoint.config import Settings
from setpoint.domain.live import Live
from setpoint.errors import Unusable
from setpoint.platforms.files import HomeFiles
from setpoint.platforms.supervisor import Supervisor


@pytest.fixture(autouse=True)
def _open_to_all():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(folder):
    return stat.S_IMODE(folder.stat().st_mode)


def opened(home):
    open_home(Settings(home=home))


def supervised(home):
    os.close(Supervisor(home=home, worker=["true"], workers=1, host="127.0.0.1", port=0)._prepare())


def detached(home):
    asked = running.Ports(host="127.0.0.1", port=1, control_host="127.0.0.1", control_port=1, grpc_port=None, workers=1)
    with pytest.raises(Unusable):  # of the setting, in the process that is started
        running._detached(Settings(home=home), asked)


def written(home):
    HomeFiles(home).swap_live(Live(generation=1))


@pytest.mark.parametrize("make", [opened, supervised, detached, written])
def test_a_home_is_made_for_its_owner_alone_and_one_that_is_there_stays_as_it_is(tmp_path, make):
    make(tmp_path / "above" / "home")
    assert mode(tmp_path / "above" / "home") == 0o700
    assert mode(tmp_path / "above") == 0o755
    (tmp_path / "shared").mkdir(mode=0o750)
    make(tmp_path / "shared")
    assert mode(tmp_path / "shared") == 0o750
