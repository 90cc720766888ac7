"""A small boosting that stands in for any model: answers out of fold, of rows it has not seen."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from setpoint.domain.schema import DType, Schema

FOLDS = 5
MOST_LEVELS = 200
LEARNT_FROM = 50_000  # rows at most, for one fold
SEED = 0
LARGEST = 1e38  # that a float32 holds
SETTINGS = {"max_iter": 60, "max_leaf_nodes": 15, "min_samples_leaf": 20, "learning_rate": 0.1, "early_stopping": False}

FloatArray = NDArray[np.float64]
Matrix = NDArray[np.float32]


def levels_of(table: pa.Table, schema: Schema) -> dict[str, pa.Array]:
    """Return the most frequent levels of each text column, as they are coded: the same codes for several tables."""
    return {f.name: _most_frequent(_texts(table[f.name])) for f in schema.features if f.dtype is DType.STRING}


def matrix(table: pa.Table, schema: Schema, levels: Mapping[str, pa.Array]) -> Matrix:
    """Return the features as numbers, shape (n, n_features): texts as the places of their levels, NaN for missing."""
    found = np.empty((table.num_rows, len(schema.features)), np.float32)
    for at, f in enumerate(schema.features):
        found[:, at] = _places(table[f.name], levels[f.name]) if f.name in levels else _numbers(table[f.name])
    return found


def learnable(x: Matrix) -> Matrix:
    """Return rows to learn from: a column without one value, which the boosting cannot bin, is one of zeros."""
    empty = np.isnan(x).all(axis=0)
    return np.where(empty, np.float32(0), x) if empty.any() else x


def folds_of(rows: int) -> NDArray[np.int64]:
    """Return to which fold each row belongs, at random and always alike, shape (n,)."""
    return np.random.default_rng(SEED).permutation(rows) % FOLDS


def probabilities(x: Matrix, y: NDArray[np.int64], classes: int, folds: NDArray[np.int64]) -> FloatArray:
    """Return the probability of each class, out of fold, shape (n, classes); 0 of a class that a fold did not see."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # half a second, for those who learn

    found = np.zeros((len(y), classes))
    for fold in np.unique(folds):
        train, own = _sample(folds != fold), folds == fold
        with threadpool_limits(1):  # the same sums whatever the machine
            model = HistGradientBoostingClassifier(random_state=SEED, **SETTINGS).fit(learnable(x[train]), y[train])
            found[np.ix_(own, model.classes_.astype(np.intp))] = model.predict_proba(x[own])
    return found


def predictions(x: Matrix, y: FloatArray, folds: NDArray[np.int64]) -> FloatArray:
    """Return what is predicted of each row, out of fold, shape (n,)."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    found = np.empty(len(y))
    for fold in np.unique(folds):
        train, own = _sample(folds != fold), folds == fold
        with threadpool_limits(1):
            model = HistGradientBoostingRegressor(random_state=SEED, **SETTINGS).fit(learnable(x[train]), y[train])
            found[own] = model.predict(x[own])
    return found


def _sample(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return as many rows as are learnt from, spread evenly."""
    found = np.flatnonzero(rows)
    step = max(1.0, len(found) / LEARNT_FROM)
    return found[np.arange(0, len(found), step).astype(np.int64)]


def _texts(column: pa.ChunkedArray) -> pa.Array:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return column.cast(kind).cast(pa.string()).combine_chunks()


def _most_frequent(texts: pa.Array) -> pa.Array:
    counted = texts.drop_null().value_counts().flatten()
    order = np.lexsort((counted[0].to_numpy(zero_copy_only=False), -counted[1].to_numpy()))
    return counted[0].take(pa.array(order[:MOST_LEVELS]))


def _places(column: pa.ChunkedArray, levels: pa.Array) -> FloatArray:
    texts = _texts(column)
    places: FloatArray = pc.index_in(texts, levels).fill_null(len(levels)).to_numpy(zero_copy_only=False)
    places = places.astype(np.float64)
    places[texts.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return places


def _numbers(column: pa.ChunkedArray) -> FloatArray:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    numbers: FloatArray = column.cast(pa.float64(), safe=False).to_numpy()
    return np.where(np.isfinite(numbers), np.clip(numbers, -LARGEST, LARGEST), np.nan)
