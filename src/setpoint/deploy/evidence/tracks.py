"""How the evidence of one track grows with the rows of a stretch."""

from dataclasses import dataclass

import numpy as np

from setpoint.deploy.evidence.bets import Bets
from setpoint.domain.value import replace
from setpoint.domain.wealth import Fortunes, Logs, Stratum, Track
from setpoint.stats.betting import KEENNESS, FloatArray, log_fortunes, log_mean
from setpoint.stats.dispersion import added, by_neighbours, by_units

NOTHING: Logs = (0.0,) * len(KEENNESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The logarithms of e-values after each row of a track, shape (n,)."""

    harm: FloatArray
    held: FloatArray
    better: FloatArray


def grown(track: Track, bets: Bets, *, better: bool = False) -> tuple[Track, Paths]:
    """Return the track after some rows, and its evidence after each of them.

    Evidence from pairs and from shared traffic multiplies: it comes from different requests. The fortunes of each are
    divided by what its rows repeat of each other, see `stats.dispersion`. Evidence that it is better is only gathered
    where it is asked for.
    """
    track, inflation = _spread(track, bets)
    logs = {
        "harm": log_fortunes(bets.harm, mean=bets.harm_above, low=bets.low, weight=bets.weight),
        "held": log_fortunes(-bets.held, mean=-bets.held_below, low=-bets.high, weight=bets.weight),
    }
    if better:
        logs["better"] = log_fortunes(-bets.harm, mean=0.0, low=-bets.high, weight=bets.weight)
    mine, other = (track.paired, track.shared) if bets.paired else (track.shared, track.paired)
    rest = track.units.inflation if bets.paired else track.blocks.inflation
    paths = {"better": np.zeros(1)}
    fortunes = {}
    for name, log in logs.items():
        log[:, 0] += getattr(mine, name) or NOTHING
        sums = np.cumsum(log, axis=1, out=log)
        fortunes[name] = tuple(sums[:, -1].tolist())
        fixed = log_mean(np.array(getattr(other, name) or NOTHING) / rest)
        paths[name] = log_mean(sums / inflation if inflation.max() > 1 else sums) + fixed
    after = Fortunes(**fortunes)
    track = replace(track, paired=after) if bets.paired else replace(track, shared=after)
    track = replace(
        track,
        strata=_strata(track.strata, bets),
        log_harm=float(paths["harm"][-1]),
        log_held=float(paths["held"][-1]),
        log_better=float(paths["better"][-1]),
    )
    return track, Paths(**paths)


def _spread(track: Track, bets: Bets) -> tuple[Track, FloatArray]:
    """Return the track and, after each row, by how much the rows repeat each other."""
    if bets.paired:
        blocks, inflation = by_neighbours(track.blocks, bets.harm)
        return replace(track, blocks=blocks), inflation
    if bets.unit is None:
        return track, np.full(len(bets.harm), track.units.inflation)
    units, inflation = by_units(track.units, bets.harm, bets.unit)
    return replace(track, units=units), inflation


def _strata(strata: tuple[Stratum, ...], bets: Bets) -> tuple[Stratum, ...]:
    known = {stratum.share: stratum for stratum in strata}
    shares = np.round(bets.share, 3)
    for share in np.unique(shares).tolist():
        rows = shares == share
        old, new = bets.champion[rows], bets.challenger[rows]
        stratum = known.get(share, Stratum(share=share))
        known[share] = Stratum(
            share=share,
            champion=added(stratum.champion, old[~np.isnan(old)]),
            challenger=added(stratum.challenger, new[~np.isnan(new)]),
            difference=added(stratum.difference, (new - old)[~np.isnan(new - old)]),
        )
    return tuple(known.values())
