"""The worst slices: parts of the rows, named by up to three conditions, where the loss is higher than elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from setpoint.stats.intervals import block_se, t_quantile
from setpoint.stats.quality.measured import FloatArray

Codes = NDArray[np.int64]
Literals = tuple[tuple[int, int], ...]  # place of the axis, place of its literal
Score = Callable[[FloatArray, FloatArray, int], FloatArray]

LONGEST = 3  # conditions of a slice
BEAM = 60  # pairs that a third condition is tried on
CANDIDATES = 10  # that the other half of the rows is asked about
SEARCHED = 100_000  # rows
STRETCHES = 40  # of rows; every other one is searched, those between them confirm
SMALLEST, SMALLEST_SHARE = 50, 0.01
LIKENESS = 0.5  # share of the smaller slice that lies in a better one, from which on it says nothing new
LENGTH_COST = 1.0  # standard errors that one more condition must gain


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A column to slice by: a code a row, and the literals that are conditions on the code.

    Parameters
    ----------
    codes : ndarray of shape (n,), int64
    literals : ndarray of shape (n_literals, n_codes), float64
        1 where a literal holds for a code.
    names : tuple of str
        Of the literals: `job=student`, `30<age<=40`, `age is null`.
    """

    codes: Codes
    literals: FloatArray
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Rows with a higher loss than the others.

    `loss` and `rest` are mean losses within and elsewhere, `low` and `high` bound their difference: all from rows that
    the search did not see. `rows` counts all.
    """

    name: str
    rows: int
    share: float
    loss: float
    rest: float
    low: float
    high: float


def find_slices(
    axes: Sequence[Axis], loss: FloatArray, *, alpha: float = 0.05, floor: float = 0.1, most: int = 5
) -> tuple[Slice, ...]:
    """Return the worst slices, surest first.

    All conjunctions of two literals are searched, and a third on the best of these, for the largest standardised excess
    of the loss, in every other stretch of the rows. The best ten that are not alike are confirmed on the stretches in
    between, where the winner's luck does not count: the lower bound of the excess (Bonferroni over the ten, blocks of
    rows) must pass `floor` times the loss elsewhere. So the chance to name any slice where there is none is at most
    `alpha`, however many conjunctions were searched. A triple none of whose pairs stands out is missed.

    Parameters
    ----------
    axes : sequence of Axis
    loss : ndarray of shape (n,), float64
        In time order, without NaN.

    References
    ----------
    S. Sagadeeva, M. Boehm, "SliceLine: fast, linear-algebra-based slice finding for ML model debugging", SIGMOD 2021;
    Y. Chung et al., "Automated data slicing for model validation", TKDE 2020 (effect size and size of a slice).
    """
    n, size = len(loss), float(np.abs(loss).max(initial=0.0)) or 1.0
    loss = loss / size  # so that squares of huge losses stay finite
    odd = (np.arange(n) * STRETCHES // max(n, 1)) % 2 == 1
    searched = np.flatnonzero(~odd)
    searched = searched[:: max(1, -(-len(searched) // SEARCHED))]
    if len(searched) < 2 * SMALLEST or not axes or np.ptp(loss[searched]) == 0:
        return ()
    candidates = _distinct(_search([a.codes[searched] for a in axes], axes, loss[searched]), axes, n)
    found = (
        _confirmed(name, mask, loss, np.flatnonzero(odd), alpha / len(candidates), floor) for name, mask in candidates
    )
    return tuple(_times(s, size) for s in sorted((s for s in found if s), key=lambda s: -s.low)[:most])


def _times(s: Slice, size: float) -> Slice:
    return replace(s, loss=s.loss * size, rest=s.rest * size, low=s.low * size, high=s.high * size)


def _search(codes: list[Codes], axes: Sequence[Axis], loss: FloatArray) -> list[Literals]:
    """Return conjunctions of literals, those with the largest standardised excess first."""
    rows, excess = len(loss), (loss - loss.mean()) / loss.std()
    smallest = max(SMALLEST, int(SMALLEST_SHARE * rows))

    def score(counts: FloatArray, sums: FloatArray, length: int) -> FloatArray:
        inside = (counts >= smallest) & (counts <= rows / 2)
        spread = np.sqrt(np.where(inside, counts * (1 - counts / rows), 1.0))
        return np.where(inside, sums / spread - LENGTH_COST * (length - 1), -np.inf)

    singles, pairs = [], []
    for at, axis in enumerate(axes):
        counts, sums = _totals(codes[at], excess, axis.literals.shape[1])
        found = score(axis.literals @ counts, axis.literals @ sums, 1)
        singles += [(float(found[i]), ((at, i),)) for i in np.argsort(found)[-3:].tolist()]
    for a, b in combinations(range(len(axes)), 2):
        first, second = axes[a].literals, axes[b].literals
        width = second.shape[1]
        joint = _totals(codes[a] * width + codes[b], excess, first.shape[1] * width)
        counts, sums = (first @ part.reshape(-1, width) @ second.T for part in joint)
        found = score(counts, sums, 2)
        best = int(found.argmax())
        i, j = divmod(best, found.shape[1])
        pairs.append((float(found[i, j]), ((a, i), (b, j))))
    pairs.sort(reverse=True)
    triples = [t for _, pair in pairs[:BEAM] for t in _extended(pair, codes, axes, excess, score)]
    ranked = sorted([*singles, *pairs, *triples], reverse=True)
    return [literals for value, literals in ranked if value > 0]


def _extended(
    pair: Literals, codes: list[Codes], axes: Sequence[Axis], excess: FloatArray, score: Score
) -> Iterator[tuple[float, Literals]]:
    """Yield the best third literal of every other axis."""
    within = np.flatnonzero(np.logical_and.reduce([axes[a].literals[i][codes[a]] > 0 for a, i in pair]))
    inside = excess[within]
    for at, axis in enumerate(axes):
        if at not in {a for a, _ in pair}:
            counts, sums = _totals(codes[at][within], inside, axis.literals.shape[1])
            found = score(axis.literals @ counts, axis.literals @ sums, LONGEST)
            best = int(found.argmax())
            yield float(found[best]), (*pair, (at, best))


def _totals(codes: Codes, excess: FloatArray, width: int) -> tuple[FloatArray, FloatArray]:
    counts = np.bincount(codes, minlength=width).astype(np.float64)
    return counts, np.asarray(np.bincount(codes, excess, width), np.float64)


def _distinct(ranked: list[Literals], axes: Sequence[Axis], rows: int) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return the best slices that are not alike, by name, with the rows of each."""
    found: list[tuple[str, NDArray[np.bool_]]] = []
    for literals in ranked[: 20 * CANDIDATES]:
        mask = np.ones(rows, dtype=bool)
        for a, i in literals:
            mask &= axes[a].literals[i][axes[a].codes] > 0
        if all((mask & other).sum() <= LIKENESS * min(mask.sum(), other.sum()) for _, other in found):
            found.append((" & ".join(axes[a].names[i] for a, i in sorted(literals)), mask))
        if len(found) == CANDIDATES:
            break
    return found


def _confirmed(
    name: str, mask: NDArray[np.bool_], loss: FloatArray, unseen: Codes, alpha: float, floor: float
) -> Slice | None:
    """Return a slice if rows that the search did not see are surely worse in it."""
    inside, losses = mask[unseen], loss[unseen]
    if inside.sum() < SMALLEST // 2 or (~inside).sum() < SMALLEST // 2:
        return None
    within, rest = float(losses[inside].mean()), float(losses[~inside].mean())
    share = inside.mean()
    psi = np.where(inside, (losses - within) / share, -(losses - rest) / (1 - share))
    se, freedom = block_se(psi)
    width = se * t_quantile(alpha, freedom)
    low = within - rest - width
    if low <= floor * abs(rest):
        return None
    return Slice(
        name=name,
        rows=int(mask.sum()),
        share=float(mask.mean()),
        loss=within,
        rest=rest,
        low=low,
        high=within - rest + width,
    )
