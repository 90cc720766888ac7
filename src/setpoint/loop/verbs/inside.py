"""Prove from what is kept that a history stayed inside its envelope, or name each step that did not."""

from collections.abc import Collection, Iterator
from datetime import datetime

from setpoint.domain.bounds import breaches, unproven
from setpoint.domain.envelope import Change, Envelope
from setpoint.domain.fleet import Decided, Deployment, Release
from setpoint.domain.rollout import Phase, Rollout
from setpoint.domain.value import value
from setpoint.loop.history import changes_of

RELEASING = ("release", "promote", "mend", "undo", "restore")  # the decisions that make a version champion


@value
class Step:
    """One step that is told of: when, what, by whom, and what is said of it."""

    at: datetime
    kind: str
    subject: str
    by: str
    said: tuple[str, ...]


@value
class Inside:
    """What became of a check.

    `automatic` is the number of changes that nobody decided. `outside` are those of them that left the envelope,
    `people` what people decided, with what the loop would not have done; `unproven` are automatic changes whose
    evidence was not written down (by an older Setpoint); `loose` are things that no decision explains. `lost` are
    promotions whose receipt shows a loss.
    """

    model: str
    since: datetime
    until: datetime
    automatic: int
    outside: tuple[Step, ...] = ()
    people: tuple[Step, ...] = ()
    unproven: tuple[Step, ...] = ()
    loose: tuple[Step, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the history stayed inside, as far as it is known."""
        return not self.outside and not self.loose


def checked(deployment: Deployment, since: datetime | None = None, versions: Collection[str] | None = None) -> Inside:
    """Hold a history against the envelopes that were in force.

    Parameters
    ----------
    deployment : Deployment
        Live, or what a replay left.
    since : datetime, optional
        Steps before it are not judged, but count where a bound is on how often; default: all.
    versions : collection of str, optional
        The names of all versions there are or were; what was promoted must be among them.
    """
    since = since or deployment.releases[0].at
    steps = changes_of(deployment.decisions)
    judged = [(change, _said(deployment, change, steps[:i])) for i, change in enumerate(steps) if change.at >= since]
    ours = [(change, said) for change, said in judged if change.is_automatic]
    return Inside(
        model=deployment.model,
        since=since,
        until=max([since, *(d.at for d in deployment.decisions), *filter(None, [deployment.looked])]),
        automatic=len(ours),
        outside=tuple(_step(change, said) for change, said in ours if said),
        people=tuple(_by_people(deployment, judged, since)),
        unproven=tuple(
            _step(c, ("its evidence was not written down",)) for c, _ in ours if unproven(in_force(deployment, c.at), c)
        ),
        loose=tuple(_loose(deployment, since, versions)),
        lost=tuple(r.candidate.version for r in deployment.rollouts if _lost(r, since)),
    )


def in_force(deployment: Deployment, at: datetime) -> Envelope:
    """Return the envelope that was in force at a time; before the first that is known, that one."""
    known = deployment.envelopes
    return next(
        (r.envelope for r in reversed(known) if r.at <= at), known[0].envelope if known else deployment.envelope
    )


def _said(deployment: Deployment, change: Change, before: tuple[Change, ...]) -> tuple[str, ...]:
    return tuple(breach.words for breach in breaches(in_force(deployment, change.at), change, before))


def _step(change: Change, said: tuple[str, ...]) -> Step:
    return Step(at=change.at, kind=str(change.kind), subject=change.subject, by=change.by, said=said)


def _by_people(deployment: Deployment, judged: list[tuple[Change, tuple[str, ...]]], since: datetime) -> Iterator[Step]:
    """Return what people decided, in time order: releases, and changes that the loop proposed or may have refused."""
    released = [d for d in deployment.decisions if d.action == "release" and d.at >= since]
    steps = [Step(at=d.at, kind="release", subject=d.subject, by=d.by, said=(d.why,)) for d in released]
    yield from sorted((*steps, *(_step(c, said) for c, said in judged if not c.is_automatic)), key=lambda s: s.at)


def _loose(deployment: Deployment, since: datetime, versions: Collection[str] | None) -> Iterator[Step]:
    """Return what no decision explains: champions, promoted rollouts, versions that nobody knows."""
    for release in deployment.releases[1:]:
        if release.at < since:
            continue
        if not any(_explains(d, release) for d in deployment.decisions):
            yield _unexplained(release, "became champion, and no decision says so")
        if versions is not None and release.version not in versions:
            yield _unexplained(release, "became champion, and there is no such version")
    for rollout in deployment.rollouts:
        if rollout.phase is Phase.PROMOTED and rollout.ended and rollout.ended >= since:
            yield from _other_evidence(deployment, rollout)


def _explains(decided: Decided, release: Release) -> bool:
    named = decided.subject == release.version or decided.action in ("mend", "undo")
    return decided.at == release.at and decided.by == release.by and decided.action in RELEASING and named


def _unexplained(release: Release, said: str) -> Step:
    return Step(at=release.at, kind="release", subject=release.version, by=release.by, said=(said,))


def _other_evidence(deployment: Deployment, rollout: Rollout) -> Iterator[Step]:
    """Return a promotion whose decision tells of other verdicts than its rollout keeps."""
    version, gate = rollout.candidate.version, rollout.candidate.gate
    decisions = [d for d in deployment.decisions if d.action == "promote" and d.subject == version]
    for d in decisions[-1:]:
        kept = gate.rows if gate else 0
        if "gate_rows" in d.facts and d.facts["gate_rows"] != kept:
            said = f"was promoted with {d.facts['gate_rows']:g} rows at the gate, and its rollout keeps {kept}"
            yield Step(at=d.at, kind="promote", subject=version, by=d.by, said=(said,))


def _lost(rollout: Rollout, since: datetime) -> bool:
    gain = rollout.realised_gain
    return gain is not None and gain < 0 and rollout.ended is not None and rollout.ended >= since
