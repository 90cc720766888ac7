"""What is said of a column that changed, and what movement is natural for it."""

import math
from statistics import NormalDist

from setpoint.domain.value import field, value
from setpoint.stats.intervals import t_quantile

# A change must be surely larger than this; see `docs/concepts/drift.md`.
LOCATION, SCALE, KS, SHARE = 0.05, 0.05, 0.025, 0.02
NEW = 0.005  # share of rows at values that the reference has never, or of levels that are gone

# in the order in which a change is named: what breaks most comes first
KINDS = (
    "missing", "type", "extra", "nulls", "frozen", "renamed", "new_level", "vanished_level", "swapped", "unit",
    "spike", "range", "scale", "shift", "frequency", "shape", "prior", "concept",
)  # fmt: skip


@value
class PerStatistic:
    """One number for each kind of statistic of a column."""

    location: float = 0.0
    scale: float = 0.0
    shape: float = 0.0
    shares: float = 0.0
    nulls: float = 0.0


INDEPENDENT = PerStatistic(location=1.0, scale=1.0, shape=1.0, shares=1.0, nulls=1.0)
STILL = PerStatistic()


@value
class Noise:
    """How far a column's statistics move by themselves.

    `alpha` is the two-sided error that one test may have: the caller has divided it between columns, windows and looks.
    `design` are design effects, how many dependent rows are worth one; `moves` standard deviations of what does not
    average out in a window, in the unit of each effect.
    """

    alpha: float = 1e-4
    design: PerStatistic = INDEPENDENT
    moves: PerStatistic = STILL

    @property
    def z(self) -> float:
        """Standard errors that an effect passes by chance with probability `alpha`, on either side."""
        return -NormalDist().inv_cdf(max(self.alpha, 1e-300) / 2)

    def width(self, statistic: str, rows: float, reference: float, variance: float = 1.0) -> float:
        """Return the half width of the interval of an effect between windows of so many rows.

        The quantile is that of Student's t: where few rows are independent, their spread is not known well either.
        """
        phi, tau = getattr(self.design, statistic), getattr(self.moves, statistic)
        t = t_quantile(self.alpha / 2, max(min(rows, reference) / phi - 1, 1.0))
        return t * math.sqrt(phi * variance * (1 / rows + 1 / reference) + tau**2)


@value
class Effect:
    """One measured difference: `low` is its lower confidence bound, and it counts when that passes `floor`."""

    name: str
    size: float
    low: float
    floor: float

    @property
    def sure(self) -> bool:
        """Whether it is surely more than trifling."""
        return self.low > self.floor


@value
class Change:
    """A column that surely changed, and how.

    `effect` is what `detail` puts into words: reference standard deviations of a shift, log of the factor of a scale,
    the factor of a unit, shares of rows for all other kinds. `low` is the lower confidence bound of the effect that
    decided, which passed `floor`. `evidence` holds every effect that was measured.
    """

    column: str
    kind: str
    effect: float
    low: float
    floor: float
    detail: str
    evidence: tuple[Effect, ...] = field(default=())

    @property
    def weight(self) -> float:
        """How much it matters, for sorting: broken columns first, then by how far the bound passes its floor."""
        broken = self.kind in KINDS[: KINDS.index("spike")]
        return self.low / self.floor + (1_000.0 if broken else 0.0)
