"""What is asked of a version that takes over traffic, and what the evidence says."""

import math
from enum import StrEnum

from setpoint.domain.value import field, value
from setpoint.errors import InvalidInput


class Says(StrEnum):
    """What the evidence says about a rollout."""

    PROMOTE = "promote"
    BACK = "back"
    WAIT = "wait"
    ASK = "ask"  # a person has to decide


@value
class Margins:
    """What a version may be worse by: the smallest effect that anybody minds. None: shown, and not judged.

    Errors and violations are shares of requests; latency is a fraction of the champion's quantiles; quality a fraction
    of its mean loss, value one of what its decisions bring or cost. `disagreement` is the largest share of shadowed
    requests that may be answered otherwise.
    """

    errors: float | None = 0.005
    violations: float | None = 0.005
    latency: float | None = 0.2
    quality: float | None = 0.05
    value: float | None = 0.05
    disagreement: float | None = None


@value
class Frozen:
    """What the champion was like before: measured once, so that nothing a rollout does can move it.

    `latency_ms` are its quantiles by name (`p95`), `slower` the shares of its requests that were slower than these and
    the margin. Losses are clipped at `loss_bound`. `outcome_age_s` is the age at which a request's outcome is looked
    up, `labelled` the share that have one by then. None: not known.
    """

    latency_ms: dict[str, float] = field(default_factory=dict)
    slower: dict[str, float] = field(default_factory=dict)
    errors: float = 0.0
    violations: float = 0.0
    loss: float | None = None
    loss_sd: float | None = None
    loss_bound: float | None = None
    value: float | None = None
    value_size: float | None = None
    value_sd: float | None = None
    value_low: float | None = None
    value_high: float | None = None
    outcome_age_s: float = 0.0
    labelled: float = 0.0


@value
class Terms:
    """Under which terms a version may take over, fixed before it starts.

    `alpha` is how often a version that is no worse may be stopped, and how often one that is worse by a margin may be
    promoted, over all candidates of a model; `attempt` says which of them this is, from 1. `better` names the metric
    that has to get better, if any; `ranked` says that quality is the area under the ROC curve. After `most_s` seconds
    without a verdict a person is asked.

    Raises
    ------
    InvalidInput
        If alpha is no chance, or the attempt none.
    """

    alpha: float = 0.05
    attempt: int = 1
    margins: Margins = field(default_factory=Margins)
    frozen: Frozen = field(default_factory=Frozen)
    better: str = ""
    ranked: bool = False
    segments: tuple[str, ...] = ()
    most_s: float = 14 * 86_400.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise InvalidInput(f"alpha is {self.alpha:g}; expected a chance above 0 and below 1, as 0.05")
        if self.attempt < 1:
            raise InvalidInput(f"the attempt is {self.attempt}; expected 1 for the first candidate of a model, then 2")

    @property
    def spent(self) -> float:
        """What this attempt may spend of alpha: 6/(π²j²) of it, so that all attempts together stay within."""
        return self.alpha * 6 / (math.pi * self.attempt) ** 2


@value
class Stream:
    """One metric in one segment (empty: everywhere): what is known of it so far.

    `champion`, `challenger` and `difference` are means per request, the difference with bounds that hold at all times
    together; steps at other shares are compared each by itself. `rows` are the champion's, `challenger_rows` the
    challenger's. The evidence is in natural
    logarithms of e-values: that it is worse, that it is not worse by the margin, and that it is better.
    `why` says why it is not judged.
    """

    metric: str
    segment: str = ""
    rows: int = 0
    challenger_rows: int = 0
    champion: float | None = None
    challenger: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    log_harm: float = 0.0
    log_held: float = 0.0
    log_better: float = 0.0
    harmed: bool = False
    held: bool = False
    better: bool = False
    why: str = ""


@value
class Judged:
    """The verdict on a rollout: what is to be done, a stable code of the reason, the reason in words, and the data."""

    says: Says
    reason: str
    words: str
    streams: tuple[Stream, ...] = ()


@value
class Traffic:
    """What a rollout has to go on: requests a second, and rows in each."""

    requests_per_s: float
    rows_per_request: float = 1.0


@value
class Expected:
    """How long one metric takes, in requests and in seconds since the start: the median, and what 9 of 10 need.

    `harm`: until a version that is worse by the margin is sent back; else until an equal one is proven not to be.
    None: longer than a century.
    """

    metric: str
    harm: bool
    requests: int | None
    most_requests: int | None
    seconds: float | None
    most_seconds: float | None


@value
class Forecast:
    """What a rollout will take before it starts. `refused` says why it cannot end in time; empty: it can.

    `seconds` is the median time until an equal version is promoted, `most_seconds` what 9 of 10 need.
    """

    expected: tuple[Expected, ...]
    seconds: float | None
    most_seconds: float | None
    refused: str
    words: str
