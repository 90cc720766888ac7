"""What one look at a deployment sees: read once, then only thought about."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.audited import Audited, Unanswered
from setpoint.domain.feed import Delivered, delivered
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Deployment, Standing
from setpoint.domain.ledger import Estimated, Ledger
from setpoint.domain.live import WorkerStatus
from setpoint.domain.record import Role
from setpoint.domain.records import Records
from setpoint.domain.rehearsal import Kept, Rehearsal
from setpoint.domain.requested import Requested
from setpoint.domain.study import Study
from setpoint.domain.version import ModelVersion
from setpoint.loop.learning.contest import contested
from setpoint.loop.looks.asked import asked_again, asked_since_mended, bursts
from setpoint.loop.looks.auditing import Asked, audited, kept, no_answer
from setpoint.loop.looks.clear import why_unreadable
from setpoint.loop.looks.columns import same_columns
from setpoint.loop.looks.estimating import estimated
from setpoint.loop.looks.exposure import Exposed, exposed
from setpoint.loop.looks.reading import BASELINE, earlier, learnable, recorded, span, unlearnt
from setpoint.loop.looks.reference_gaps import reference_gaps
from setpoint.loop.looks.rehearsing import rehearsal_findings, rehearsed
from setpoint.loop.looks.scopes import scopes
from setpoint.loop.looks.situation import Prospect, prospect
from setpoint.loop.looks.spans import as_answered, natural, sound_audits, untouched
from setpoint.loop.looks.studying import studied
from setpoint.loop.moves import in_shadow, on_its_way
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning, read_contract
from setpoint.monitor.audit import not_audited
from setpoint.monitor.burn import horizons
from setpoint.monitor.estimate import estimate_findings
from setpoint.monitor.failed import tried
from setpoint.monitor.limits import read_limits
from setpoint.monitor.observe import observe
from setpoint.monitor.seen import Seen
from setpoint.monitor.standing import standings
from setpoint.monitor.study import noteworthy
from setpoint.ports import FitResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything the plan may use.

    `history` are champion rows of the last weeks with the outcomes known by `now`, `recent` those since the last look;
    `unlearnt` are the labelled ones that no training could have (those of `history`, where they are many),
    without those that an incident makes doubtful: so many are `left_out` of trainings. `shadow` are the answers of the
    version in shadow, up to the last look: by then each has had the time to be recorded.
    """

    now: datetime
    champion: ModelVersion
    findings: tuple[Finding, ...]
    standings: tuple[Standing, ...]
    unspoiled: tuple[Standing, ...] | None = None  # the same without rows that a named fault spoiled; None: none did
    recent: Records
    history: Records
    unlearnt: Records
    left_out: int = 0
    shadow: Records | None
    exposed: Exposed | None = None  # what came of the rollout that is on its way
    fit: FitResult | None
    study: Study | None = None  # the last one
    estimates: tuple[Estimated, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)
    unreadable: str = ""  # why nothing can be learnt from the inputs on record, if so
    prospect: Prospect | None = None  # what may be done about the answers, if that was thought over
    rehearsal: Rehearsal | None = None
    answers: tuple[Kept, ...] = ()
    asked: Mapping[str, Requested] = field(default_factory=dict)  # around incidents whose part another version answers
    again: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)  # which of these the champion fails on, if any
    delivered: Delivered | None = None
    audits: tuple[Audited, ...] = ()  # those of the last weeks, and what was audited now
    unanswered: Unanswered | None = None  # the source of the inputs, if so
    reports: Mapping[int, WorkerStatus] = field(default_factory=dict)  # of the workers that run
    earlier: Mapping[datetime, Records]  # the weeks before incidents that are older than `history`, by their start

    def to_train_for(self, deployment: Deployment) -> tuple[Standing, ...]:
        """Return the standings that a training may make better."""
        return deployment.standings if self.unspoiled is None else self.unspoiled

    def healthy(self, deployment: Deployment, before: datetime) -> Records:
        """Return the rows of the weeks before a time that tell what is usual, see `natural`."""
        rows = self.earlier.get(before)
        if rows is None:
            rows = self.history.between(before - BASELINE, before)
        return natural(rows, deployment)


