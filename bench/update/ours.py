"""Setpoint's policy over a stream: every decision is taken by the functions that decide live.

One look a unit. Outcomes come late; a training takes no time. A candidate learns all but the newest half of the new
rows, is judged on that half, refitted on everything known when it passes, and promoted when its shadow passes. The
next one waits until the new champion is measured on a unit of its own answers. Where the champion has a line, a
candidate is born with one: of the rows for it the newest unit is for its line alone.
"""

from dataclasses import dataclass, field

import numpy as np
from fixed import WINDOWS, learnt
from shadow import decided_at, judged
from streams import REFERENCE, UNITS
from world import Outcome, World

from setpoint.deploy.gate import judge_gate
from setpoint.deploy.verdict import LEVEL
from setpoint.domain.calibration import Calibration, apply
from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.records import moment
from setpoint.domain.rollout import Contest, Decision, Verdict
from setpoint.stats.line import fit
from setpoint.stats.paired import mean_interval
from setpoint.update.advice import Advice, Move, Situation, advise, measured
from setpoint.update.former import Former, better_former, look_due, looked_back_on
from setpoint.update.gain import Signs, expected_gain
from setpoint.update.gain import learnt as belief_of
from setpoint.update.line import FEWEST, Line, best_line, moves
from setpoint.update.recalibration import Answers
from setpoint.update.window import Window, contest, late, settled

HELD_OUT = 0.5  # of the new rows
LOOK_BACK = 10  # units of answers that a line may be learnt from, beside the delay
RECEIPT = 5  # units after which an update's account is made
ROW = np.timedelta64(1, "h")


@dataclass
class Update:
    """A candidate and the champion that it met; `chosen` is the model that its account is about."""

    unit: int
    signs: Signs
    expected: Gain
    stayed: tuple[int, int]
    line: Calibration | None
    chosen: tuple[int, int]
    born: Calibration | None
    seconds: float
    promoted: bool = False
    receipt: Receipt | None = None


