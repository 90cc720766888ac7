"""How columns are counted: cuts taken once from the reference, so that profiles of all versions add up."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Feature, Kind, Schema
from setpoint.domain.segments import Split, splits_of
from setpoint.domain.texts import Texts, named, seconds
from setpoint.domain.value import field, replace, value

INNER_BINS = 64
MOST_LEVELS = 1_000
SPARE_LEVELS = 256  # unknown levels that are counted apart, beside those of the reference
HEAVIEST = 1e100  # what a single value may weigh in a sum, so that sums stay finite
MOSTLY = 0.99  # share of the texts that must be times
UNIQUE, FEWEST_ROWS = 0.9, 100  # levels a row above which so many rows are never categories
VARIED = 0.5  # the same for texts that are long
LONG, WORDY = 40, 4  # characters and words of a text, on average

FloatArray = NDArray[np.float64]


class Counted(StrEnum):
    """How a column is counted, whatever the model makes of it."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"


@value
class Cuts:
    """How one column is counted.

    `edges` are cut points of what is measured: the number itself, 0 or 1 of a boolean, seconds since 1970 of a time,
    the characters of a text. Bin 0 holds what is below the reference, the last bin what is above it. Sums are taken of
    distances from `origin`, a round number near the reference's mean. A categorical column has no edges: each of its
    `levels` is counted exactly, and of the unknown ones the `spare` with the smallest hash.
    """

    kind: Counted
    edges: tuple[float, ...] = ()
    origin: float = 0.0
    levels: tuple[str, ...] = ()
    spare: int = MOST_LEVELS

    @property
    def bins(self) -> int:
        """Number of bins of what is measured; 0 for levels."""
        return 0 if self.kind == Counted.CATEGORICAL else len(self.edges) + 1


@value
class Binning:
    """The cuts of every column of a model, fixed at its first deployment so that profiles of all versions add up.

    `segments` are by column the parts of the rows that are counted on their own too. `describe` is the user's function,
    `path/to/file.py:function`, whose columns are counted beside the features.
    """

    columns: dict[str, Cuts]
    segments: dict[str, Split] = field(default_factory=dict)
    describe: str = ""


def cuts_of(column: Column, kind: Counted | Kind) -> Cuts:
    """Cut a reference column at its quantiles (at most `INNER_BINS` bins, fewer when values repeat)."""
    match Counted(kind):
        case Counted.CATEGORICAL:
            return _levels_of(column)
        case Counted.BOOLEAN:
            return Cuts(kind=Counted.BOOLEAN, edges=(0.5,))
        case Counted.TEXT:
            return _quantiles(Texts.of(column).lengths, Counted.TEXT)
        case Counted.DATETIME:
            return _quantiles(seconds(column), Counted.DATETIME)
        case Counted.NUMERIC:
            return _quantiles(column.astype(np.float64), Counted.NUMERIC)


def binning_of(reference: Columns, schema: Schema, score: Column, segments: Sequence[str] = ()) -> Binning:
    """Return the cuts for the features, for the model's score on the reference rows, and of several classes for labels.

    Raises
    ------
    InvalidInput
        If one of the columns named for segments is no feature.
    """
    splits = splits_of(reference, schema, segments)
    cuts = {f.name: cuts_of(reference[f.name], counted_as(f, reference[f.name])) for f in schema.features}
    if schema.label:
        labels = tuple(sorted(map(str, schema.classes)))
        cuts[schema.label] = Cuts(kind=Counted.CATEGORICAL, levels=labels, spare=SPARE_LEVELS)
    return Binning(columns={**cuts, schema.score: cuts_of(score, Counted.NUMERIC)}, segments=splits)


def with_described(binning: Binning, function: str, described: Columns) -> Binning:
    """Return the binning with the cuts of columns that a user's function describes the reference rows by."""
    cuts = {}
    for name, column in described.items():
        text = column.dtype == object
        kind, dtype = (Kind.CATEGORICAL, DType.STRING) if text else (Kind.NUMERIC, DType.FLOAT)
        cuts[name] = cuts_of(column, counted_as(Feature(name=name, kind=kind, dtype=dtype), column))
    return replace(binning, columns={**binning.columns, **cuts}, describe=function)


def counted_as(feature: Feature, column: Column) -> Counted:
    """Choose how a feature is counted, from its type and its values in the reference.

    Texts are times when 99 % of them are ISO dates or times. They are free text when there are more than 1,000
    different ones; when nine of ten differ, of a hundred rows or more; or when most differ and are long (40 characters
    or four words on average). Else they are categories.
    """
    if feature.dtype is DType.BOOL:
        return Counted.BOOLEAN
    if feature.kind is Kind.NUMERIC:
        return Counted.NUMERIC
    texts = Texts.of(column)
    counts = np.bincount(texts.codes[texts.codes >= 0], minlength=len(texts.values))
    if not len(counts):
        return Counted.CATEGORICAL
    rows = counts.sum()
    if counts[np.isfinite(texts.times)].sum() >= MOSTLY * rows:
        return Counted.DATETIME
    words = np.array([len(v.split()) for v in texts.values])
    free = (counts * texts.sizes).sum() > LONG * rows or (counts * words).sum() >= WORDY * rows
    unique = rows >= FEWEST_ROWS and len(counts) > UNIQUE * rows
    if len(counts) > MOST_LEVELS or unique or (free and len(counts) > VARIED * rows):
        return Counted.TEXT
    return Counted.CATEGORICAL


def _levels_of(column: Column) -> Cuts:
    counts = Counter(named(str(v)) for v in column if v is not None)
    levels = sorted(level for level, _ in counts.most_common(MOST_LEVELS))
    return Cuts(kind=Counted.CATEGORICAL, levels=tuple(levels), spare=SPARE_LEVELS if levels else MOST_LEVELS)


def _quantiles(values: FloatArray, kind: Counted) -> Cuts:
    values = values[np.isfinite(values)]
    if not len(values):
        return Cuts(kind=kind, edges=(0.0,))
    inner = np.unique(np.quantile(values, np.linspace(0, 1, INNER_BINS + 1), method="inverted_cdf"))
    with np.errstate(over="ignore"):
        below = np.nextafter(inner[0], -np.inf)
    edges = np.unique(np.concatenate([[below], inner]))
    return Cuts(kind=kind, edges=tuple(edges[np.isfinite(edges)].tolist()), origin=_origin(values))


def _origin(values: FloatArray) -> float:
    """Return a multiple of a power of two within half a standard deviation of the mean: distances from it are exact."""
    values = np.clip(values, -HEAVIEST, HEAVIEST)
    mean, std = float(values.mean()), float(values.std())
    if values.min() == values.max() or std == 0.0:  # the squares of tiny differences are zero
        return float(values[0])
    if abs(mean) <= std / 2:
        return 0.0
    unit = 2.0 ** np.floor(np.log2(std))
    return float(np.round(mean / unit) * unit)
