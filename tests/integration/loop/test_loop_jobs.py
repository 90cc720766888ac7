"""Training jobs while they run: seen, cancelled, killed, and taken up again."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from setpoint.domain.value import replace
from setpoint.errors import Conflict, NotFound
from setpoint.loop.learning.candidates import unsound
from setpoint.loop.learning.job_folder import JobFolder
from setpoint.loop.learning.training import MOST_ATTEMPTS, ProcessTrainer
from setpoint.loop.verbs import recorded, retraining
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


def test_what_is_erased_while_a_training_learns_it_ends_the_training_and_its_set_goes(world: Any) -> None:
    w = world()
    w.until(14)
    ports = w.operator.ports
    later = SimpleNamespace(submit=lambda job: JobFolder(ports.jobs / job.id).ask(job))
    asking = Operator(ports=replace(ports, trainer=later), clock=w.clock)
    job = retraining.update(asking, "demand", by="ann")
    learnt = pq.read_table(ports.jobs / job / "provenance.parquet", columns=["id"])["id"].drop_null().to_pylist()
    assert recorded.erase(asking, "demand", ids=["nobody"], by="ann").training == ""
    assert recorded.erase(asking, "demand", ids=[learnt[-1]], by="ann").training == job
    trainer = ProcessTrainer(ports.bundles, ports.jobs, w.clock, timeout_s=60, erased=w.log.erased)
    w.clock.time += timedelta(hours=1)
    said = retraining.finish(Operator(ports=replace(ports, trainer=trainer), clock=w.clock), "demand")
    assert "its training set has 1 row that has been erased from the log since" in said[-1].why
    assert ports.bundles.names("demand") == ["v1"]
    assert not list((ports.jobs / job).glob("*.parquet"))


def test_a_second_training_that_learnt_what_was_erased_meanwhile_never_comes_to_its_shadow(world: Any) -> None:
    w = world()
    w.until(14)
    retraining.update(w.operator, "demand", by="ann")
    ports, deployment = w.operator.ports, w.deployment
    held = pq.read_table(ports.bundles.folder("demand", "v2") / "provenance.parquet", columns=["id"])
    w.log.erase("demand", ids=held["id"].drop_null().to_pylist()[-2:], by="ann", now=w.clock.now())
    said = unsound(ports, deployment, SimpleNamespace(), SimpleNamespace(), "v2")  # type: ignore[arg-type]
    assert said == "the second training is refused: v2 learnt 2 rows that have been erased from the log since"


def test_a_training_that_came_to_nothing_uses_up_no_rows(world: Any) -> None:
    w = world()
    w.until(14)
    ports, before = w.operator.ports, w.deployment.last_fit
    jobs = SimpleNamespace(
        submit=lambda job: None, result=lambda job: FitResult(id=job, error="your fit ended"), progress=lambda job: None
    )
    failing = Operator(ports=replace(ports, trainer=jobs), clock=w.clock)
    retraining.update(failing, "demand", by="ann")
    begun, w.clock.time = w.clock.now(), w.clock.time + timedelta(hours=1)
    assert retraining.finish(failing, "demand")[-1].action == "training failed"
    assert (w.deployment.last_fit, w.deployment.tried) == (before, begun)
    retraining.update(w.operator, "demand", by="ann")
    assert w.deployment.training.since < begun - timedelta(days=10)
    assert w.deployment.training.expected == w.deployment.advised.expected
