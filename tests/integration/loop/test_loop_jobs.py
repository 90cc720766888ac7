"""Training jobs while they run: seen, cancelled, killed, and taken up again."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from setpoint.domain.value import replace
from setpoint.errors import Conflict, NotFound
from setpoint.loop.learning.training import MOST_ATTEMPTS, ProcessTrainer
from setpoint.loop.verbs import retraining
from setpoint.loop.verbs.operator import Operator
from setpoint.ports import FitJob, FitResult

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Jobs:
    """A trainer over a deployed model, and the user's training that it runs."""

    def __init__(self, ports: Any, clock: Any, project: Path) -> None:
        self.ports, self.clock, self.project = ports, clock, project
        self.trainer = self.another()

    def another(self) -> ProcessTrainer:
        """A trainer of another process."""
        return ProcessTrainer(self.ports.bundles, self.ports.jobs, self.clock, timeout_s=60)

    def submit(self, *lines: str) -> None:
        code = "\n    ".join(("def fit(table, schema, artifact, *, progress, checkpoint):", *lines))
        (self.project / "train.py").write_text(f"import joblib, os, time\n{code}\n    return joblib.load(artifact)\n")
        rows = str(self.ports.bundles.folder("demand", "v1") / "reference.parquet")
        self.trainer.submit(
            FitJob(id="j", model="demand", parent="v1", training_set=rows, reason="", trained_since=NOW,
                   trained_until=NOW, train="train.py:fit", source=str(self.project))
        )  # fmt: skip

    def until(self, true: Callable[[], Any]) -> Any:
        end = time.monotonic() + 90
        while not (found := true()):
            assert time.monotonic() < end
            time.sleep(0.05)
        return found

    def ended(self, trainer: ProcessTrainer | None = None) -> FitResult:
        result: FitResult = self.until(lambda: (trainer or self.trainer).result("j"))
        return result


@pytest.fixture
def jobs(world: Any, tmp_path: Path) -> Jobs:
    w = world()
    project = tmp_path / "mine"
    project.mkdir()
    return Jobs(w.operator.ports, w.clock, project)


def test_another_process_sees_how_far_it_is_and_cancels_it(jobs: Jobs) -> None:
    elsewhere = jobs.another()
    jobs.submit("progress('half way', done=0.5)", "time.sleep(600)")
    seen = jobs.until(lambda: (p := elsewhere.progress("j")) and p.done and p)
    assert (seen.words, seen.done, seen.attempt) == ("half way", 0.5, 1)
    assert seen.started <= seen.heard <= datetime.now(UTC)
    elsewhere.cancel("j", "ann")
    assert jobs.ended().error == "the training was cancelled by ann"
    assert jobs.ended(jobs.another()).error == "the training was cancelled by ann"  # and does not start again
    assert elsewhere.progress("j") is None
    with pytest.raises(Conflict, match="training j has ended"):
        elsewhere.cancel("j", "bob")
    with pytest.raises(NotFound, match="there is no training k"):
        elsewhere.cancel("k", "bob")


def test_one_that_is_killed_goes_on_from_its_checkpoint_and_is_tidied(jobs: Jobs) -> None:
    jobs.submit(
        "begun = checkpoint / 'begun'",
        "if not begun.exists():",
        "    begun.write_text('here')",
        "    os.kill(os.getpid(), 9)",
    )
    result = jobs.ended()
    assert (result.version, result.error) == ("v2", None)
    folder = jobs.ports.jobs / "j"
    assert len((folder / "attempts").read_text().splitlines()) == 2
    left, end = {"attempts", "fit.log", "job.json", "result.json", "running.lock"}, time.monotonic() + 10
    while (found := {file.name for file in folder.iterdir()}) != left and time.monotonic() < end:
        time.sleep(0.05)  # the result is there before the folder is tidied
    assert found == left


def test_one_that_is_killed_again_and_again_ends(jobs: Jobs) -> None:
    jobs.submit("os.kill(os.getpid(), 9)")
    assert f"was killed {MOST_ATTEMPTS} times before it could end" in str(jobs.ended().error)
    assert jobs.ports.bundles.names("demand") == ["v1"]


def test_an_update_that_waits_is_cancelled_by_its_model(world: Any) -> None:
    w = world()
    w.until(14)
    with pytest.raises(Conflict, match="no training of demand is under way"):
        retraining.cancel(w.operator, "demand", by="ann")
    ports = w.operator.ports
    trainer = ProcessTrainer(ports.bundles, ports.jobs, w.clock, timeout_s=60)
    operator = Operator(ports=replace(ports, trainer=trainer), clock=w.clock)
    job = retraining.update(operator, "demand", by="ann")
    assert retraining.cancel(operator, "demand", by="bob") == job
    w.clock.time += timedelta(hours=1)
    said = retraining.finish(operator, "demand")
    assert [(d.action, d.why) for d in said][-1] == ("training cancelled", "the training was cancelled by bob")
    assert ports.bundles.names("demand") == ["v1"]
