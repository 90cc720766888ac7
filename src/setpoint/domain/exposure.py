"""What a look brings of a rollout: how champion and challenger have fared, as arrays in the order of arrival."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from setpoint.domain.records import Column

Masks = Mapping[str, Column]  # of segments by name, each bool of shape (n,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Requests of which chance gave some to the challenger: what is known at once, one entry a request.

    Parameters
    ----------
    challenger : ndarray of shape (n,), bool
        Whether the challenger answered.
    share : ndarray of shape (n,), float64
        How likely that was. 0 and NaN leave a request out: it was not to be shared, or workers were changing over.
    failed, broke : ndarray of shape (n,), bool
        Whether it failed, and whether it violated the version's contract.
    latency_ms : ndarray of shape (n,), float64
        NaN where there was no answer.
    unit : ndarray of shape (n,), int64, or None
        What drew the version: the same number wherever the routing key is the same. None: every request for itself.
    segments : mapping of str to ndarray of shape (n,), bool
    """

    challenger: Column
    share: Column
    failed: Column
    broke: Column
    latency_ms: Column
    unit: Column | None = None
    segments: Masks = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Rows of such requests that are old enough for their outcome to be known; each is told once.

    Rows are admitted by the age of the request, never when their outcome arrives: wrong answers may be found out sooner
    than right ones, and an equal version was stopped in 99 % of simulated rollouts that took outcomes as they came.

    Parameters
    ----------
    challenger, share, unit, segments
        As of `Requests`; where a request has several rows, its own number is the unit of all of them.
    loss : ndarray of shape (n,), float64
        NaN where no outcome was known at that age.
    score, outcome : ndarray of shape (n,), float64, or None
        Given where quality is the area under the ROC curve, in place of the loss: the score of who answered, and 1.0,
        0.0, or NaN where no outcome was known at that age.
    value : ndarray of shape (n,), float64, or None
        What the decision brought, in the operator's unit; NaN where it is not known.
    """

    challenger: Column
    share: Column
    loss: Column
    score: Column | None = None
    outcome: Column | None = None
    value: Column | None = None
    unit: Column | None = None
    segments: Masks = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Requests that both were asked: what is known at once, one entry a request.

    Parameters
    ----------
    failed, challenger_failed : ndarray of shape (n,), bool
    differs : ndarray of shape (n,), float64
        1.0 where the two answered differently, 0.0 where alike, NaN where one is missing.
    latency_ms, challenger_latency_ms : ndarray of shape (n,), float64
        NaN where they cannot be compared.
    segments : mapping of str to ndarray of shape (n,), bool
    """

    failed: Column
    challenger_failed: Column
    differs: Column
    latency_ms: Column
    challenger_latency_ms: Column
    segments: Masks = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedAnswers:
    """Rows of such requests that are old enough for their outcome to be known; each is told once.

    Parameters
    ----------
    loss, challenger_loss : ndarray of shape (n,), float64
        NaN where it is not known.
    score, challenger_score, outcome : ndarray of shape (n,), float64, or None
        As of `Answers`.
    value, challenger_value : ndarray of shape (n,), float64, or None
    segments : mapping of str to ndarray of shape (n,), bool
    """

    loss: Column
    challenger_loss: Column
    score: Column | None = None
    challenger_score: Column | None = None
    outcome: Column | None = None
    value: Column | None = None
    challenger_value: Column | None = None
    segments: Masks = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one look brings: every request and every mature row once, over all looks."""

    requests: Requests | None = None
    answers: Answers | None = None
    pairs: Pairs | None = None
    paired_answers: PairedAnswers | None = None
