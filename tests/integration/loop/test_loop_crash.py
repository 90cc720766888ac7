"""A loop that is killed between an effect and its record goes on as if nothing had happened."""

import time
from pathlib import Path
from typing import Any

import pytest

from setpoint.domain.envelope import Envelope
from setpoint.domain.erased import erased_rows
from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.live import Live
from setpoint.domain.training_set import BESIDE, LabelIssues, Repeats, SetSpec
from setpoint.domain.update import Updates
from setpoint.domain.value import from_json, replace
from setpoint.errors import InvalidInput, NotFound
from setpoint.loop.acts import updates
from setpoint.loop.learning import candidates
from setpoint.loop.learning.learnt import ids_of
from setpoint.loop.learning.sets import stored_set, training_set, write_set
from setpoint.loop.learning.training import ProcessTrainer
from setpoint.loop.verbs import recorded, retraining
from setpoint.loop.verbs.operator import Operator
from setpoint.ports import FitJob
from setpoint.update.sets.made import TrainingSet
from tests.integration.loop.test_loop_recalibrates import with_a_level_shift

WITHOUT_CONTEST = Updates()  # of windows: one training makes one version


class Killed(BaseException):
    """The process ended here."""


class DyingStateStore:
    """A state store whose process is killed just before every save: what was done is done, and not written down."""

    def __init__(self, store: Any) -> None:
        self._store, self._dying, self.deaths = store, True, 0

    def save(self, deployment: Deployment) -> None:
        self._dying = not self._dying
        if not self._dying:
            self.deaths += 1
            raise Killed
        self._store.save(deployment)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class DyingPlatform:
    """A platform whose loop is killed just before it is told: what was written down is not served."""

    def __init__(self, platform: Any) -> None:
        self._platform, self._dying, self.deaths = platform, True, 0

    def apply(self, live: Live) -> None:
        self._dying = not self._dying
        if not self._dying:
            self.deaths += 1
            raise Killed
        self._platform.apply(live)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platform, name)


class Restarting(Operator):
    """An operator that is started again whenever it was killed."""

    def tick(self, now: Any = None) -> tuple[Decided, ...]:
        while True:
            try:
                return super().tick(now)
            except Killed:
                continue


def killed_after_every_effect(world: Any) -> tuple[DyingStateStore, DyingPlatform]:
    store, platform = DyingStateStore(world.operator.ports.state), DyingPlatform(world.operator.ports.platform)
    ports = replace(world.operator.ports, state=store, platform=platform)
    world.operator = Restarting(ports=ports, clock=world.clock)
    return store, platform


def versions(world: Any) -> list[str]:
    return [v.version for v in world.operator.ports.bundles.versions("demand")]


def test_a_loop_killed_after_every_effect_decides_and_does_the_same(world: Any, fahrenheit: Any) -> None:
    by_hand = Envelope(automatic=("inverse_map",))
    plain, killed = world(fahrenheit, by_hand), world(fahrenheit, by_hand)
    store, platform = killed_after_every_effect(killed)
    plain.until(30)
    killed.until(30)
    assert store.deaths > 30  # at least once a look
    assert platform.deaths == 2  # the map, and its lifting
    assert {d.action for d in plain.deployment.decisions} >= {"open", "locate", "mend", "recovered", "lift", "ask"}
    assert killed.deployment == plain.deployment
    assert killed.live == plain.live  # no generation more: what was applied is not applied again


def test_a_training_whose_start_was_not_written_down_runs_once(world: Any, another_demand: Any, tmp_path: Path) -> None:
    w = world(another_demand, updates=WITHOUT_CONTEST)
    store, _ = killed_after_every_effect(w)
    w.until(18)
    assert store.deaths > 18
    assert len(w.did("fit")) == len(w.did("reject", "shadow")) == 1
    assert versions(w) == ["v1", "v2"]


def test_a_contest_of_windows_killed_after_every_effect_trains_both_once(world: Any, another_demand: Any) -> None:
    w = world(another_demand)
    killed_after_every_effect(w)
    w.until(18)
    assert [d.action for d in w.did("fit", "contest", "window")] == ["fit", "contest", "window"]
    (candidate,) = [r.candidate for r in w.deployment.rollouts]
    latest, every = (w.operator.ports.bundles.get("demand", v).lineage.rows for v in ("v2", "v3"))
    assert every > latest == 60 * 24
    assert candidate.contest.rows > 100
    assert candidate.window_rows == (0 if candidate.contest.gain > 0 else None)
    assert w.did("window")[0].subject == ("v3" if candidate.contest.gain > 0 else "v2")


