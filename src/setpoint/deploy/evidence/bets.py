"""What can be bet on: how much worse the challenger was, row by row."""

from dataclasses import dataclass

import numpy as np

from setpoint.deploy.evidence.scales import Scale
from setpoint.domain.records import Column
from setpoint.stats.betting import FloatArray, shared_difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Bets:
    """What a stretch says about one track.

    `rows` is the mask of its rows in the stretch, the other arrays have one entry for each of them. `harm` is how much
    worse the challenger was, against `harm_above` of which evidence of harm is gathered; `held` the same against
    `held_below`, for the evidence that it is not worse by the margin. `low` and `high` bound both.
    `champion` and `challenger` are the plain values, of pairs both in every row, else NaN for who did not answer.
    """

    track: str
    rows: Column
    harm: FloatArray
    held: FloatArray
    harm_above: float
    held_below: float
    low: FloatArray
    high: FloatArray
    weight: FloatArray
    champion: FloatArray
    challenger: FloatArray
    share: FloatArray
    unit: Column | None = None

    @property
    def paired(self) -> bool:
        """Whether both answered every row."""
        return bool(len(self.share)) and bool(self.share[0] == 1.0)

    def within(self, track: str, mask: Column) -> "Bets":
        """Return the bets on some of the rows, for another track."""
        kept = mask[self.rows]
        return Bets(
            track=track,
            rows=self.rows & mask,
            harm_above=self.harm_above,
            held_below=self.held_below,
            unit=None if self.unit is None else self.unit[kept],
            **{
                name: getattr(self, name)[kept]
                for name in ("harm", "held", "low", "high", "weight", "champion", "challenger", "share")
            },
        )


@dataclass(frozen=True, slots=True)
class Source:
    """Who answered the rows of a stretch, and by which chance."""

    challenger: Column
    share: Column
    unit: Column | None

    def bets(
        self,
        track: str,
        rows: Column,
        bad: Column,
        scale: Scale,
        *,
        harm: Column | None = None,
        held: Column | None = None,
    ) -> Bets:
        """Return the bets on a metric; `harm` and `held` stand in for `bad` where the two ask for other bounds."""
        new, share = self.challenger[rows], self.share[rows]
        worse = [_numbers(bad if other is None else other, rows) for other in (harm, held)]
        bad = _numbers(bad, rows)
        up, down = scale.top - scale.middle, scale.middle
        return Bets(
            track=track,
            rows=rows,
            harm=shared_difference(worse[0] - scale.middle, new, share),
            held=shared_difference(worse[1] - scale.middle, new, share),
            harm_above=scale.trifle,
            held_below=scale.margin,
            low=-np.maximum(down / share, up / (1 - share)),
            high=np.maximum(up / share, down / (1 - share)),
            weight=share * (1 - share) / scale.top,
            champion=np.where(new, np.nan, bad),
            challenger=np.where(new, bad, np.nan),
            share=share,
            unit=None if self.unit is None else self.unit[rows],
        )


def paired(
    track: str,
    rows: Column,
    old: Column,
    new: Column,
    scale: Scale,
    *,
    harm: Column | None = None,
    held: Column | None = None,
) -> Bets:
    """Return the bets on a metric of rows that both answered; `harm` and `held` stand in for `new`, if given."""
    champion = _numbers(old, rows)
    worse = [_numbers(new if other is None else other, rows) - champion for other in (harm, held)]
    ones = np.ones(len(champion))
    return Bets(
        track=track,
        rows=rows,
        harm=worse[0],
        held=worse[1],
        harm_above=scale.trifle,
        held_below=scale.margin,
        low=-scale.top * ones,
        high=scale.top * ones,
        weight=ones / scale.top,
        champion=champion,
        challenger=_numbers(new, rows),
        share=ones,
    )


def alone(track: str, rows: Column, happens: Column, bound: float) -> Bets:
    """Return the bets on a rate that has a bound of its own, and no champion to be compared with."""
    x = _numbers(happens, rows)
    ones = np.ones(len(x))
    return Bets(
        track=track,
        rows=rows,
        harm=x,
        held=x,
        harm_above=bound,
        held_below=bound,
        low=0.0 * ones,
        high=ones,
        weight=ones,
        champion=0.0 * ones,
        challenger=x,
        share=ones,
    )


def _numbers(values: Column, rows: Column) -> FloatArray:
    numbers: FloatArray = values[rows].astype(np.float64)
    return numbers
