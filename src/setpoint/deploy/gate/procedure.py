"""Whether a way of making candidates is proven: what all of them won together, where one alone is too few rows."""

import math
from collections.abc import Sequence

import numpy as np

from setpoint.domain.rollout import Verdict
from setpoint.domain.value import value

LATEST = 8  # candidates that count, this one among them: what a way of training wins changes with the stream
FEWEST = 2
SURE = 1.645  # standard errors: one-sided 5 %; a verdict's own bound lies so far below its mean, or farther


@value
class Pooled:
    """What candidates of one kind won at the gate together: fractions of the champion's loss, each row counting once.

    `low` is the one-sided 5 % bound.
    """

    gain: float
    low: float
    candidates: int

    @property
    def proven(self) -> bool:
        """Whether this way of making candidates is surely better than leaving the champion as it is."""
        return self.candidates >= FEWEST and self.low > 0

    @property
    def in_words(self) -> str:
        """Say it: `the last 5 of its kind won 3.1% together (0.4% at least)`."""
        return f"the last {self.candidates} of its kind won {self.gain:.1%} together ({self.low:.1%} at least)"


def pooled(verdicts: Sequence[Verdict]) -> Pooled:
    """Return what the latest candidates of one kind won together, by the verdicts of their gates in time order.

    A refit that wins 2 % on a few hundred held-out rows is hardly ever surely better, and every one of them may be
    rejected, although all of them together are. Their held-out rows are different ones, so their errors add up as those
    of independent means do.

    Simulated, 16 refits in turn on 200 held-out rows each, whose true gains scatter by 3 % of the loss: where they win
    2 % on average, 43 % pass instead of 22 % and bring 1.6 % a refit instead of 1.1; where they win nothing, 18 % pass
    instead of 13 and bring 0.5 % either way; where they lose 2 %, 7 % instead of 5, and 0.1 % either way.
    """
    shares = [_share(v) for v in verdicts if comparable(v)][-LATEST:]
    if not shares:
        return Pooled(gain=0.0, low=-math.inf, candidates=0)
    rows, gains, errors = (np.array(column) for column in zip(*shares, strict=True))
    weight = rows / rows.sum()
    gain, error = float(weight @ gains), float(np.sqrt(np.square(weight) @ np.square(errors)))
    return Pooled(gain=gain, low=gain - SURE * error, candidates=len(rows))


def comparable(verdict: Verdict) -> bool:
    """Whether a verdict says how much a candidate won."""
    return verdict.rows > 0 and verdict.champion_loss > 0 and math.isfinite(verdict.low)


def _share(verdict: Verdict) -> tuple[int, float, float]:
    """Return the rows, the gain and its standard error as fractions of the champion's loss."""
    return (
        verdict.rows,
        verdict.gain / verdict.champion_loss,
        (verdict.gain - verdict.low) / SURE / verdict.champion_loss,
    )
