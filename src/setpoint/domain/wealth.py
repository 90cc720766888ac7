"""The evidence about a rollout as it is carried from look to look: sums, never the rows."""

from setpoint.domain.value import field, value

Logs = tuple[float, ...]  # one a stake; none yet: all 0


@value
class Sums:
    """Of some numbers."""

    rows: int = 0
    total: float = 0.0
    squares: float = 0.0


@value
class Stratum:
    """What the two versions have shown at one share of the traffic; share 1: both were asked."""

    share: float
    champion: Sums = field(default_factory=Sums)
    challenger: Sums = field(default_factory=Sums)
    difference: Sums = field(default_factory=Sums)  # of pairs


@value
class Fortunes:
    """Logarithms of what gamblers with fixed stakes have made of 1, by what they bet on."""

    harm: Logs = ()
    held: Logs = ()
    better: Logs = ()


@value
class Units:
    """How alike the rows of one unit are: sums of its rows, units being thrown into a few buckets."""

    buckets: Logs = ()
    whole: Sums = field(default_factory=Sums)
    inflation: float = 1.0


@value
class Blocks:
    """How alike neighbouring rows are: sums of blocks of `size` rows, and of the block that is not full yet."""

    size: int = 1
    sums: Logs = ()
    part: float = 0.0
    filled: int = 0
    whole: Sums = field(default_factory=Sums)
    inflation: float = 1.0


@value
class Track:
    """The evidence of one metric in one segment: from pairs, and from shared traffic. What has passed stays passed."""

    paired: Fortunes = field(default_factory=Fortunes)
    shared: Fortunes = field(default_factory=Fortunes)
    blocks: Blocks = field(default_factory=Blocks)
    units: Units = field(default_factory=Units)
    strata: tuple[Stratum, ...] = ()
    log_harm: float = 0.0
    log_held: float = 0.0
    log_better: float = 0.0
    harmed: bool = False
    held: bool = False
    better: bool = False


@value
class Evidence:
    """All evidence about a rollout so far, by metric and segment; nothing of it is ever reset.

    `back` names what has shown that the version is worse; once it has, it has. `uneven` names why the two
    can surely not be compared. `mature` counts the rows that are old enough to have an outcome. `negatives` are scores
    that the next positive is placed among, by who gave them, see `stats.placements`.
    """

    tracks: dict[str, Track] = field(default_factory=dict)
    back: tuple[str, ...] = ()
    uneven: tuple[str, ...] = ()
    mature: int = 0
    negatives: dict[str, tuple[float, ...]] = field(default_factory=dict)
