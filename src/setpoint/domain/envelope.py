"""The change-control plan: which changes may happen without a person, within which bounds, with which evidence.

In the spirit of a predetermined change control plan: what will be changed, by which protocol, and how it is known that
it was. `setpoint.domain.bounds` holds changes against it.

References
----------
FDA, "Marketing submission recommendations for a predetermined change control plan for artificial
intelligence-enabled device software functions", 2024.
"""

from datetime import datetime
from enum import StrEnum

from setpoint.domain.notice import Quiet
from setpoint.domain.update import Method
from setpoint.domain.value import field, value

LOOP = "setpoint"  # who decides what nobody decided
Fact = float | str


class Kind(StrEnum):
    """What may be changed; the names that `automatic` and `ask` use."""

    RESTART = "restart"
    ISOLATE = "isolate"  # rows that end the model are refused
    ROLLBACK = "rollback"
    INVERSE_MAP = "inverse_map"
    MAP_LEVELS = "map_levels"
    SWAP_BACK = "swap_back"
    IMPUTE = "impute"
    IGNORE = "ignore"
    FALLBACK = "fallback"  # an earlier version answers a part of the rows
    THROTTLE = "throttle"  # a caller is answered so many requests a second
    WORKERS = "workers"  # more of them, as far as is stated
    HOLD = "hold"  # trainings and promotions wait until outcomes can be trusted again
    RETRAIN = "retrain"
    PROMOTE = "promote"
    SHARE = "share"  # a step on the way to a promotion; automatic where that is


@value
class RetrainBounds:
    """What holds for trainings: most of them in seven days, and which methods; None: any."""

    most_per_week: int | None = None
    methods: tuple[Method, ...] | None = None


@value
class PromoteBounds:
    """What holds for moving requests to a version.

    `worse_by` is the largest loss of quality that is accepted, as a fraction of the champion's loss; `gate_rows` and
    `shadow_rows` are labelled rows that gate and shadow must have judged it on at least (a version that needs no shadow
    is judged by the gate alone); `largest_step` is how much of the requests may move at once (fraction).
    """

    most_per_week: int | None = None
    worse_by: float | None = None
    gate_rows: int = 0
    shadow_rows: int = 0
    largest_step: float = 1.0


@value
class Envelope:
    """The plan of one model.

    `hours` is the stretch of each day in which it is trained and promoted; repairs and ways back know no hours.
    `workers` is how many there may be at most without a person; None: as many as were started.
    """

    automatic: tuple[str, ...] = (
        *("restart", "isolate", "rollback", "fallback", "inverse_map", "map_levels"),
        *("workers", "hold", "retrain", "promote"),
    )
    ask: tuple[str, ...] = ()
    max_actions_per_day: int = 6
    false_actions_per_year: float = 2.0
    hours: Quiet | None = None
    retrain: RetrainBounds = RetrainBounds()
    promote: PromoteBounds = PromoteBounds()
    workers: int | None = None

    def is_automatic(self, kind: str) -> bool:
        """Whether a kind of change needs no person."""
        name = Kind.PROMOTE if kind == Kind.SHARE else kind
        return name in self.automatic and name not in self.ask


@value
class Ruled:
    """From when on an envelope was in force, and who said so."""

    at: datetime
    by: str
    envelope: Envelope


@value
class Change:
    """One change, as far as an envelope is concerned: what is judged before it is made, and again ever after.

    `facts` are what its kind is judged by: `method` of a training; `gate`, `gate_rows`, `shadow`, `shadow_rows`,
    `gain`, `champion_loss`, `from` of a promotion; `from`, `share` of a step; `workers` where there shall be more.
    """

    at: datetime
    kind: Kind
    subject: str
    by: str = LOOP
    facts: dict[str, Fact] = field(default_factory=dict)

    @property
    def is_automatic(self) -> bool:
        """Whether nobody decided it."""
        return self.by == LOOP
