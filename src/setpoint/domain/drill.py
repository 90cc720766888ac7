"""What a drill found out: whether this deployment would find, name and mend a fault."""

from datetime import datetime

from setpoint.domain.fault import BENIGN, Fault
from setpoint.domain.incident import Cause, Remedy
from setpoint.domain.value import value

# What mends a fault of the catalogue; where nothing is named, to wait and to tell is right.
MENDS: dict[Cause, tuple[Remedy, ...]] = {
    Cause.NULL: (Remedy.IMPUTE, Remedy.IGNORE),
    Cause.UNIT: (Remedy.INVERSE_MAP,),
    Cause.RENAMED: (Remedy.MAP_LEVELS,),
    Cause.FROZEN: (Remedy.IMPUTE, Remedy.IGNORE),
    Cause.SWAPPED: (Remedy.SWAP_BACK,),
    Cause.SKEW: (Remedy.HOLD,),
    Cause.RELEASE: (Remedy.ROLLBACK,),
    Cause.OUTCOMES: (Remedy.HOLD,),
    Cause.PRIOR: (Remedy.RECALIBRATE, Remedy.RETRAIN),
    Cause.CONCEPT: (Remedy.RETRAIN,),
    Cause.EXCEPTION: (Remedy.FALLBACK, Remedy.ROLLBACK),
    Cause.ATTACK: (Remedy.THROTTLE,),
    Cause.CRASH: (Remedy.RESTART,),
}
ONLY_IN_OUTCOMES = (Cause.CONCEPT, Cause.OUTCOMES)  # nothing else of the records shows them
WORTH = 0.02  # of the loss without a fault: damage below it is not worth winning back
ENOUGH = 0.5  # of the damage

MENDED, ASKED, NAMED = "mended", "named, remedy proposed", "named"
FOUND, MISTAKEN, NOT_FOUND, HARMLESS = "found, not named", "mistaken", "not found", "harmless here"
LEFT_ALONE, ACTED_ON = "left alone", "acted on"
BLIND = "no outcome known"


@value
class Drilled:
    """One fault, and what the loop did about it.

    Losses are means a record over the rows under the fault: `clean` without it, `harmed` with it and nobody acting,
    `realised` with it and the loop acting; where outcomes are known. `found_rows` are the records under the fault until
    an incident told of it, None: never; `after_s` is the same in seconds of event time. `causes` are ranked, with their
    weights. `outcomes` are the rows under the fault whose outcome would have been known by the end of the drill without
    it. `acts` are what the loop did or asked for, `others` what it had done without the fault as well.
    """

    fault: Fault
    rows: int
    clean: float | None
    harmed: float | None
    realised: float | None
    outcomes: int
    found_rows: int | None
    after_s: float | None
    causes: tuple[tuple[str, str, float], ...]
    remedy: str
    applied: bool
    acts: tuple[str, ...]

    @property
    def damage(self) -> float | None:
        """What the fault costs if nobody acts, as a part of the loss without it."""
        if self.clean is None or self.harmed is None or self.clean <= 0:
            return None
        return self.harmed / self.clean - 1

    @property
    def regained(self) -> float | None:
        """Share of that which the loop won back; None where there was next to nothing to win back."""
        if self.damage is None or self.damage < WORTH or self.realised is None or self.harmed is None:
            return None
        assert self.clean is not None
        return (self.harmed - self.realised) / (self.harmed - self.clean)

    @property
    def found(self) -> bool:
        """Whether an incident told of it."""
        return self.found_rows is not None

    @property
    def named(self) -> bool:
        """Whether the likeliest cause is the one that was planted."""
        return bool(self.causes) and self.causes[0][0] == self.fault.kind

    @property
    def right(self) -> bool:
        """Whether the remedy is one that mends such a fault, or rightly none."""
        fitting = MENDS.get(self.fault.kind, ())
        return self.remedy in fitting if fitting else self.remedy in ("", "wait")

    @property
    def mistaken(self) -> bool:
        """Whether another cause than the planted one was thought likelier than not."""
        return bool(self.causes) and not self.named and self.causes[0][0] != Cause.UNKNOWN and self.causes[0][2] > 0.5

    @property
    def verdict(self) -> str:
        """Say in a word what came of it."""
        if self.fault.kind in BENIGN:
            return LEFT_ALONE if self.remedy in ("", "wait") else ACTED_ON
        if not self.found and not self.outcomes and self.fault.kind in ONLY_IN_OUTCOMES:
            return BLIND
        if not self.found:
            return NOT_FOUND if self.damage is None or self.damage >= WORTH else HARMLESS
        if self.mistaken:
            return MISTAKEN
        if not self.named:
            return FOUND
        if not self.right or self.remedy in ("", "wait"):
            return NAMED
        if not self.applied:
            return ASKED
        return MENDED if self.regained is None or self.regained >= ENOUGH else NAMED


@value
class Drill:
    """A drill of one deployment over a shadow copy of its own traffic.

    `since` and `until` bound the traffic, the faults act between `begins` and `ends`; `every` n-th record was taken.
    `impossible` are the faults that these columns cannot have, or that take a real process, and why.
    """

    model: str
    version: str
    seed: int
    since: datetime
    begins: datetime
    ends: datetime
    until: datetime
    rows: int
    every: int
    quiet: tuple[str, ...]
    faults: tuple[Drilled, ...]
    impossible: dict[str, str]
