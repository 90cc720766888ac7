"""Simulated traffic of one metric: equal versions, and versions that are worse."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

BATCH = 200  # requests between two looks


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Rows that one of the two answered. `known` is when the outcome became known, in rows since the beginning."""

    bad: np.ndarray
    new: np.ndarray
    share: np.ndarray
    top: float = 1.0
    middle: float = 0.0
    unit: np.ndarray | None = None
    known: np.ndarray | None = None
    each: str = "mean"  # what a batch's point is, for a judge of batches: its mean, or the raw values' p99
    raw: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Rows that both answered."""

    old: np.ndarray
    fresh: np.ndarray
    top: float = 1.0


def waves(rng, rows, correlation):
    """A normal AR(1) series of variance 1."""
    noise = rng.standard_normal(rows) * np.sqrt(1 - correlation**2)
    noise[0] /= np.sqrt(1 - correlation**2)
    return lfilter([1], [1, -correlation], noise)


def half(rows):
    return np.full(rows, 0.5)


def ramp(rows):
    """1, 10 and 50 % of the traffic."""
    return np.repeat([0.01, 0.1, 0.5], [rows // 5, rows // 5, rows - 2 * (rows // 5)])


def errors(rng, rows, *, old=0.002, fresh=0.002, share=half, drift=1.0, correlation=0.0):
    """Failures; `drift`: how many times as likely they are at the end; correlated: their rate has waves."""
    shares = share(rows)
    new = rng.random(rows) < shares
    rate = np.where(new, fresh, old) * np.geomspace(1, drift, rows)
    if correlation:
        rate = rate * np.exp(waves(rng, rows, correlation) - 0.5)
    return Shared(bad=(rng.random(rows) < rate).astype(float), new=new, share=shares)


def callers(rng, rows, *, count=100):
    """Failures that hang on callers, who keep their version."""
    ids, bad = rng.integers(0, 2**60, count), rng.random(count) < 0.03
    new, who = rng.random(count) < 0.5, rng.integers(0, count, rows)
    failed = bad[who] & (rng.random(rows) < 0.3)
    return Shared(bad=failed.astype(float), new=new[who], share=half(rows), unit=ids[who])


def latency(rng, rows, *, slower=1.0, correlation=0.0):
    """Requests slower than the p99 of before; correlated: the load has waves."""
    shares = half(rows)
    new = rng.random(rows) < shares
    log = waves(rng, rows, correlation) if correlation else rng.standard_normal(rows)
    ms = np.exp(3 + 0.5 * log) * np.where(new, slower, 1.0)
    limit = np.exp(3 + 0.5 * 2.326)
    return Shared(bad=(ms > limit).astype(float), new=new, share=shares, each="p99", raw=ms)


def answers(rng, rows, *, old=0.1, fresh=0.1, share=half, correlation=0.0):
    """Wrong answers; correlated: some times are harder than others."""
    shares = share(rows)
    new = rng.random(rows) < shares
    chance = np.where(new, fresh, old)
    if correlation:
        chance = np.clip(chance * np.exp(0.7 * waves(rng, rows, correlation) - 0.245), 0, 1)
    return Shared(bad=(rng.random(rows) < chance).astype(float), new=new, share=shares, middle=0.1)


def shadow(rng, rows, *, correlation=0.0, likeness=0.8):
    """Absolute errors of two models that answer the same rows and are wrong together, one as much as the other."""
    common, first, second = (waves(rng, rows, correlation) for _ in range(3))
    errors = (np.sqrt(likeness) * common + np.sqrt(1 - likeness) * own for own in (first, second))
    old, fresh = (np.minimum(np.abs(error), 3.0) for error in errors)
    return Paired(old=old, fresh=fresh, top=3.0)


def wrong_in_shadow(rng, rows, *, old=0.1, fresh=0.1, both=0.8):
    """Wrong answers to the same rows; most errors are made by both."""
    u, own = rng.random(rows), rng.random((2, rows))
    common = u < both * old
    first, second = (common | (own[at] < (p - both * old) / (1 - both * old)) for at, p in enumerate((old, fresh)))
    return Paired(old=first.astype(float), fresh=second.astype(float))


def late(rng, rows, *, delay=3_000):
    """Frauds are known soon, honest customers only after a while; the share rises."""
    shares = ramp(rows)
    new, fraud = rng.random(rows) < shares, rng.random(rows) < 0.1
    loss = np.where(fraud, 0.9, 0.1) * rng.uniform(0.5, 1.0, rows)
    known = np.arange(rows) + np.where(fraud, rng.exponential(delay / 10, rows), delay)
    return Shared(bad=loss, new=new, share=shares, middle=0.14, known=known)
