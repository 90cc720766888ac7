"""When should I retrain? One answer from what is known: now, not yet, not at all; or something cheaper instead."""

from enum import StrEnum

from setpoint.domain.calibration import Calibration
from setpoint.domain.receipt import Gain
from setpoint.domain.update import Updates
from setpoint.domain.value import value
from setpoint.update.former import Former

CLOCK = 0.1  # new labelled rows, as a fraction of those that the champion learnt, after which a training is considered
URGENT = 0.5  # of that, where a stated objective is missed
EXPLORE = 2  # times so many, after which one is made although it is not expected to pay: the expectation may be wrong
FEWEST = 300
DAYS = 30.0  # over which a training pays for itself


class Move(StrEnum):
    """What is best done about a model's answers now."""

    RESTORE = "restore"  # an earlier champion
    RECALIBRATE = "recalibrate"  # shift and stretch the champion's answers, or leave them raw again
    RETRAIN = "retrain"
    WAIT = "wait"  # for so many more labelled rows, or until what holds it back is over
    NOT_WORTH_IT = "not worth it"


@value
class Situation:
    """What a decision is taken on: values only.

    `held_back` says why nothing may be learnt now, see `when.why_not`. `loss` is the champion's recent loss per row,
    `expected` what a training should win of it. `new_rows` have outcomes and were in no training yet; the champion
    learnt `learnt_rows`; `doublings` is how often the rows that it takes are doubled, for training has not helped of
    late. `own_rows` are answers of the champion itself by which it can be measured, see `measured`, and `settled_rows`
    how many are needed before it is trained again: what is off may be what its predecessor answered. `asked`: by a
    person, or by the clock of `update: every`; `urgent`: an objective is missed.
    `line` is the calibration that the answers should get, None for raw ones, and `line_moves` how far that moves their
    losses, see `line.moves`.
    """

    held_back: str = ""
    asked: bool = False
    urgent: bool = False
    new_rows: int
    learnt_rows: int
    doublings: int = 0
    own_rows: int = 0
    settled_rows: int = 0
    loss: float
    expected: Gain | None = None
    line: Calibration | None = None
    line_moves: float = 0.0
    former: Former | None = None
    updates: Updates = Updates()
    rows_per_day: float | None = None


@value
class Advice:
    """The answer. `why` is meant for people; `rows` is how many more labelled ones to wait for."""

    move: Move
    why: str
    rows: int = 0
    version: str = ""
    line: Calibration | None = None
    expected: Gain | None = None


def advise(s: Situation) -> Advice:
    """Say what is best done now, cheapest first.

    A training is considered when the new labelled rows are a tenth of those that the champion learnt, and made when
    it is expected to pay; after twice as many it is made all the same, for an expectation that is never tried never
    learns.
    """
    if s.held_back:
        return Advice(move=Move.WAIT, why=s.held_back)
    if s.former is not None:
        return Advice(move=Move.RESTORE, version=s.former.version, expected=s.former.gain, why=_why_former(s, s.former))
    if s.line_moves >= s.updates.worth and s.line_moves > 0:
        return Advice(move=Move.RECALIBRATE, line=s.line, why=_why_line(s))
    return _training(s)


def measured(known: int, answered: int) -> int:
    """Return by how many answers a champion counts as measured: those with an outcome, or half of all.

    Where outcomes are late, twice as many answers stand for them, as in a shadow: a champion that waits until its own
    are known is as old by then as they are late.
    """
    return max(known, answered // 2)


def considered_at(learnt_rows: int, *, urgent: bool = False) -> int:
    """Return the new labelled rows after which a training is considered."""
    return max(FEWEST, round(CLOCK * (URGENT if urgent else 1.0) * learnt_rows))


def _training(s: Situation) -> Advice:
    need = considered_at(s.learnt_rows, urgent=s.urgent) << s.doublings
    if s.asked:
        return Advice(move=Move.RETRAIN, expected=s.expected, why="asked for")
    if s.new_rows < need:
        words = f"{s.new_rows:,} new labelled rows; at {need:,} a training is considered"
        return Advice(move=Move.WAIT, rows=need - s.new_rows, expected=s.expected, why=words)
    pays, words = _pays(s)
    if not pays and s.new_rows < EXPLORE * need:
        return Advice(move=Move.NOT_WORTH_IT, rows=EXPLORE * need - s.new_rows, expected=s.expected, why=words)
    if s.own_rows < s.settled_rows:
        words = f"the champion is measured on {s.own_rows} rows of its own; {s.settled_rows} are needed"
        return Advice(move=Move.WAIT, rows=s.settled_rows - s.own_rows, expected=s.expected, why=words)
    more = "" if pays else f"; made all the same after {s.new_rows:,} new labelled rows, to see whether that is so"
    return Advice(move=Move.RETRAIN, expected=s.expected, why=words + more)


def _pays(s: Situation) -> tuple[bool, str]:
    """Whether the expected gain is worth it: of the loss, and in money where that is stated."""
    if s.expected is None:
        return True, "what a training would win is not known yet"
    share = s.expected.mean / s.loss if s.loss else 0.0
    words = f"a training should win {share:.1%} of the loss"
    if share < s.updates.worth:
        return False, f"{words}; {s.updates.worth:.1%} would be worth it"
    cost = s.updates.cost
    if cost is None or s.rows_per_day is None:
        return True, words
    earned = s.expected.mean * cost.loss * s.rows_per_day
    words = f"{words}, {earned:.4g} a day, and costs {cost.training:.4g}"
    if earned <= 0:
        return False, words
    return earned * DAYS >= cost.training, f"{words}: paid back in {cost.training / earned:.3g} days"


def _why_former(s: Situation, former: Former) -> str:
    won = former.gain.mean / s.loss if s.loss else 0.0
    return f"{former.version} would have lost {won:.1%} less on the last {former.gain.rows:,} labelled rows"


def _why_line(s: Situation) -> str:
    if s.line is None:
        return "what its line corrected is over: the answers are better as the model gives them"
    return f"its latest outcomes ask for a line through its answers, {s.line.in_words}, and no training"
