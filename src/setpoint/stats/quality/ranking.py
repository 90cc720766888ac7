"""Metrics of ranked lists: rows belong to queries, scores order them, and relevance says what was wanted.

The unit is the query: `psi` has one entry a query, in the order of their first rows. Queries without a relevant row say
nothing about an order and are left out.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from setpoint.stats.quality.measured import FloatArray, Measured, mean, undefined

One = Callable[[FloatArray, FloatArray], float]


def ndcg(relevance: FloatArray, score: FloatArray, query: NDArray[np.generic], k: int) -> Measured:
    """Discounted gain of the first k over the best possible; tied rows share their places, as in scikit-learn.

    References
    ----------
    K. Järvelin, J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20, 2002.
    """

    def one(rel: FloatArray, s: FloatArray) -> float:
        discount = np.where(np.arange(len(rel)) < k, 1 / np.log2(np.arange(len(rel)) + 2), 0.0)
        order = np.argsort(-s, kind="stable")
        _, tie = np.unique(-s[order], return_inverse=True)
        shared = (np.bincount(tie, discount) / np.bincount(tie))[tie]
        return float(rel[order] @ shared / (np.sort(rel)[::-1] @ discount))

    return _by_query(relevance, score, query, one)


def average_precision_at(relevance: FloatArray, score: FloatArray, query: NDArray[np.generic], k: int) -> Measured:
    """Mean over queries of the average precision of the first k (MAP@k)."""

    def one(rel: FloatArray, s: FloatArray) -> float:
        hit = _hits(rel, s)[:k]
        at = hit * np.cumsum(hit) / np.arange(1, len(hit) + 1)
        return float(at.sum() / min(k, int((rel > 0).sum())))

    return _by_query(relevance, score, query, one)


def reciprocal_rank(relevance: FloatArray, score: FloatArray, query: NDArray[np.generic]) -> Measured:
    """Mean over queries of one over the place of the first relevant row (MRR)."""
    return _by_query(relevance, score, query, lambda rel, s: float(1 / (1 + np.argmax(_hits(rel, s)))))


def precision_at(relevance: FloatArray, score: FloatArray, query: NDArray[np.generic], k: int) -> Measured:
    """Mean over queries of the share of relevant rows among the first k."""
    return _by_query(relevance, score, query, lambda rel, s: float(_hits(rel, s)[:k].sum() / k))


def _hits(relevance: FloatArray, score: FloatArray) -> FloatArray:
    """Return relevant or not in the order of the scores; rows that are tied keep their order."""
    return (relevance[np.argsort(-score, kind="stable")] > 0).astype(np.float64)


def _by_query(relevance: FloatArray, score: FloatArray, query: NDArray[np.generic], one: One) -> Measured:
    _, first, code = np.unique(query, return_index=True, return_inverse=True)
    rows = np.argsort(code, kind="stable")
    groups = np.split(rows, np.cumsum(np.bincount(code))[:-1])
    found = [
        one(relevance[group], score[group])
        for group in (groups[at] for at in np.argsort(first))
        if (relevance[group] > 0).any()
    ]
    return mean(np.array(found)) if found else undefined(0, "no query has a relevant row")
