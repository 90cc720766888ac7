"""How numeric columns go together on healthy rows: a joint density that judges one column by all the others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from setpoint.domain.records import Columns
from setpoint.domain.schema import Kind, Schema
from setpoint.maintain.loss import Floats, moving_means

FEWEST_VALUES = 12  # columns with fewer distinct values are codes or calendar parts, not measurements
FEWEST_ROWS = 5  # healthy ones for each column
TAIL = 4.0  # degrees of freedom: a row far out costs its logarithm, not its square
CLIPPED = 0.03  # share of healthy rows on either side that does not shape a spread
OUTLIER = 4.0  # standard deviations beyond which a healthy row does not shape the density
BLOCKS = 20
WOBBLE = 2.0  # natural movement allowed, in multiples of the covariance between blocks of healthy rows
SHRINK = 0.005
MEMORY = 0.7  # lag-1 correlation from which a column changes little from row to row
NATURAL = 0.998  # of the steps between healthy rows


@dataclass(frozen=True, slots=True)
class Joint:
    """Multivariate t over `names`, fitted on healthy rows.

    `centre` and `scale` are medians and spreads, shape (d,); `precision` is the inverse covariance of the
    standardised columns, shape (d, d); `own` are the log densities of the healthy rows in time order, shape (n,);
    `jumps` are the largest natural steps from row to row, −inf where a column has no memory, shape (d,).
    """

    names: tuple[str, ...]
    centre: Floats
    scale: Floats
    precision: Floats
    own: Floats
    jumps: Floats

    def standardised(self, inputs: Columns) -> Floats:
        """Return the columns in healthy standard deviations, shape (n, d); missing values stand at the centre."""
        z = (matrix(inputs, self.names) - self.centre) / self.scale
        return np.where(np.isnan(z), 0.0, z)

    def log_density(self, z: Floats) -> Floats:
        """Return the log density of standardised rows up to a constant, shape (n,)."""
        distance: Floats = ((z @ self.precision) * z).sum(axis=1)
        return self.density_at(distance)

    def density_at(self, distance: Floats) -> Floats:
        """Return the log density at squared distances from the centre, shape (n,)."""
        density: Floats = -0.5 * (TAIL + len(self.names)) * np.log1p(distance / TAIL)
        return density

    def turned(self, z: Floats) -> "Turned":
        """Return rows with what makes the density of changed ones cheap, see `Turned`."""
        weighted = z @ self.precision
        return Turned(self, z, weighted, np.asarray((weighted * z).sum(axis=1)))

    def mapped(self, z: Floats, column: int, scale: float, offset: float) -> Floats:
        """Return a standardised column with `scale * x + offset` in place of each x, shape (n,)."""
        raw = z[:, column] * self.scale[column] + self.centre[column]
        return np.asarray((scale * raw + offset - self.centre[column]) / self.scale[column])

    def exchanged(self, z: Floats, a: int, b: int) -> dict[int, Floats]:
        """Return two standardised columns with their values exchanged, each of shape (n,)."""
        pairs = ((a, b), (b, a))
        raw = {here: z[:, there] * self.scale[there] + self.centre[there] for here, there in pairs}
        return {here: np.asarray((x - self.centre[here]) / self.scale[here]) for here, x in raw.items()}

    def floor(self, rows: int, quantile: float = 0.0) -> float:
        """Return a quantile of the mean log density of stretches of so many healthy rows; by default the lowest."""
        return float(np.quantile(moving_means(self.own, rows), quantile))

    def expected(self, z: Floats, column: int) -> Floats:
        """Return the column as the other columns predict it, in its own unit, shape (n,)."""
        others = np.delete(np.arange(len(self.names)), column)
        weights = -self.precision[column, others] / self.precision[column, column]
        return np.asarray(z[:, others] @ weights * self.scale[column] + self.centre[column])


@dataclass(frozen=True, slots=True)
class Turned:
    """Standardised rows z, shape (n, d), z times the precision, and the squared length of each row under it.

    The density of rows of which a column or two are others takes n operations then, not n d².
    """

    joint: Joint
    z: Floats
    weighted: Floats
    length: Floats

    def density_with(self, columns: Mapping[int, Floats]) -> Floats:
        """Return the log density of the rows with other standardised values in some columns, shape (n,)."""
        length, precision = self.length, self.joint.precision
        moved = {j: new - self.z[:, j] for j, new in columns.items()}
        for j, by in moved.items():
            length = length + 2 * by * self.weighted[:, j]
            for k, other in moved.items():
                length = length + precision[j, k] * by * other
        return self.joint.density_at(np.maximum(length, 0.0))

    def expected(self, column: int) -> Floats:
        """Return a column as the others predict it, in its own unit, shape (n,); see `Joint.expected`."""
        joint = self.joint
        apart = self.weighted[:, column] / joint.precision[column, column]
        return np.asarray((self.z[:, column] - apart) * joint.scale[column] + joint.centre[column])


def mixed(gain: Floats, share: float) -> Floats:
    """Return the log likelihood ratio of each row, of which a share is other than it was sent.

    Parameters
    ----------
    gain : ndarray of shape (n,)
        How much likelier each row is if it is one of those (nats).
    """
    return np.asarray(np.logaddexp(np.log1p(-min(share, 1 - 1e-9)), np.log(share) + gain))


def measured(inputs: Columns, schema: Schema) -> Iterator[str]:
    """Yield the numeric columns with enough distinct values to be measurements."""
    for feature in schema.features:
        if feature.kind is Kind.NUMERIC:
            values = inputs[feature.name]
            if len(np.unique(values[~np.isnan(values)])) >= FEWEST_VALUES:
                yield feature.name


def matrix(inputs: Columns, names: tuple[str, ...]) -> Floats:
    """Return columns as an array of shape (n, d)."""
    return np.column_stack([inputs[name].astype(np.float64) for name in names])


def fit_joint(inputs: Columns, schema: Schema) -> Joint | None:
    """Fit the density on healthy rows in time order; None when no column is a measurement, or rows are too few.

    The covariance is that of winsorised rows plus `WOBBLE` times the covariance between block means: season moves
    columns together and is allowed for; what one column does alone stays sharp.
    """
    names = tuple(measured(inputs, schema))
    if not names:
        return None
    x = matrix(inputs, names)
    if len(x) < FEWEST_ROWS * len(names):  # it would fit its own rows, and no others
        return None
    centre = np.nanmedian(x, axis=0)
    low, high = np.nanquantile(x, [CLIPPED, 1 - CLIPPED], axis=0)
    spread = np.nanstd(np.clip(x, low, high), axis=0)
    scale = np.where(spread > 0, spread, np.nanstd(x, axis=0))
    z = (x - centre) / scale
    z = np.where(np.isnan(z), 0.0, z)
    near = np.clip(z, -OUTLIER, OUTLIER)
    near = near - near.mean(axis=0)
    means = np.array([block.mean(axis=0) for block in np.array_split(near, BLOCKS) if len(block)])
    covariance = near.T @ near / len(near) + WOBBLE * (means.T @ means) / len(means)
    covariance = (1 - SHRINK) * covariance + SHRINK * np.diag(np.diag(covariance))
    joint = Joint(names, centre, scale, np.linalg.inv(covariance), np.zeros(0), largest_jumps(z))
    return replace(joint, own=joint.log_density(z))


def largest_jumps(z: Floats) -> Floats:
    """Return the natural limit of the step between two rows, shape (d,); −inf for columns without memory."""
    steps = np.abs(np.diff(z, axis=0))
    memory = 1 - (np.diff(z, axis=0) ** 2).mean(axis=0) / (2 * z.var(axis=0))
    limit: Floats = np.where(memory > MEMORY, np.quantile(steps, NATURAL, axis=0), -np.inf)
    return limit
