"""What the loop may decide to do. Each names its cause, so that doing it twice is doing it once."""

from setpoint.domain.incident import Repair
from setpoint.domain.value import value
from setpoint.update.when import FitPlan


@value
class Investigate:
    """Gather evidence for the causes of an incident, by re-scoring recorded requests."""

    incident: str


@value
class Mend:
    """Put a remedy in place."""

    incident: str
    repair: Repair
    why: str
    by: str = "setpoint"


@value
class StandIn:
    """Fit a version without a column whose values are lost, to answer while they are."""

    incident: str


@value
class AskAgain:
    """Ask the source of a column that is held for again: by more of its rows something may surely bring it back."""

    incident: str


@value
class Offer:
    """Judge the version that was fitted to stand in; where it is surely better it may take a repair's place."""


@value
class Ask:
    """Propose a remedy to a person."""

    incident: str
    why: str


@value
class AskToPromote:
    """Propose a candidate to a person: it is proven, or is to answer, or cannot be judged."""

    version: str
    why: str


@value
class Hold:
    """Recovery is proven, but the remedy stays until the fault itself is gone."""

    incident: str
    loss: float | None
    why: str


@value
class Undo:
    """Take a remedy back: it did not help, or is no longer needed."""

    incident: str
    why: str
    helped: bool


@value
class Close:
    """End an incident; `helped` says whether the repair that stays was what it needed."""

    incident: str
    why: str
    loss: float | None = None
    helped: bool = True


@value
class Fit:
    """Train a candidate."""

    job: str
    plan: FitPlan
    by: str = "setpoint"


@value
class Submit:
    """Write the training set of the training that was decided on, and start it."""


@value
class Gate:
    """Compare the candidate whose training has ended with the champion, on held-out later rows."""


@value
class GateAgain:
    """Look again at a candidate that waits at the gate: the outcomes that it waited for are there."""

    version: str


@value
class Shadow:
    """Have what passed the gate, trained again on all rows, answer beside the champion."""


@value
class Reject:
    """End a rollout; the champion stays."""

    version: str
    why: str


@value
class Promote:
    """Make the proven candidate champion."""

    version: str
    why: str
    by: str = "setpoint"


@value
class Begin:
    """Have a proven candidate set out on the course that setpoint.yaml gives."""

    version: str


@value
class Step:
    """Have a version on its way answer a larger share."""

    version: str
    why: str


@value
class Restore:
    """Make an earlier champion champion again, for it does better now."""

    version: str
    why: str
    by: str = "setpoint"


@value
class Receipt:
    """Measure what a promotion brought, beside what it promised."""

    version: str


Action = (
    Investigate
    | Mend
    | StandIn
    | AskAgain
    | Offer
    | Ask
    | AskToPromote
    | Hold
    | Undo
    | Close
    | Fit
    | Submit
    | Gate
    | GateAgain
    | Shadow
    | Reject
    | Promote
    | Begin
    | Step
    | Restore
    | Receipt
)