@dataclass
class Replay:
    """The state of one model over a stream, look by look."""

    world: World
    champion: tuple[int, int] = (0, 0)
    formers: list[tuple[int, int]] = field(default_factory=list)
    line: Calibration | None = None
    born: dict[tuple[int, int], Calibration | None] = field(default_factory=dict)
    shadow: tuple[int, Update] | None = None
    updates: list[Update] = field(default_factory=list)
    gates: list[Verdict] = field(default_factory=list)
    contests: list[Contest | None] = field(default_factory=list)
    fits: int = 0
    moves: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        w, n = self.world, len(self.world.stream.y)
        self.champion, self.fitted = w.first, w.frontier(REFERENCE)
        self.raw, self.given = np.full(n, np.nan), np.full(n, np.nan)
        self.unit_rows = w.stream.row(1)
        self.time = np.arange(n) * ROW
        self.known = self.time + w.stream.row(w.delay) * ROW
        self.asked, self.answer = None, None
        self.chosen, self.asked_at, self.served_since = 0, 0, 0
        self.proven = self._reference_loss()

    def _reference_loss(self) -> float:
        """Return the loss of a model that learnt three quarters of the reference, on the last quarter."""
        cut, end = self.world.stream.row(REFERENCE * 3 / 4), self.world.stream.row(REFERENCE)
        return float(self.world.losses((0, cut))[cut:end].mean())

    def run(self) -> Outcome:
        for unit in self.world.looks:
            rows = self.world.rows(unit)
            self.end_shadow(rows.start)
            self.account(unit)
            self.look(unit)
            began = self.world.stream.row(self.shadow[0]) if self.shadow else rows.stop
            at = max(rows.start, decided_at(self.world, began, rows))
            self.reply(slice(rows.start, at))
            self.end_shadow(at)
            self.reply(slice(at, rows.stop))
        after = slice(self.world.stream.row(REFERENCE), None)
        losses = self.world.loss_of(self.given)[after]
        promoted = sum(u.promoted for u in self.updates)
        return Outcome(losses, self.fits, promoted, self.given[after], self.said)

    def reply(self, rows: slice) -> None:
        self.raw[rows] = self.world.fits.scores(*self.champion)[rows]
        self.given[rows] = self.lined(self.raw[rows])

    def look(self, unit: int) -> None:
        """Ask for advice and follow it, until there is nothing left to do."""
        for _ in range(4):
            situation, signs = self.situation(unit)
            advice = advise(situation)
            self.moves[advice.move] = self.moves.get(advice.move, 0) + 1
            if advice.move in (Move.WAIT, Move.NOT_WORTH_IT):
                return
            self.said.append(f"{unit} {advice.move}: {advice.why}")
            self.follow(unit, advice, signs)

    def follow(self, unit: int, advice: Advice, signs: Signs) -> None:
        match advice.move:
            case Move.RECALIBRATE:
                self.line = advice.line
            case Move.RESTORE:
                self.serve(self.world.stream.row(unit), rows_of(advice.version))
            case Move.RETRAIN:
                self.train(unit, advice, signs)

    def situation(self, unit: int) -> tuple[Situation, Signs]:
        known = self.world.frontier(unit)
        own, served = self.answers(known)
        line = self.best(known, own, served)
        new = None if line is None else line.calibration
        recent = self.served(known)[known - 4 * self.unit_rows : known]
        loss = float(np.nanmean(recent)) if np.isfinite(recent).any() else self.proven
        signs = Signs(decay=(loss - self.proven) / loss, lined=self.line is not None)
        belief = belief_of(u.receipt for u in self.updates if u.receipt is not None)
        return Situation(
            held_back="its shadow is under way" if self.shadow else "",
            new_rows=known - self.fitted,
            learnt_rows=self.champion[1] - self.champion[0],
            own_rows=measured(known - self.served_since, self.world.stream.row(unit) - self.served_since),
            settled_rows=self.unit_rows,
            loss=loss,
            expected=expected_gain(signs, loss, belief),
            line=new,
            line_moves=moves(self.world.stream.task, self.line, new, latest(own, 4 * self.unit_rows)),
            former=self.former(known),
        ), signs

    def best(self, known: int, own: Answers, served: Answers) -> Line | None:
        """Return the best line; it does not depend on the present one, so it is found once a look."""
        if (self.champion, known) != self.asked:
            born = self.line if self.line == self.born.get(self.champion) else None
            line = best_line(self.world.stream.task, own, served, self.unit_rows, born)
            self.asked, self.answer = (self.champion, known), line
        return self.answer

    def answers(self, known: int) -> tuple[Answers, Answers]:
        """Return the raw answers of the champion to what it has not learnt, and those that were served."""
        since = max(self.world.stream.row(REFERENCE), known - (LOOK_BACK + self.world.delay) * self.unit_rows)
        own = slice(max(since, self.champion[1]), max(known, self.champion[1]))
        return self.of(self.world.fits.scores(*self.champion), own), self.of(self.raw, slice(since, known))

    def of(self, scores: np.ndarray, rows: slice) -> Answers:
        s = self.world.stream
        return Answers(raw=scores[rows], truth=s.y[rows], time=self.time[rows], known=self.known[rows])

    def former(self, known: int) -> Former | None:
        """Return a former that is better on outcomes that have become known since the champion was chosen."""
        since = max(self.champion[1], self.chosen)
        look = look_due(known - since, max(since, self.asked_at) - since, len(self.time) // UNITS)
        if look is None:
            return None
        self.asked_at = known
        rows = slice(max(since, known - LOOK_BACK * self.unit_rows), known)
        mine = self.world.loss_of(self.lined(self.world.fits.scores(*self.champion)))[rows]
        formers = looked_back_on([repr(f) for f in self.formers if f != self.champion])
        return better_former(mine, {f: self.losses(rows_of(f))[rows] for f in formers}, look=look)

    def lined(self, raw: np.ndarray) -> np.ndarray:
        return raw if self.line is None else apply(self.line, raw, self.world.stream.task)

    def losses(self, version: tuple[int, int]) -> np.ndarray:
        """Return the losses of a model behind the line that it was born with."""
        raw, born = self.world.fits.scores(*version), self.born.get(version)
        return self.world.loss_of(raw if born is None else apply(born, raw, self.world.stream.task))

    def made(self, until: int, window: int | None, new: int) -> tuple[int, int]:
        """Return the model of the rows up to one; where the champion has a line, the newest of them are for its own."""
        w, spared = self.world, min(self.unit_rows, new // 2)
        if self.line is None or spared < FEWEST:
            return learnt(w, until, window)
        version, rows = learnt(w, until - spared, window), slice(until - spared, until)
        self.born[version] = fit(w.stream.task, w.fits.scores(*version)[rows], w.stream.y[rows])
        return version

    def served(self, known: int) -> np.ndarray:
        return self.world.loss_of(self.given)[:known]

    def train(self, unit: int, advice: Advice, signs: Signs) -> None:
        """Fit a candidate, judge it, and refit it on everything known if it passes."""
        w, known = self.world, self.world.frontier(unit)
        cut = known - round(HELD_OUT * (known - self.fitted))
        new, self.fitted = known - self.fitted, known
        window, held = self.window(cut, known), slice(cut, known)
        rows = self.made(cut, window, new - (known - cut))
        losses = self.served(known)[held], self.losses(rows)[held], w.naive[held]
        candidates = 1 if self.contests[-1] is None else len(WINDOWS)
        verdict = judge_gate(*losses, min_rows=30, earlier=tuple(self.gates), candidates=candidates)
        self.gates.append(verdict)
        passed = verdict.decision is Decision.ACCEPT
        chosen = self.made(known, window, new) if passed else rows
        seconds = w.fits.seconds(*rows) + (w.fits.seconds(*chosen) if passed else 0.0)
        self.fits += 1 + passed
        update = Update(unit, signs, advice.expected, self.champion, self.line, chosen, self.born.get(chosen), seconds)
        self.updates.append(update)
        self.said.append(f"{unit} gate {verdict.decision}: {'; '.join(verdict.checks)}")
        if passed:
            self.proven, self.shadow = verdict.candidate_loss, (unit, update)

    def window(self, cut: int, known: int) -> int | None:
        """Return the window to learn on; where a contest has to tell, both are fitted."""
        choice = settled(self.contests, late=late(self.time[cut:known], self.known[cut:known]))
        self.contests.append(None)
        if choice is None:
            self.fits += 1
            losses = {name: self.world.losses(learnt(self.world, cut, w))[cut:known] for name, w in WINDOWS.items()}
            self.contests[-1] = found = contest(losses["latest"], losses["all"])
            choice = Window.ALL if found.gain > 0 else Window.LATEST
            self.said.append(f"all rows win {found.gain:.1%} ({found.low:.1%} to {found.high:.1%}) over the latest")
        return WINDOWS[choice]

    def end_shadow(self, at: int) -> None:
        """Judge the shadow on what it has answered before a row, and promote what passes."""
        if self.shadow is None:
            return
        unit, update = self.shadow
        losses = self.world.loss_of(self.given), self.losses(update.chosen)
        verdict = judged(self.world, *losses, self.world.stream.row(unit), at)
        if verdict.decision is Decision.WAIT:
            return
        self.shadow = None
        self.said.append(f"{unit} shadow {verdict.decision}: {'; '.join(verdict.checks)}")
        if verdict.decision is Decision.ACCEPT:
            update.promoted = True
            self.serve(at, update.chosen)

    def serve(self, at: int, version: tuple[int, int]) -> None:
        """Have a version answer from a row on."""
        self.formers.append(self.champion)
        late = self.world.stream.row(self.world.delay)
        self.champion, self.line, self.chosen = version, self.born.get(version), max(self.world.first[1], at - late)
        self.served_since = at

    def account(self, unit: int) -> None:
        """Write the receipts that are due: the candidate against the champion that it met, as that answered then."""
        w, known = self.world, self.world.frontier(unit)
        for update in self.updates:
            rows = slice(w.stream.row(update.unit), w.stream.row(min(update.unit + RECEIPT, 100)))
            if update.receipt is not None or rows.stop > known:
                continue
            raw = w.fits.scores(*update.stayed)
            stayed = w.loss_of(raw if update.line is None else apply(update.line, raw, w.stream.task))[rows]
            moved = self.losses(update.chosen)[rows]
            won = mean_interval(stayed - moved, level=LEVEL)
            chosen, other = (moved, stayed) if update.promoted else (stayed, moved)
            update.receipt = Receipt(
                at=moment(np.datetime64(0, "us") + self.time[rows.stop - 1]),
                realised=Gain(mean=won.mean, low=won.low, high=won.high, rows=won.rows),
                expected=update.expected,
                seconds=update.seconds,
                loss=float(chosen.mean()),
                alternatives={"stay" if update.promoted else "promote": float(other.mean())},
            )


def latest(answers: Answers, rows: int) -> Answers:
    cut = slice(-rows, None)
    return Answers(raw=answers.raw[cut], truth=answers.truth[cut], time=answers.time[cut], known=answers.known[cut])


def rows_of(version: str) -> tuple[int, int]:
    """Return the rows behind the name of a version."""
    start, stop = version.strip("()").split(",")
    return int(start), int(stop)
