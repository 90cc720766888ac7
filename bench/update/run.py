"""Replay whole streams: never retrain, Setpoint's own decisions, and a refit on a clock that nobody checks.

Every decision is taken by the functions that decide live: `due`, `build`, the trainer, the gate and the shadow.
Outcomes are known one row late. Prints a table, and writes results/update.json beside this file.

    python bench/update/run.py [--data FOLDER] [--only NAME ...] [--window reference|all|best] [--refit] [-v]
"""

import argparse
import json
import platform
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import joblib
import numpy as np
import pyarrow as pa
import sklearn
from streams import LATE, Stream, streams

from setpoint.deploy.gate import judge_gate
from setpoint.deploy.shadow import judge_shadow, loss_bound
from setpoint.domain.fleet import Deployment, Envelope, Standing
from setpoint.domain.live import Served
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records, moment, stamp
from setpoint.domain.rollout import Candidate, Decision, Rollout, advance
from setpoint.domain.schema import Task
from setpoint.domain.update import Method
from setpoint.domain.value import replace as changed
from setpoint.stats.losses import losses
from setpoint.update.trainers import sklearn as trainer
from setpoint.update.trainers.request import FitRequest
from setpoint.update.training_set import build
from setpoint.update.when import due

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "datasets"
SLACK = 1.1  # the set point is this times the loss proven on the last quarter of the reference
STEPS_IN_SHADOW = 7
CLOCK = 7  # steps between unchecked refits


@dataclass(frozen=True)
class Policy:
    """What the figures decide between.

    `window` to train on: as many of the latest rows as the reference has, all, or the best of all, half and a quarter
    on the latest tenth. `refit`: to the frontier after the gate, with the shadow as its proof.
    """

    window: str = "reference"
    refit: bool = False


@dataclass
class Ran:
    """What a policy did over a stream."""

    loss: float = 0.0
    fits: int = 0
    promotions: int = 0
    rejections: int = 0
    decisions: list[str] = field(default_factory=list)


def loss_of(s: Stream, score: np.ndarray, rows: slice) -> np.ndarray:
    return losses(s.task, score[rows], s.y[rows])


def proven_loss(s: Stream) -> float:
    """The loss, on the last quarter of the reference, of a model that learnt the rest."""
    cut = s.reference * 3 // 4
    model, rows = s.model().fit(s.X.iloc[:cut], s.y[:cut]), slice(cut, s.reference)
    return float(losses(s.task, s.scores(model, rows), s.y[rows]).mean())


def on_a_clock(s: Stream, every: int | None, window: str) -> Ran:
    """Refit every so many steps on the rows known by then, and promote unseen; `every` None: never."""
    model = s.model().fit(s.X.iloc[: s.reference], s.y[: s.reference])
    total, ran = 0.0, Ran()
    for i, rows in enumerate(s.steps()):
        if every and i and i % every == 0:
            stop = rows.start - 1
            start = max(0, stop - s.reference) if window == "reference" else 0
            model, ran.fits = s.model().fit(s.X.iloc[start:stop], s.y[start:stop]), ran.fits + 1
        total += losses(s.task, s.scores(model, rows), s.y[rows]).sum()
    return replace(ran, loss=total / (len(s.y) - s.reference))


def naive(s: Stream, rows: slice) -> np.ndarray:
    """Scores of the last known value; where the outcome is a class, of how often it was followed by the second."""
    last = s.y[rows.start - 2 : rows.stop - 2]
    if s.task is Task.REGRESSION:
        return last
    now, before = s.y[2 : rows.start], s.y[: rows.start - 2]
    return np.where(last == 1.0, now[before == 1.0].mean(), now[before == 0.0].mean())


