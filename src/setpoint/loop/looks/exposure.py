"""What a look brings of a rollout on its course: how champion and challenger have fared since the last one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from setpoint.deploy.evidence import judge
from setpoint.domain.canary import listened
from setpoint.domain.exposure import Batch
from setpoint.domain.fleet import Deployment
from setpoint.domain.objective import asked_gain
from setpoint.domain.rollout import Rollout
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.loop.looks.listening import Silence
from setpoint.loop.looks.seen import Seen
from setpoint.loop.looks.segmented import watched
from setpoint.loop.ports import Ports

LAG = timedelta(seconds=10)  # by then a request is recorded: as answered, or as overdue (`record.OVERDUE_US`)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """What came since the last look, and up to which requests that is."""

    batch: Batch
    until: datetime
    mature: datetime
    requests: int  # that the version answered in the present step
    silence: Silence


def exposed(
    ports: Ports, deployment: Deployment, champion: ModelVersion, rollout: Rollout, now: datetime
) -> Exposed | None:
    """Read what came since the last look: each request once when it is there, each row once when it is old enough."""
    moving = rollout.moving
    if moving is None:
        return None
    until = max(moving.until, now - LAG)
    mature = max(moving.mature, min(until, now - timedelta(seconds=moving.terms.frozen.outcome_age_s)))
    candidate = ports.bundles.get(deployment.model, rollout.candidate.version)
    splits = watched(ports.bundles.folder(deployment.model, champion.version), champion.schema)
    seen = Seen(ports, champion, candidate, moving, asked_gain(deployment.objectives), splits, now)
    pairs, requests, answered, silence = seen.at_once(moving.until, until)
    paired_answers, answers = seen.late(moving.mature, mature)
    batch = Batch(requests=requests, pairs=pairs, answers=answers, paired_answers=paired_answers)
    return Exposed(batch=batch, until=until, mature=mature, requests=answered, silence=silence)


def judged(rollout: Rollout, brought: Exposed, now: datetime) -> Rollout:
    """Return the rollout with the verdict on all that is known of it."""
    moving = rollout.moving
    assert moving is not None
    elapsed_s = (now - moving.starts[0]).total_seconds()
    evidence, said = judge(moving.evidence, brought.batch, moving.terms, elapsed_s=elapsed_s)
    after = replace(
        moving,
        evidence=evidence,
        judged=said,
        until=brought.until,
        mature=brought.mature,
        requests=moving.requests + brought.requests,
    )
    silence = brought.silence
    return replace(rollout, moving=listened(after, silence.requests, silence.since, answered=silence.heard))
