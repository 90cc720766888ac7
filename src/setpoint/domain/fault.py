"""A fault of the catalogue, as it is planted: what, how strongly, in which part of the traffic, since when."""

from datetime import datetime

from setpoint.domain.incident import Cause
from setpoint.domain.slice import Only
from setpoint.domain.value import utc, value
from setpoint.errors import InvalidInput

# Where a fault acts, and in which ways; the first is what is planted where nothing is said.
IN_TRAFFIC: dict[Cause, tuple[str, ...]] = {
    Cause.NULL: ("missing",),
    Cause.UNIT: ("affine",),
    Cause.RENAMED: ("renamed", "new", "recoded"),
    Cause.FROZEN: ("frozen",),
    Cause.SWAPPED: ("swapped",),
    Cause.SKEW: ("stale", "rounded", "zero"),
    Cause.OUTCOMES: ("late", "constant", "flipped", "lost", "duplicated"),
    Cause.PRIOR: ("share",),
    Cause.COVARIATE: ("tilt",),
    Cause.CONCEPT: ("relation",),
    Cause.SEASON: ("swing",),
    Cause.ATTACK: ("duplicates", "probing"),
}
IN_ANSWERS: dict[Cause, tuple[str, ...]] = {
    Cause.RELEASE: ("preprocessing",),
    Cause.EXCEPTION: ("nan",),
    Cause.OVERLOAD: ("slow",),
}
IN_PROCESSES: dict[Cause, tuple[str, ...]] = {
    Cause.CRASH: ("crash", "hang"),
    Cause.ARTEFACT: ("flipped", "missing"),
    Cause.DISK: ("full",),
}
OF_A_VERSION = (Cause.RELEASE, Cause.EXCEPTION)  # they come with a release, and end with it
BENIGN = (Cause.COVARIATE, Cause.SEASON)  # the model stays right: the remedy is to wait
WAYS = IN_TRAFFIC | IN_ANSWERS | IN_PROCESSES


@value
class Fault:
    """One fault to plant.

    Parameters
    ----------
    kind : Cause
        A name of the catalogue other than `unknown`.
    since, until : datetime
        The stretch of event time in which it acts; without an end, to the end of the traffic.
    how : str
        One of the ways of its kind, see `WAYS`; empty: the first.
    columns : tuple of str
        What it is about: one feature, of `swapped` two; none where the kind is not about a feature.
    strength : float
        Share of the rows in scope that are hit, 0 to 1; of a release, how far its preprocessing is off. 0: nothing
        happens.
    ramp_s : float
        Seconds of event time in which the strength grows from 0 to its full size; 0: at once.
    scale, offset : float
        Of `unit`: callers send `scale * x + offset`.
    delay_s : float
        Of late outcomes: how much later they become known. Of `overload`: how much slower an answer is.
    period_s : float
        Of `season`: the length of its swing.
    only : Only, optional
        The segment and the callers it is confined to.
    version : str
        The only version whose answers it spoils; empty: whichever answers.

    Raises
    ------
    InvalidInput
        If it is no fault that can be planted; says what was expected.
    """

    kind: Cause
    since: datetime
    until: datetime | None = None
    how: str = ""
    columns: tuple[str, ...] = ()
    strength: float = 1.0
    ramp_s: float = 0.0
    scale: float = 1.0
    offset: float = 0.0
    delay_s: float = 0.0
    period_s: float = 7 * 86_400.0
    only: Only | None = None
    version: str = ""

    def __post_init__(self) -> None:
        if self.kind not in WAYS:
            raise InvalidInput(f"{self.kind} is not planted; faults are {', '.join(WAYS)}")
        if self.how and self.how not in WAYS[self.kind]:
            raise InvalidInput(f"how: {self.how!r} is no way of {self.kind}; expected {' or '.join(WAYS[self.kind])}")
        if not 0 <= self.strength <= 1:
            raise InvalidInput(f"strength {self.strength:g} of {self.kind} must lie between 0 and 1")
        if self.until is not None and utc(self.until) <= utc(self.since):
            raise InvalidInput(f"{self.kind} ends {self.until}, which is not after its start {self.since}")
        if self.ramp_s < 0 or self.delay_s < 0 or self.period_s <= 0:
            raise InvalidInput(f"{self.kind}: ramp_s and delay_s must be 0 or more, and period_s more than 0")
        self._check_columns()

    def _check_columns(self) -> None:
        few, most = COLUMNS.get(self.kind, (0, 0))
        if not few <= len(self.columns) <= most:
            expected = f"{few}" if few == most else f"{few} to {most}"
            raise InvalidInput(
                f"{self.kind} is about {expected} columns; given are {', '.join(self.columns) or 'none'}"
            )

    @property
    def way(self) -> str:
        """How it acts."""
        return self.how or WAYS[self.kind][0]

    @property
    def words(self) -> str:
        """Say what is planted, for tables: `unit of temp (×1.8 +32)`."""
        about = " and ".join(self.columns)
        formula = f" (×{self.scale:g} {self.offset:+g})" if self.kind is Cause.UNIT else ""
        way = f" ({self.how})" if self.how and self.how != self.kind else ""
        return f"{self.kind}{f' of {about}' if about else ''}{formula or way}"


COLUMNS = {
    Cause.NULL: (1, 1),
    Cause.UNIT: (1, 1),
    Cause.RENAMED: (1, 1),
    Cause.FROZEN: (1, 1),
    Cause.SWAPPED: (2, 2),
    Cause.SKEW: (1, 1),
    Cause.COVARIATE: (1, 1),
    Cause.CONCEPT: (1, 1),
    Cause.SEASON: (1, 1),
    Cause.RELEASE: (1, 1),
    Cause.EXCEPTION: (0, 1),
}
