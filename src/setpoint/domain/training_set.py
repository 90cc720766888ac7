"""A training set as a value: what was asked for, what each step did to it, and the digest of what came out."""

from datetime import datetime
from enum import StrEnum

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.value import field, value

WEIGHT = "setpoint_weight"  # a column of the set, never a feature
RECIPE_FILE, PROVENANCE_FILE, ISSUES_FILE = "recipe.json", "provenance.parquet", "label_issues.parquet"
BESIDE = (PROVENANCE_FILE, RECIPE_FILE, ISSUES_FILE)  # the set, in a bundle


class Base(StrEnum):
    """What becomes of the reference."""

    OLDEST = "oldest"  # its rows are the oldest of the window
    ALWAYS = "always"  # all of it, before the window of the log
    NEVER = "never"  # the log alone


class Balance(StrEnum):
    """How segments weigh."""

    NONE = "none"  # as many rows as they have
    SQRT = "sqrt"  # as the square root of that
    EQUAL = "equal"  # alike


class Repeats(StrEnum):
    """What is done with stretches of rows that came again."""

    KEEP = "keep"
    WEIGH = "weigh"  # all copies of a row weigh as one row
    DROP = "drop"


class LabelIssues(StrEnum):
    """What is done with outcomes that are likely wrong."""

    KEEP = "keep"  # nobody looks for them
    REPORT = "report"
    DROP = "drop"  # the likeliest, at most 3 % of the rows


@value
class SetSpec:
    """What a training set is made of. By default: as many of the latest rows as the reference has, all of one weight.

    `rows` is the length of the window, None that of the reference, 0 no limit; `window_s` lets go of rows that are
    older, in seconds of event time. `importance` weighs rows by how much they look like the latest requests.
    """

    rows: int | None = None
    window_s: float | None = None
    reference: Base = Base.OLDEST
    duplicates: Repeats = Repeats.KEEP
    label_issues: LabelIssues = LabelIssues.KEEP
    balance: Balance = Balance.NONE
    importance: bool = False


@value
class Step:
    """What one step did: rows before and after, and what it counted.

    `at_door` says that the same is done to each request before the model sees it.
    """

    name: str
    rows_in: int
    rows_out: int
    counts: dict[str, float] = field(default_factory=dict)
    said: str = ""
    at_door: bool = False


@value
class Mended:
    """A repair of the log, and over which stretch of event time; `until` None: it is still needed."""

    map: FeatureMap
    since: datetime
    until: datetime | None = None


@value
class LeftOut:
    """A stretch of event time that no row may come from, and why; with `arrivals` no outcome that came then, either."""

    since: datetime
    until: datetime
    why: str = ""
    arrivals: bool = False


@value
class Source:
    """What a set was made from: the reference of a version, and the log as it was known at a time.

    Rows lie before `until` in event time, and their outcomes were known by `as_of`.
    """

    model: str
    reference: str
    champion: str
    until: datetime
    as_of: datetime
    mended: tuple[Mended, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@value
class Recipe:
    """How a training set was made. The same source and the same spec give the same `digest` in any process.

    `digest` is the SHA-256 of the table's content, `provenance` that of where its rows come from.
    """

    source: Source
    spec: SetSpec
    steps: tuple[Step, ...]
    rows: int
    digest: str
    provenance: str
    setpoint: str = ""

    @property
    def at_door(self) -> tuple[str, ...]:
        """Names of the steps that serving takes, too."""
        return tuple(step.name for step in self.steps if step.at_door)
