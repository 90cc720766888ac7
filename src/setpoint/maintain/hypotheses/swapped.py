"""Two columns exchanged their values: exchanged again, the rows look as healthy ones do."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from setpoint.domain.incident import Cause, Incident
from setpoint.domain.schema import Kind, Schema
from setpoint.domain.value import value
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import CERTAIN, Explanation
from setpoint.maintain.hypotheses.renamed import unknown
from setpoint.maintain.joint import Turned, fit_joint, mixed
from setpoint.maintain.loss import Floats, distance, independent_rows, moving_means
from setpoint.maintain.marks import rate_step
from setpoint.maintain.remedies import swap_repair
from setpoint.maintain.stretch import Stretch, stretch_of

SUSPECTS = 6  # columns by either distance, of which every pair is tried: those that moved most
SHARES = (0.1, 0.3, 1.0)  # of the rows that may be exchanged
CLOSED = 0.7  # of the way back to the worst healthy stretch that the exchange must go
USUAL = 0.05  # quantile of the healthy densities that most rows must reach when they are exchanged
APART = 0.1  # distance (KS) that each column must have moved
LEAST = 10.0  # nats below which nothing is said
FEWEST = 6


@value
class Pair:
    """Two columns, and how much likelier the rows since `onset` are when some share of them is exchanged (nats)."""

    a: str
    b: str
    onset: int
    ratio: float
    share: float
    words: str = ""
    numbers: bool = True

    @property
    def subject(self) -> str:
        """Both names."""
        return f"{self.a}, {self.b}"


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain by the pair of columns that is likeliest exchanged."""
    stretch = stretch_of(case)
    if stretch is None:
        return ()
    pairs = (*of_numbers(case.schema, stretch), *of_levels(case.schema, stretch))
    if not pairs:
        return ()
    pair = min(pairs, key=lambda p: (-p.ratio, p.a))
    columns, rows = (pair.a, pair.b), stretch.after(pair.onset)
    proof = swap_repair(incident, case, rows, columns, score, partly=pair.share < 1)
    return (
        Explanation(
            cause=Cause.SWAPPED,
            subject=pair.subject,
            support=min(pair.ratio, CERTAIN),
            evidence=(pair.words, *((proof.repair.proof,) if proof else ())),
            repair=proof.repair if proof is not None and proof.helps else None,
            nats=pair.ratio if pair.numbers else None,
        ),
    )


def of_numbers(schema: Schema, stretch: Stretch) -> Iterator[Pair]:
    """Yield the pairs of measurements whose exchange makes the rows surely likelier, given the other columns."""
    joint = fit_joint(stretch.known, schema)
    if joint is None or len(stretch.rows) < 2 * FEWEST:
        return
    z, known = joint.standardised(stretch.seen), joint.standardised(stretch.known)
    rows, healthy = joint.turned(z), joint.turned(known)
    raw = joint.density_at(rows.length)
    for i, j in combinations(moved(rows, len(stretch.rows) // 2), 2):
        exchanged = rows.density_with(joint.exchanged(z, i, j))
        gain = exchanged - raw
        natural = healthy.density_with(joint.exchanged(known, i, j)) - joint.own
        onset, ratio, share = max((best(gain, natural, share) for share in SHARES), key=lambda f: f[1])
        mended = float(np.maximum(gain[onset:], 0.0).mean())
        missing = joint.floor(len(z) - onset) - float(raw[onset:].mean())
        ratio *= independent_rows(raw[onset:]) / max(len(raw) - onset, 1)
        ratio -= float(np.log(len(joint.names) ** 2 * len(z)))
        if ratio < LEAST or missing <= 0 or mended < CLOSED * missing:
            continue
        better = gain[onset:] > np.log(1 / share) + 1
        if not better.any() or np.median(exchanged[onset:][better]) < np.quantile(joint.own, USUAL):
            continue  # less strange is not healthy: another unit is nearer to a column of larger numbers, too
        a, b = joint.names[i], joint.names[j]
        if min(distance(stretch.known[x], stretch.seen[x][onset:]) for x in (a, b)) < APART:
            continue  # each would hold what the other held
        words = f"with {a} and {b} exchanged the rows since {stretch.since(onset)} are {ratio:.1f} nats likelier"
        yield Pair(a=a, b=b, onset=onset, ratio=ratio, share=share, words=words)


def best(gain: Floats, natural: Floats, share: float) -> tuple[int, float, float]:
    """Return the onset since which exchanging a share of the rows gains most, how much, and the share.

    What the exchange would gain on as many healthy rows, at most, is no gain.
    """
    total = np.cumsum(mixed(gain, share)[::-1])[::-1]
    onset = int(np.argmax(total[: 1 - FEWEST]))
    rows = len(gain) - onset
    usual = rows * float(moving_means(mixed(natural, share), rows).max())
    return onset, float(total[onset]) - max(usual, 0.0), share


def moved(rows: Turned, newest: int) -> list[int]:
    """Return the columns whose newest rows lie furthest out, and furthest from what the other columns foretell."""
    far = np.abs(rows.weighted[-newest:] / np.diag(rows.joint.precision)).mean(axis=0)
    furthest = (np.argsort(by)[::-1][:SUSPECTS] for by in (far, np.abs(rows.z[-newest:]).mean(axis=0)))
    return sorted({int(j) for some in furthest for j in some})


def of_levels(schema: Schema, stretch: Stretch) -> Iterator[Pair]:
    """Yield the pairs of columns of levels each of which came to hold what only the other one held."""
    levels = {
        f.name: set(f.levels) | {v for v in stretch.known[f.name] if v is not None}
        for f in schema.features
        if f.kind is Kind.CATEGORICAL and f.sensitive is None
    }
    strange = {name: unknown(stretch.seen[name], own) for name, own in levels.items()}
    for a, b in combinations([name for name, marks in strange.items() if marks.any()], 2):
        theirs = strange[a] & ~unknown(stretch.seen[a], levels[b]) | strange[b] & ~unknown(stretch.seen[b], levels[a])
        step = rate_step(np.zeros(len(stretch.healthy), dtype=bool), theirs)
        if step.ratio >= LEAST and (strange[a] & theirs).any() and (strange[b] & theirs).any():
            words = f"since {stretch.since(step.onset)} {a} and {b} hold levels that only the other one had"
            ratio, share = step.ratio + 1.0, step.since
            yield Pair(a=a, b=b, onset=step.onset, ratio=ratio, share=share, words=words, numbers=False)
