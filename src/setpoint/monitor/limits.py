"""What the monitors learn from the reference: how much its columns move by themselves."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.profile import Binning, Counted, Cuts
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Feature, Kind, Schema
from setpoint.domain.texts import Texts
from setpoint.domain.value import field, from_json, value
from setpoint.errors import Corrupt
from setpoint.stats.blocks import FEWEST, blocks_of, deviation_high, runs_of, walk
from setpoint.stats.distances import bin_scores, kolmogorov_smirnov, total_variation

FILE_NAME = "limits.json"
HORIZONS = (8, 24, 72, 168, 512, 2_048, 8_192)  # rows of a block
MOST_BLOCKS = 600  # newest blocks of a horizon that are used
DISCRETE = 64  # values at most of a column that moves in steps
DOMINANT = 0.9  # share of rows from which a value is simply the usual one
STEPWISE_RUN = 12  # rows it stays on one value, on average
WIDENED = 0.25  # of the reference's range, on both sides

FloatArray = NDArray[np.float64]


@value
class Movement:
    """How blocks of `rows` rows of one column differ from each other in the reference.

    `level` and `spread` are upper limits of the standard deviation of block means (in reference standard deviations)
    and of log block deviations; `location` and `scale` the same for the mean bin scores. `shape` and `shape_sd` are the
    mean and deviation of a block's distance from the whole (Kolmogorov–Smirnov; total variation for categories). The
    `*_most` are the largest of these that any block shows: rare events make tails that deviations do not tell.
    The `*_step` tell how far a block lies from the 28 before it: the root mean square (same units), and the worst in
    predicted standard errors; zeros where the reference is too short to walk through.
    """

    rows: int
    blocks: int
    shape: float
    shape_sd: float
    level: float = 0.0
    spread: float = 0.0
    location: float = 0.0
    scale: float = 0.0
    location_most: float = 0.0
    scale_most: float = 0.0
    shape_most: float = 0.0
    level_step: tuple[float, float] = (0.0, 0.0)
    spread_step: tuple[float, float] = (0.0, 0.0)
    shape_step: tuple[float, float] = (0.0, 0.0)


@value
class Run:
    """Runs of one value (or, under the name `""`, of any): the longest, and how likely a row repeats the one before."""

    longest: int
    stay: float


@value
class ColumnLimits:
    """What is natural for one column.

    `low`, `high` bound a natural value (the reference's range, widened); `clip_low`, `clip_high` what a single value
    may weigh in a mean. `std` is the standard deviation of the reference, `grain` its smallest step between values.
    `tails` are the means of the reference's rows in the outermost bins inside its edges, which may be very wide.
    `stepwise` columns stay on one of a few values for long (a month, a flag): their runs are watched, not their means.
    `nulls`, `unseen` are shares of rows; `nulls_sd` how much the share of nulls moves between blocks of 24 rows beyond
    sampling.
    """

    kind: Kind
    nulls: float
    nulls_sd: float
    stepwise: bool
    runs: dict[str, Run]
    movements: tuple[Movement, ...]
    low: float = 0.0
    high: float = 0.0
    margin: float = 0.0
    std: float = 0.0
    grain: float = 0.0
    mean: float = 0.0
    tails: tuple[float, float] = (0.0, 0.0)
    unseen: float = 0.0
    levels: dict[str, int] = field(default_factory=dict)

    @property
    def clip_low(self) -> float:
        """Smallest value that a mean may feel."""
        return self.low - (self.high - self.low)

    @property
    def clip_high(self) -> float:
        """Largest value that a mean may feel."""
        return self.high + (self.high - self.low)

    def movement(self, rows: int) -> Movement | None:
        """Return the movement of the longest horizon that is not above `rows`, or the shortest."""
        return max((m for m in self.movements if m.rows <= rows), key=lambda m: m.rows, default=self.shortest)

    @property
    def shortest(self) -> Movement | None:
        """The movement of the shortest horizon."""
        return self.movements[0] if self.movements else None


@value
class Limits:
    """What is natural for every feature and for the score."""

    rows: int
    columns: dict[str, ColumnLimits]


def read_limits(path: Path) -> Limits:
    """Read limits.json; `path` is the file or the bundle's folder.

    Raises
    ------
    Corrupt
        If it cannot be read.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        return from_json(file.read_bytes(), Limits)
    except (OSError, ValueError) as e:
        raise Corrupt(f"cannot read the monitors' limits {file}: {e}; deploy the model again") from e


def learn(reference: Columns, schema: Schema, binning: Binning, scores: Column, times: Column | None = None) -> Limits:
    """Learn natural movement from the reference.

    Parameters
    ----------
    reference : Mapping of ndarray, shape (n,)
        The features, in time order if `times` is None; of several classes the labels of the answers, too.
    binning : Binning
        Cuts of the features and the score.
    scores : ndarray of shape (n,)
        The model's score on the reference rows.
    times : ndarray of shape (n,), datetime64 or numbers, optional
        Event times; rows are put in their order.
    """
    order = np.argsort(times, kind="stable") if times is not None else np.arange(len(scores))
    features = {f.name: f for f in schema.features}
    score = Feature(name=schema.score, kind=Kind.NUMERIC, dtype=DType.FLOAT)
    if schema.label:
        features[schema.label] = Feature(name=schema.label, kind=Kind.CATEGORICAL, dtype=DType.STRING)
    columns = {**reference, schema.score: scores}
    return Limits(
        rows=len(order),
        columns={
            name: _learnt(columns[name][order], cuts, features.get(name, score))
            for name, cuts in binning.columns.items()
            if name in columns
        },
    )


def _learnt(values: Column, cuts: Cuts, feature: Feature) -> ColumnLimits:
    if feature.kind is Kind.NUMERIC:
        return _numeric(values.astype(np.float64), cuts, feature)
    return _categorical(values) if cuts.kind == Counted.CATEGORICAL else _free(values, cuts)


def _free(values: Column, cuts: Cuts) -> ColumnLimits:
    """Learn what is natural for texts that hardly repeat: nulls, and how much lengths move.

    Times are left to their profile: they go on, so the last week always differs from the reference.
    """
    texts = Texts.of(values)
    nulls = texts.codes < 0
    bins = np.searchsorted(np.asarray(cuts.edges), texts.lengths[~nulls], side="left")
    return ColumnLimits(
        kind=Kind.CATEGORICAL,
        nulls=float(nulls.mean()),
        nulls_sd=_share_movement(nulls),
        stepwise=False,
        runs={},
        movements=_categorical_movements(bins, cuts.bins) if cuts.kind == Counted.TEXT else (),
        unseen=1.0,
    )


def _numeric(values: FloatArray, cuts: Cuts, feature: Feature) -> ColumnLimits:
    finite = values[np.isfinite(values)]
    distinct = np.unique(finite)
    if not len(distinct):
        distinct = finite = np.zeros(1)
    low, high = float(distinct[0]), float(distinct[-1])
    std = float(finite.std())
    grain = float(np.diff(distinct).min()) if len(distinct) > 1 else 0.0
    margin = _margin(distinct, feature)
    runs, stepwise = _runs(values, distinct)
    nulls = np.isnan(values)
    return ColumnLimits(
        kind=Kind.NUMERIC,
        nulls=float(nulls.mean()),
        nulls_sd=_share_movement(nulls),
        stepwise=stepwise,
        runs=runs,
        movements=_numeric_movements(np.clip(values, low, high), cuts, std, grain),
        low=low,
        high=high,
        margin=margin,
        std=std,
        grain=grain,
        mean=float(finite.mean()),
        tails=_tails(finite, cuts),
    )


def _tails(finite: FloatArray, cuts: Cuts) -> tuple[float, float]:
    edges = np.asarray(cuts.edges)
    if len(edges) < 2:
        return float(finite.mean()), float(finite.mean())
    lowest, highest = finite[finite <= edges[1]], finite[finite > edges[-2]]
    low, high = ((edges[at] + edges[at + 1]) / 2 for at in (0, -2))
    return float(lowest.mean() if len(lowest) else low), float(highest.mean() if len(highest) else high)


def _margin(distinct: FloatArray, feature: Feature) -> float:
    """Return how far beyond the reference a value may still be natural: whole numbers may grow by one, flags do not."""
    if feature.dtype is DType.BOOL or (len(distinct) <= 2 and set(distinct) <= {0.0, 1.0}):
        return 0.0
    whole = len(distinct) > 1 and bool(np.all(distinct == np.round(distinct)))
    return max(WIDENED * float(distinct[-1] - distinct[0]), 1.0 if whole else 0.0)


def _categorical(values: Column) -> ColumnLimits:
    levels, codes = encode(values)
    nulls = codes < 0
    runs, stepwise = _runs(np.where(nulls, np.nan, codes.astype(np.float64)), np.arange(len(levels), dtype=np.float64))
    counts = np.bincount(codes[~nulls], minlength=len(levels))
    return ColumnLimits(
        kind=Kind.CATEGORICAL,
        nulls=float(nulls.mean()),
        nulls_sd=_share_movement(nulls),
        stepwise=stepwise,
        runs={levels[int(float(name))] if name else "": run for name, run in runs.items()},
        movements=_categorical_movements(codes, len(levels)),
        unseen=_unseen_rate(codes),
        levels={level: int(count) for level, count in zip(levels, counts, strict=True)},
    )


def encode(values: Iterable[str | None], levels: dict[str, int] | None = None) -> tuple[list[str], NDArray[np.int64]]:
    """Return the levels in order of appearance, and each row's number; -1 for null, len(levels) for an unknown level.

    Without `levels`, every level met is known.
    """
    if levels is None:
        known: dict[str, int] = {}
        codes = [-1 if v is None else known.setdefault(str(v), len(known)) for v in values]
        return list(known), np.array(codes, np.int64)
    other = len(levels)
    return list(levels), np.array([-1 if v is None else levels.get(str(v), other) for v in values], np.int64)


def _unseen_rate(codes: NDArray[np.int64]) -> float:
    """Return the share of rows of the later half whose level the earlier half does not have."""
    half = len(codes) // 2
    later = codes[half:]
    return float((~np.isin(later[later >= 0], codes[:half])).mean()) if (later >= 0).any() else 0.0


def _share_movement(hits: NDArray[np.bool_], rows: int = 24) -> float:
    """Return the deviation of a share between blocks beyond what sampling explains."""
    count = len(hits) // rows
    if count < FEWEST:
        return 0.0
    shares = hits[: count * rows].reshape(count, rows).mean(axis=1)
    mean = float(shares.mean())
    return float(np.sqrt(max(float(shares.var(ddof=1)) - mean * (1 - mean) / rows, 0.0)))


def _runs(values: FloatArray, distinct: FloatArray) -> tuple[dict[str, Run], bool]:
    """Learn the runs, of each value where the column moves in steps, and whether it does."""
    starts, lengths = runs_of(values)
    held = values[starts]
    real = ~np.isnan(held)
    if not real.any() or len(distinct) < 2:
        return {}, len(distinct) < 2
    runs = {"": _run(lengths[real])}
    stepwise = len(distinct) <= DISCRETE and float(lengths[real].mean()) >= STEPWISE_RUN
    if stepwise:
        for v in distinct:
            own = held == v
            if lengths[own].sum() > DOMINANT * len(values):
                continue  # staying on it tells nothing
            # the first and the last run may have been cut short by the reference's ends
            whole = own[1:-1].any()
            runs[number_name(v)] = _run(lengths[own]) if whole else runs[""]
    return runs, stepwise


def _run(lengths: NDArray[np.int64]) -> Run:
    rows = int(lengths.sum())
    return Run(longest=int(lengths.max()), stay=(rows - len(lengths) + 1) / (rows + 2))


def number_name(number: float) -> str:
    """Write a value of a discrete column as the key of its runs."""
    return f"{number:g}"


def _numeric_movements(values: FloatArray, cuts: Cuts, std: float, grain: float) -> tuple[Movement, ...]:
    if std == 0.0 or not cuts.edges:
        return ()
    edges = np.asarray(cuts.edges)
    filled = values[~np.isnan(values)]
    bins = np.searchsorted(edges, filled, side="left")
    shares = np.bincount(bins, minlength=len(edges) + 1) / len(filled)
    s, q = bin_scores(shares)
    rows = np.column_stack([s[bins], q[bins]])
    return tuple(
        _numeric_movement(size, values / std, grain / std, rows, bins, shares) for size in _horizons(len(filled))
    )


def _horizons(rows: int) -> tuple[int, ...]:
    return tuple(size for size in HORIZONS if rows // size >= FEWEST)


def _numeric_movement(
    size: int, values: FloatArray, grain: float, scores: FloatArray, bins: NDArray[np.int64], shares: FloatArray
) -> Movement:
    newest = size * MOST_BLOCKS
    raw = blocks_of(values[-newest:, None], size, np.array([grain]))
    scored = blocks_of(scores[-newest:], size, np.zeros(2)).mean
    location, scale = deviation_high(scored)
    shape = kolmogorov_smirnov(_block_shares(bins[-newest:], size, len(shares)), shares)
    return Movement(
        rows=size,
        blocks=len(scored),
        level=float(deviation_high(raw.mean)[0]),
        spread=float(deviation_high(raw.log_std)[0]),
        location=float(location),
        scale=float(scale),
        location_most=float(np.abs(scored[:, 0]).max()),
        scale_most=float(np.abs(scored[:, 1]).max()),
        shape_most=float(shape.max()),
        shape=float(shape.mean()),
        shape_sd=float(shape.std(ddof=1)),
        level_step=walk(raw.mean[:, 0]),
        spread_step=walk(raw.log_std[:, 0]),
    )


def _categorical_movements(codes: NDArray[np.int64], levels: int) -> tuple[Movement, ...]:
    filled = codes[codes >= 0]
    shares = np.bincount(filled, minlength=levels) / max(len(filled), 1)
    out = []
    for size in _horizons(len(filled)) if levels > 1 else ():
        shape = total_variation(_block_shares(filled[-size * MOST_BLOCKS :], size, levels), shares)
        out.append(
            Movement(
                rows=size,
                blocks=len(shape),
                shape=float(shape.mean()),
                shape_sd=float(shape.std(ddof=1)),
                shape_most=float(shape.max()),
                shape_step=walk(shape),
            )
        )
    return tuple(out)


def _block_shares(bins: NDArray[np.int64], size: int, width: int) -> FloatArray:
    """Return the shares of each bin in consecutive blocks, shape (n_blocks, width)."""
    count = len(bins) // size
    cut = bins[len(bins) - count * size :].reshape(count, size) + width * np.arange(count)[:, None]
    return np.bincount(cut.ravel(), minlength=width * count).reshape(count, width) / size
