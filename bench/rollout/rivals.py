"""How others judge, looked at after every batch: z-tests, Fisher's test, Mann-Whitney on batches as Kayenta runs it."""

import numpy as np
from scipy import special, stats
from traffic import BATCH, Paired

ALPHA = 0.05
TOLERATED, CONFIDENCE = 0.25, 0.98  # of Kayenta's NetflixACAJudge
FIRST = 5  # batches before Kayenta's judge sees enough points


def sums(traffic):
    """Rows, totals and squares of both sides after each batch, each of shape (looks,); (challenger, champion)."""
    ends = np.arange(BATCH, len(traffic.bad) + 1, BATCH) - 1
    sides = []
    for mine in (traffic.new, ~traffic.new):
        parts = mine.astype(float), traffic.bad * mine, np.square(traffic.bad) * mine
        sides.append(tuple(np.cumsum(part)[ends] for part in parts))
    return sides


def arrived(traffic):
    """The same of the rows whose outcome has arrived by each look."""
    sides = []
    ends = np.arange(BATCH, len(traffic.bad) + 1, BATCH)
    order = np.argsort(traffic.known, kind="stable")
    count = np.searchsorted(traffic.known[order], ends)
    for mine in (traffic.new[order], ~traffic.new[order]):
        parts = mine.astype(float), traffic.bad[order] * mine, np.square(traffic.bad[order]) * mine
        sides.append(tuple(np.concatenate([[0.0], np.cumsum(part)])[count] for part in parts))
    return sides


def z_path(new, old):
    """One-sided p-values of Welch's z-test after each look."""
    (n1, s1, q1), (n0, s0, q0) = new, old
    with np.errstate(divide="ignore", invalid="ignore"):
        v1, v0 = q1 / n1 - (s1 / n1) ** 2, q0 / n0 - (s0 / n0) ** 2
        z = (s1 / n1 - s0 / n0) / np.sqrt(v1 / n1 + v0 / n0)
    return special.ndtr(-np.nan_to_num(z, nan=0.0, posinf=0.0, neginf=0.0))


def fisher_path(new, old):
    """One-sided p-values of Fisher's exact test after each look."""
    (n1, s1, _), (n0, s0, _) = new, old
    return stats.hypergeom.sf(s1 - 1, n1 + n0, s1 + s0, n1)


def paired_z_path(traffic):
    """One-sided p-values of the paired z-test after each batch that the second is worse."""
    worse = traffic.fresh - traffic.old
    ends = np.arange(BATCH, len(worse) + 1, BATCH)
    mean = np.cumsum(worse)[ends - 1] / ends
    sd = np.sqrt(np.cumsum(np.square(worse))[ends - 1] / ends - mean**2)
    return special.ndtr(-mean / np.maximum(sd, 1e-12) * np.sqrt(ends))


def not_worse(traffic, margin):
    """One-sided p-values after each batch that the challenger is not worse by the margin, by z-tests."""
    if isinstance(traffic, Paired):
        return paired_z_path(Paired(old=traffic.fresh, fresh=traffic.old + margin))
    (n1, s1, q1), (n0, s0, q0) = sums(traffic)
    v1, v0 = q1 / n1 - (s1 / n1) ** 2, q0 / n0 - (s0 / n0) ** 2
    return special.ndtr((s1 / n1 - s0 / n0 - margin) / np.sqrt(v1 / n1 + v0 / n0 + 1e-12))


def points(traffic):
    """One point a batch and side, as a metrics store has them: (challenger, champion), each of shape (looks,)."""
    looks = len(traffic.new) // BATCH
    values = traffic.bad if traffic.raw is None else traffic.raw
    cut, new = values[: looks * BATCH].reshape(looks, BATCH), traffic.new[: looks * BATCH].reshape(looks, BATCH)
    sides = []
    for mine in (new, ~new):
        held = np.where(mine, cut, np.nan)
        rows = mine.any(axis=1)
        side = np.full(looks, np.nan)
        side[rows] = (
            np.nanquantile(held[rows], 0.99, axis=1) if traffic.each == "p99" else np.nanmean(held[rows], axis=1)
        )
        sides.append(side)
    return sides


def kayenta(new, old):
    """Whether each look calls the metric high: the lower bound of the shift is beyond a quarter of the shift itself."""
    z = special.ndtri(0.5 + CONFIDENCE / 2)
    called = np.zeros(len(new), bool)
    for look in range(FIRST, len(new) + 1):
        a, b = new[:look], old[:look]
        a, b = a[~np.isnan(a)], b[~np.isnan(b)]
        if not len(a) or not len(b):
            continue
        shifts = np.sort((a[:, None] - b).ravel())
        at = int(len(a) * len(b) / 2 - z * np.sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12))
        called[look - 1] = at >= 0 and shifts[at] > TOLERATED * abs(np.median(shifts))
    return called
