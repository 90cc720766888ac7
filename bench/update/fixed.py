"""The policies that ours is compared with: none of them looks at what it promotes."""

from collections.abc import Callable

import numpy as np
from streams import REFERENCE
from world import Outcome, World, served

from setpoint.stats.distances import psi

CLOCKS = (1, 2, 3, 5, 7, 10, 15, 20)  # units between fits
WINDOWS = {"all": None, "latest": REFERENCE}  # all known rows, or as many of the latest as the first model learnt
PSI_LIMIT = 0.2
ADWIN_DELTA = 0.002  # as in river


def learnt(world: World, frontier: int, window: int | None) -> tuple[int, int]:
    return (0 if window is None else max(0, frontier - world.stream.row(window))), frontier


def periodic(world: World, every: int, window: int | None) -> Outcome:
    """Refit every so many units on what is known, and promote unseen."""
    schedule, last = {}, world.frontier(REFERENCE)
    for unit in world.looks:
        frontier = world.frontier(unit)
        if (unit - REFERENCE) % every == 0 and frontier > last:
            schedule[unit], last = learnt(world, frontier, window), frontier
    return served(world, schedule)


def fixed(world: World) -> dict[str, Outcome]:
    """Return the outcome of every fixed policy by its name."""
    return {f"every {n}, {name}": periodic(world, n, w) for n in CLOCKS for name, w in WINDOWS.items()}


def triggered(world: World, fires: Callable[[World, tuple[int, int], int, int], bool]) -> Outcome:
    """Refit on all known rows whenever `fires(world, rows learnt, unit of the last fit, unit)` says so."""
    schedule, now, last = {}, world.first, REFERENCE
    for unit in world.looks:
        if world.frontier(unit) > now[1] and fires(world, now, last, unit):
            schedule[unit] = now = learnt(world, world.frontier(unit), None)
            last = unit
    return served(world, schedule)


def psi_fires(world: World, now: tuple[int, int], last: int, unit: int) -> bool:
    """Whether the PSI of a feature of the last unit, in tenths of what was learnt, passes the limit."""
    X, rows = world.stream.X, world.rows(unit - 1)
    return any(_psi(X[slice(*now), j], X[rows, j]) > PSI_LIMIT for j in range(X.shape[1]))


def _psi(reference: np.ndarray, window: np.ndarray) -> float:
    reference, window = reference[np.isfinite(reference)], window[np.isfinite(window)]
    if not len(window):
        return np.inf
    edges = np.unique(np.quantile(reference, np.linspace(0.1, 0.9, 9)))
    shares = [np.bincount(np.searchsorted(edges, x), minlength=len(edges) + 1) / len(x) for x in (window, reference)]
    return psi(*shares)


def adwin_fires(world: World, now: tuple[int, int], last: int, unit: int) -> bool:
    """Whether ADWIN cuts the losses, known by now, of the model that serves (Bifet, Gavaldà 2007), at quarter units.

    Losses count in shares of the 99th percentile of the first model's first unit, clipped at one.
    """
    scale = np.quantile(world.losses(world.first)[world.rows(REFERENCE)], 0.99)
    x = np.minimum(world.losses(now)[world.stream.row(last) : world.frontier(unit)] / scale, 1.0)
    size = max(1, world.stream.row(1) // 4)
    cuts = np.arange(size, len(x) - size + 1, size)
    if not len(cuts):
        return False
    total, left = np.cumsum(x)[-1], np.cumsum(x)[cuts - 1]
    n0, n1 = cuts, len(x) - cuts
    m, confidence = 1 / (1 / n0 + 1 / n1), np.log(2 * np.log(len(x)) / ADWIN_DELTA)
    bound = np.sqrt(2 / m * x.var() * confidence) + 2 / (3 * m) * confidence
    return bool((np.abs(left / n0 - (total - left) / n1) > bound).any())


def oracle(world: World, most: int) -> Outcome:
    """Return the best that at most so many fits could have done, had the future been known: when, and on which rows.

    Dynamic programming over the units: a fit, made when a unit begins, on all known rows or on the latest.
    """
    states = {(0, world.first): (0.0, ())}  # by fits so far and the model that serves: the loss so far, the schedule
    for unit in world.looks:
        cheapest = {}
        for (count, _), state in states.items():
            cheapest[count] = min(cheapest.get(count, state), state)
        if world.frontier(unit) > world.first[1]:
            for new in {learnt(world, world.frontier(unit), w) for w in WINDOWS.values()}:
                for count, (total, schedule) in cheapest.items():
                    if count < most:
                        states[count + 1, new] = total, (*schedule, (unit, new))
        for key, (total, schedule) in states.items():
            states[key] = total + world.unit_losses(key[1])[unit], schedule
    return served(world, dict(min(states.values())[1]))