class Replay:
    """Setpoint's update stage over one stream, step by step."""

    def __init__(self, s: Stream, policy: Policy, folder: Path) -> None:
        self.s, self.policy, self.folder = s, policy, folder
        self.first = folder / "model.joblib"
        joblib.dump(s.model().fit(s.X.iloc[: s.reference], s.y[: s.reference]), self.first)
        self.champion, self.shadow = joblib.load(self.first), None
        self.proven = proven_loss(s)
        metric = "log_loss" if s.task is Task.BINARY else "mae"
        self.target = Objective(metric=metric, at_most=SLACK * self.proven)
        self.deployment = Deployment(
            model="m", source="", served=Served(champion="v1"), envelope=Envelope(), objectives=(self.target,),
            releases=(),
        )  # fmt: skip
        self.score, self.theirs = np.full(len(s.y), np.nan), np.full(len(s.y), np.nan)
        self.per_step = int(np.median([r.stop - r.start for r in s.steps()]))
        self.trained_rows = self.frontier = s.reference
        self.ran = Ran()

    def run(self) -> Ran:
        s = self.s
        for rows in s.steps():
            now = moment(s.time[rows.start])
            known = slice(s.reference, int(np.searchsorted(s.time + LATE, stamp(now), side="right")))
            if self.shadow is not None:
                self.watch(known, now)
            self.stand(known)
            self.maybe_train(known, rows, now)
            self.score[rows] = s.scores(self.champion, rows)
            if self.shadow is not None:
                self.theirs[rows] = s.scores(self.shadow, rows)
        after = slice(s.reference, len(s.y))
        return replace(self.ran, loss=float(loss_of(s, self.score, after).mean()))

    def stand(self, known: slice) -> None:
        recent = slice(max(known.start, known.stop - 7 * self.per_step), known.stop)
        if recent.stop <= recent.start:
            return
        value = float(loss_of(self.s, self.score, recent).mean())
        standing = Standing(
            objective=self.target, value=value, rows=recent.stop - recent.start, at_set_point=self.target.met_by(value)
        )
        self.deployment = changed(self.deployment, standings=(standing,))

    def records(self, rows: slice) -> Records:
        return changed(self.s.answered, score=self.score).take(np.arange(rows.start, rows.stop))

    def maybe_train(self, known: slice, rows: slice, now: object) -> None:
        plan = due(
            self.deployment, self.records(slice(self.frontier, known.stop)), reference_rows=self.trained_rows,
            expected_loss=self.proven, now=now,
        )  # fmt: skip
        if plan is None:
            return
        s, logged = self.s, self.records(known)
        self.ran.fits += 1
        new = self.fitted(logged, plan.holdout_since)
        held = slice(known.stop - plan.holdout_rows, known.stop)
        verdict = judge_gate(
            loss_of(s, self.score, held), losses(s.task, s.scores(new, held), s.y[held]),
            losses(s.task, naive(s, held), s.y[held]), min_rows=100,
        )  # fmt: skip
        version = f"v{self.ran.fits + 1}"
        candidate = Candidate(version=version, champion="", reason=plan.reason, created=now)
        self.deployment = changed(self.deployment, rollouts=(*self.deployment.rollouts, Rollout(candidate=candidate)))
        self.move(verdict, now)
        self.frontier = known.stop
        if verdict.decision is Decision.ACCEPT:
            self.shadow = self.fitted(logged, now) if self.policy.refit else new
            self.began, self.bound = rows.start, loss_bound(loss_of(s, self.score, held))

    def watch(self, known: slice, now: object) -> None:
        rows = slice(self.began, known.stop)
        verdict = judge_shadow(
            loss_of(self.s, self.score, rows), loss_of(self.s, self.theirs, rows), 0,
            STEPS_IN_SHADOW * self.per_step, bound=self.bound,
        )  # fmt: skip
        self.move(verdict, now)
        if verdict.decision is Decision.ACCEPT:
            self.champion, self.proven = self.shadow, verdict.candidate_loss
            self.ran.promotions += 1
        if verdict.decision is not Decision.WAIT:
            self.shadow = None

    def move(self, verdict: object, now: object) -> None:
        before = self.deployment.rollouts[-1]
        self.deployment = changed(
            self.deployment, rollouts=(*self.deployment.rollouts[:-1], advance(before, verdict, now))
        )
        self.ran.rejections += verdict.decision is Decision.REJECT
        if verdict.decision is not Decision.WAIT:
            said = "; ".join(verdict.checks)
            self.ran.decisions.append(f"{now:%Y-%m-%d} {before.phase} {verdict.decision}: {said}")

    def fitted(self, logged: Records, until: object) -> object:
        table = build(self.s.table, logged, self.s.schema, until=until)
        if self.policy.window == "reference":
            table = table.slice(max(0, table.num_rows - self.s.reference))
        self.trained_rows = table.num_rows
        if self.policy.window == "best":
            table = table.slice(table.num_rows - self.best_window(table))
        return self.trained(table)

    def trained(self, table: pa.Table) -> object:
        made = self.folder / "made"
        made.mkdir(exist_ok=True)
        asked = FitRequest(artifact=self.first, table=table, schema=self.s.schema, workdir=made, method=Method.REFIT)
        return joblib.load(trainer.fit(asked))

    def best_window(self, table: pa.Table) -> int:
        """Rows of the window that was best on the latest tenth; the longer one unless the shorter wins by 1 %."""
        cut = table.num_rows - table.num_rows // 10
        X, y = table.drop(["target"]).to_pandas().iloc[cut:], table["target"].to_numpy()[cut:]
        best = (np.inf, 1.0)
        for share in (1.0, 0.5, 0.25):
            start = cut - int(cut * share)
            model = self.trained(table.slice(start, cut - start))
            score = model.predict_proba(X)[:, 1] if self.s.task is Task.BINARY else model.predict(X)
            loss = float(losses(self.s.task, score, y).mean())
            best = (loss, share) if loss < 0.99 * best[0] else best
        return int(table.num_rows * best[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--window", choices=("reference", "all", "best"), default="reference")
    parser.add_argument("--refit", action="store_true", help="what the loop does not do yet")
    parser.add_argument("-v", action="store_true", help="print every decision")
    args = parser.parse_args()
    policy = Policy(window=args.window, refit=args.refit)
    machine = f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, Python {platform.python_version()}"
    print(f"{machine}; {policy}")
    print("| stream | static | Setpoint | on a clock | fits | promoted | rejected | clock's fits |")
    print("|---|---|---|---|---|---|---|---|")
    rows = {}
    for s in streams(args.data):
        if args.only and s.name not in args.only:
            continue
        static, clock = on_a_clock(s, None, ""), on_a_clock(s, CLOCK, args.window)
        with tempfile.TemporaryDirectory() as folder:
            ours = Replay(s, policy, Path(folder)).run()
        print(
            f"| {s.name} | {static.loss:.4g} | {ours.loss:.4g} (×{ours.loss / static.loss:.2f}) "
            f"| {clock.loss:.4g} (×{clock.loss / static.loss:.2f}) "
            f"| {ours.fits} | {ours.promotions} | {ours.rejections} | {clock.fits} |",
            flush=True,
        )
        print("\n".join(ours.decisions) if args.v else "", end="\n" if args.v else "")
        rows[s.name] = {"static": static.loss, "clock": clock.__dict__, "setpoint": ours.__dict__}
    result = {"machine": machine, "policy": policy.__dict__, "streams": rows}
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "update.json").write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
