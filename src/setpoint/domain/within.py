"""A part of the rows that the door can tell by one feature, and who answers it in the champion's place."""

from collections.abc import Sequence

from setpoint.domain.baseline import Baseline
from setpoint.domain.levels import spelled
from setpoint.domain.record import Scalar
from setpoint.domain.schema import DType
from setpoint.domain.value import value

TOLD = 4  # levels that words name


@value
class Within:
    """Rows whose `feature` is one of these levels (as columns spell them), lies between both ends, or is missing.

    A number is within where `low` <= x <= `high`; None leaves an end open, and with both None no number is.
    """

    feature: str
    levels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    missing: bool = False

    def has(self, value: Scalar, dtype: DType) -> bool:
        """Whether a value as it was sent lies within."""
        if value is None or value != value:
            return self.missing
        if self.levels:
            return spelled(dtype, value) in self.levels
        return self.ranged and self._lies(float(value))

    @property
    def ranged(self) -> bool:
        """Whether it is about numbers at all."""
        return self.low is not None or self.high is not None

    def _lies(self, x: float) -> bool:
        return (self.low is None or x >= self.low) and (self.high is None or x <= self.high)

    @property
    def words(self) -> str:
        """Say which rows are meant."""
        if self.levels:
            more = f" and {len(self.levels) - TOLD} more" if len(self.levels) > TOLD else ""
            said = f"{self.feature} {', '.join(self.levels[:TOLD])}{more}"
        elif self.low is not None and self.high is not None:
            said = f"{self.feature} {self.low:.6g} to {self.high:.6g}"
        elif self.ranged:
            said = (
                f"{self.feature} from {self.low:.6g}" if self.low is not None else f"{self.feature} to {self.high:.6g}"
            )
        else:
            return f"{self.feature} missing"
        return f"{said} or missing" if self.missing else said


@value
class Fallback:
    """Requests with a row within are answered by another version, as long as `instead_of` is champion.

    With a `baseline` that answers them, under the version `baseline`.
    """

    id: str
    version: str
    instead_of: str
    within: Within
    baseline: Baseline | None = None

    def asks(self, names: Sequence[str], dtypes: Sequence[DType], columns: Sequence[Sequence[Scalar]]) -> bool:
        """Whether a request is meant: `columns` are in the order of `names`, with one value a row."""
        at = names.index(self.within.feature)
        return any(self.within.has(value, dtypes[at]) for value in columns[at])