def check_the_set_can_be_built_again(w: Any, folder: Path) -> None:
    """What came into the log since changes nothing; the bundle holds the set, its provenance and its recipe."""
    ports, v2 = w.operator.ports, w.operator.ports.bundles.get("demand", "v2")
    kept = stored_set(ports, "demand", "v2")
    at = kept.recipe.source
    again = training_set(ports, w.deployment, ports.bundles.get("demand", "v1"), until=at.until, as_of=at.as_of)
    files = [write_set(made, folder / name, private=False) for name, made in (("a", kept), ("b", again))]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert kept.recipe.digest == again.recipe.digest == v2.lineage.set_sha256
    assert kept.table.num_rows == kept.recipe.rows == v2.lineage.rows == 60 * 24  # as long as the reference
    assert set(kept.provenance["source"].to_pylist()) == {"v1", "log"}
    with pytest.raises(NotFound, match="v1 was not trained here"):
        stored_set(ports, "demand", "v1")
    check_erased_ids_are_in_no_later_set(w, kept)
    asked = SetSpec(rows=800, duplicates=Repeats.DROP, label_issues=LabelIssues.DROP, importance=True)
    more = training_set(ports, w.deployment, v2, until=at.until, as_of=at.as_of, spec=asked)
    assert [s.name for s in more.recipe.steps][-3:] == ["duplicates", "label_issues", "importance"]
    assert more.recipe.steps[-1].counts["recent"] > 0  # requests since then
    write_set(more, folder / "more", private=True)
    assert {f.name for f in (folder / "more").iterdir()} == {"train.parquet", *BESIDE}


def check_erased_ids_are_in_no_later_set(w: Any, kept: TrainingSet) -> None:
    """Wherever they come from; and the versions that learnt from them are named, and no others."""
    ports, old, at = w.operator.ports, kept.provenance["id"].to_pylist(), kept.recipe.source
    of_reference, of_log, of_neither = old[0], old[-1], recorded.records(w.operator, "demand", limit=1)["id"][0].as_py()
    learnt = [
        recorded.erase(w.operator, "demand", ids=[i], by="test").learnt for i in (of_reference, of_log, of_neither)
    ]
    assert learnt == [("v1", "v2"), ("v2",), ()]
    later = training_set(ports, w.deployment, ports.bundles.get("demand", "v1"), until=at.until, as_of=at.as_of)
    assert not {of_reference, of_log} & set(later.table["id"].to_pylist())
    erased = ports.log.erased("demand")
    assert [erased_rows(ids_of(ports, "demand", version), erased) for version in ("v1", "v2")] == [1, 2]


def test_a_training_that_was_decided_on_and_not_started_is_started_by_a_later_look(
    world: Any, another_demand: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    w = world(another_demand, updates=WITHOUT_CONTEST)
    start, killed = updates.submit, [1]

    def killed_once(*args: Any) -> None:
        if killed:
            killed.pop()
            raise Killed
        start(*args)

    monkeypatch.setattr(updates, "submit", killed_once)
    with pytest.raises(Killed):
        w.until(18)
    assert not w.deployment.training.submitted
    w.until(20)
    assert len(w.did("fit")) == len(w.did("reject", "shadow")) == 1
    assert versions(w) == ["v1", "v2"]
    check_the_set_can_be_built_again(w, tmp_path)


def test_a_training_without_rows_to_learn_from_ends_in_words(
    world: Any, another_demand: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise InvalidInput("the reference lacks wind")

    monkeypatch.setattr(candidates, "training_set", refuse)
    w = world(another_demand)
    w.until(18)
    assert [d.why for d in w.did("training failed")][:1] == ["the reference lacks wind"]
    assert w.deployment.training is None


def test_a_look_at_a_time_already_looked_at_does_nothing(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit)
    w.until(23)
    before, live = w.deployment, w.live
    assert w.operator.tick(w.clock.time) == ()
    assert (w.deployment, w.live) == (before, live)


TRAIN = """
import joblib, pathlib
def fit(table, schema, artifact):
    with (pathlib.Path(__file__).parent / "ran").open("a") as file:
        file.write("once\\n")
    return joblib.load(artifact)
"""


def test_a_training_that_two_processes_know_of_runs_once(world: Any, tmp_path: Path) -> None:
    w = world()
    w.until(14)
    ports = w.operator.ports
    retraining.update(w.operator, "demand", by="ann")
    (folder,) = ports.jobs.iterdir()
    (tmp_path / "train.py").write_text(TRAIN)
    job = from_json((folder / "job.json").read_bytes(), FitJob)
    rows = str(ports.bundles.folder("demand", "v1") / "reference.parquet")
    job = replace(
        job, id="again", method=None, may=("files",), train="train.py:fit", source=str(tmp_path), training_set=rows
    )
    both = [ProcessTrainer(ports.bundles, ports.jobs, w.clock, timeout_s=60) for _ in range(2)]
    for trainer in both:
        trainer.submit(job)
    end = time.monotonic() + 60
    while None in (results := [trainer.result("again") for trainer in both]):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert [r.version for r in results] == ["v3", "v3"]
    assert (tmp_path / "ran").read_text() == "once\n"


def test_a_recalibration_killed_after_every_effect_is_made_and_promoted_once(world: Any) -> None:
    plain, killed = world(with_a_level_shift), world(with_a_level_shift)
    store, platform = killed_after_every_effect(killed)
    plain.until(10)
    killed.until(10)
    assert store.deaths > 10
    assert platform.deaths >= 1
    assert [d.action for d in killed.did("fit", "promote")] == ["fit", "promote"]
    done = [[(d.action, d.subject, d.why) for d in w.deployment.decisions] for w in (killed, plain)]
    assert done[0] == done[1]  # a job is found to have ended a look earlier or later
    assert (killed.live, versions(killed)) == (plain.live, versions(plain))
