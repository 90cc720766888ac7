"""What the supervisor decides without processes."""

import os
import subprocess

from setpoint.platforms.files import HomeFiles, alive
from setpoint.platforms.supervisor import delay_s, forget_gauges, fresh_metrics_folder


def test_the_first_restart_is_at_once_and_later_ones_wait_longer_up_to_thirty_seconds():
    delays = [delay_s(n) for n in range(1, 40)]
    assert delays[:4] == [0.0, 0.25, 0.5, 1.0]
    assert delays == sorted(delays)
    assert delays[-1] == 30.0


def test_a_dead_process_is_not_alive():
    child = subprocess.Popen(["true"])
    child.wait()
    assert not alive(child.pid)
    assert alive(os.getpid())


def test_a_state_file_without_its_supervisor_counts_as_nothing(tmp_path):
    files = HomeFiles(tmp_path)
    assert files.running() is None
    files.run.mkdir()
    files.supervisor.write_text('{"pid": 1, "host": "127.0.0.1", "port": 8080}')  # alive, and no supervisor of ours
    assert files.running() is None
    files.lock.touch()
    assert files.running() is None


def test_counters_of_a_killed_supervisor_are_cleared(tmp_path):
    first = fresh_metrics_folder(tmp_path)
    (first / "counter_1.db").touch()
    second = fresh_metrics_folder(tmp_path)
    assert not first.exists()
    assert list(second.iterdir()) == []
    second.rmdir()


def test_only_the_gauges_of_a_dead_worker_are_dropped(tmp_path):
    for name in ("gauge_livesum_7.db", "gauge_livemin_7.db", "counter_7.db", "gauge_livesum_77.db"):
        (tmp_path / name).touch()
    forget_gauges(tmp_path, 7)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["counter_7.db", "gauge_livesum_77.db"]