def take_look(ports: Ports, deployment: Deployment, now: datetime, *, audits: bool = False) -> Look:
    """Read what the log holds as of `now`, and let the monitors speak; `audits` asks the source of the inputs, too."""
    model, since = deployment.model, deployment.looked or deployment.releases[0].at
    champion = ports.bundles.get(model, deployment.served.champion)
    weeks = now - span(deployment)
    history = recorded(ports, champion, since=weeks, until=now, as_of=now)
    releases = same_columns(ports, deployment)
    version = champion.version if len(releases) < len(deployment.releases) else None  # others have other columns
    told = told_by(deployment, history.labelled, now)
    source = (
        audited(ports, deployment, champion.schema, history, now)
        if audits
        else Asked(unanswered=deployment.unanswered, why=no_answer(deployment))
    )
    seen = _seen(ports, deployment, champion, history, now, version=version, told=told, audits=source.audits)
    beaten: tuple[Finding, ...] = ()
    if len(releases) > 1:
        contest, beaten = tried(seen, "contest", lambda: contested(ports, deployment, champion, history, now), None)
        seen = replace(seen, contest=contest)
    study, failed = tried(seen, "study", lambda: studied(ports, deployment, champion, history, now), deployment.study)
    known = deployment.estimates, deployment.ledger
    (estimates, ledger), lost = tried(seen, "estimate", lambda: estimated(ports, deployment, champion, seen), known)
    asked = asked_since_mended(ports, deployment, now)
    last = deployment.rehearsal, deployment.answers
    (rehearsal, answers), unwoken = tried(seen, "rehearsal", lambda: rehearsed(ports, deployment, now), last)
    unreadable = why_unreadable(ports, champion.schema)
    thought, blind = (
        (None, ())
        if unreadable
        else tried(seen, "prospect", lambda: prospect(ports, deployment, champion, history), None)
    )
    labelled = unlearnt(ports, deployment, champion, history, weeks, now)
    sound = learnable(labelled, deployment, now)
    stand, unknown = tried(seen, "standings", lambda: standings(seen), deployment.standings)
    unspoiled, _ = tried(seen, "standings", lambda: _unspoiled(ports, deployment, seen), None)
    return Look(
        now=now,
        champion=champion,
        findings=(
            *observe(seen),
            *noteworthy(study),
            *estimate_findings(estimates, champion.version),
            *rehearsal_findings(rehearsal, now),
            *not_audited(seen, source.why),
            *(*failed, *lost, *unwoken, *unknown, *blind, *beaten),
        ),
        study=study,
        estimates=estimates,
        ledger=ledger,
        standings=stand,
        unspoiled=unspoiled,
        rehearsal=rehearsal,
        answers=answers,
        delivered=told,
        audits=kept((*deployment.audits, *source.audits), now),
        unanswered=source.unanswered,
        recent=seen.recent,
        history=history,
        unlearnt=sound,
        left_out=len(labelled) - len(sound),
        shadow=_shadow(ports, deployment, champion, since, now),
        exposed=_exposed(ports, deployment, champion, now),
        earlier=earlier(ports, deployment, champion, now),
        asked=asked,
        reports=seen.reports,
        again=asked_again(ports, deployment, asked),
        fit=_fit(ports, deployment),
        prospect=thought,
        unreadable=unreadable,
    )


def _seen(
    ports: Ports,
    deployment: Deployment,
    champion: ModelVersion,
    history: Records,
    now: datetime,
    *,
    version: str | None,
    told: Delivered | None,
    audits: tuple[Audited, ...],
) -> Seen:
    """Return what the monitors see; `version` where others have other columns."""
    model, since = deployment.model, deployment.looked or deployment.releases[0].at
    folder = ports.bundles.folder(model, champion.version)
    sound = natural(history.between(now - BASELINE, since), deployment)
    burst, before_burst = bursts(ports, deployment, sound, since, now)
    return Seen(
        now=now,
        model=model,
        schema=champion.schema,
        limits=read_limits(folder),
        recent=history.between(since, now),
        baseline=sound,
        labelled=history.labelled,
        refused=ports.log.refused(model, since, now),
        answers=history,
        requests=_requests(ports, model, horizons(deployment.objectives), now),
        objectives=deployment.objectives,
        false_actions_per_year=deployment.envelope.false_actions_per_year,
        threshold=champion.threshold,
        own=ports.own.measured(deployment, history.labelled, now),
        segments=read_binning(folder).segments,
        reference_gaps=reference_gaps(folder, champion),
        contract=read_contract(folder),
        audited=(*(a for a in deployment.audits if a.at > since), *audits),
        audits=sound_audits(deployment, since),
        healthy=history.take(untouched(history, deployment)),
        behind_s=told.behind_s if told else 0.0,
        scopes=scopes(ports, deployment, champion, version, since, now),
        reports=ports.platform.reports(),
        asked=burst,
        asked_before=before_burst,
        events=tuple(e for e in ports.platform.events() if since <= e.at < now),
    )


def _unspoiled(ports: Ports, deployment: Deployment, seen: Seen) -> tuple[Standing, ...] | None:
    rows = as_answered(seen.labelled, deployment)
    if len(rows) == len(seen.labelled):
        return None
    return standings(replace(seen, labelled=rows, own=ports.own.measured(deployment, rows, seen.now)))


def told_by(deployment: Deployment, labelled: Records, now: datetime) -> Delivered | None:
    """Return how outcomes are delivered; what comes after a break of the feed says nothing of that."""
    if deployment.distrusts is not None:
        return deployment.delivered
    return delivered(deployment.delivered, labelled, deployment.looked or now, now)


def _fit(ports: Ports, deployment: Deployment) -> FitResult | None:
    training = deployment.training
    return ports.trainer.result(training.job) if training and training.submitted else None


def _exposed(ports: Ports, deployment: Deployment, champion: ModelVersion, now: datetime) -> Exposed | None:
    rollout = on_its_way(deployment)
    if rollout is None or rollout.candidate.champion != champion.version:
        return None
    return exposed(ports, deployment, champion, rollout, now)


def _shadow(
    ports: Ports, deployment: Deployment, champion: ModelVersion, until: datetime, now: datetime
) -> Records | None:
    rollout = in_shadow(deployment)
    if rollout is None:
        return None
    return recorded(
        ports,
        champion,
        since=rollout.shadow_since,
        until=until,
        as_of=now,
        role=Role.SHADOW,
        version=rollout.candidate.version,
    )


def _requests(ports: Ports, model: str, windows_s: Sequence[float], now: datetime) -> dict[float, Counter[str]]:
    """Count the requests of windows up to now, shortest first; each request is looked at once."""
    found: dict[float, Counter[str]] = {}
    counts, until = Counter[str](), now
    for window_s in windows_s:
        since = now - timedelta(seconds=window_s)
        counts = counts + Counter(ports.log.refused(model, since, until))
        found[window_s], until = counts, since
    return found
