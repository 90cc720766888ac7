"""The champion against the version it replaced, on requests whose outcome is known."""

from dataclasses import replace
from datetime import datetime
from functools import partial

import numpy as np

from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.records import Column, Records, joined
from setpoint.domain.version import ModelVersion
from setpoint.loop.looks.clear import in_clear, score
from setpoint.loop.looks.spans import doubtful, repaired_spans, untouched
from setpoint.loop.ports import Ports
from setpoint.maintain.asked_again import failing
from setpoint.monitor.release import WATCHED
from setpoint.monitor.seen import Contest
from setpoint.stats.losses import answer_losses
from setpoint.update.sets.fill import repaired_inputs

FEWEST = 12  # labelled requests that tell anything
MOST = 4_000  # that both are asked, those before the release among them
ASKED_APART = 200  # newest requests, where a version fails on some


def contested(
    ports: Ports, deployment: Deployment, champion: ModelVersion, history: Records, now: datetime
) -> Contest | None:
    """Score requests by the champion and by the version that it replaced, in the week after its release.

    Requests since the release, and the latest before it where these may stand in, see `may_backtest`: the same requests
    are asked of both, so older ones tell as much. What the champion learnt from among those only speaks for it.
    """
    release = deployment.releases[-1]
    if release.replaced is None or now - release.at > WATCHED:
        return None
    labelled = history.labelled
    since = labelled.between(release.at, None)
    since = since.take(since.version == release.version)
    rows = since
    if len(since) < MOST and may_backtest(deployment, release):
        before = labelled.between(None, release.at)
        sound = before.take(untouched(before, deployment))
        rows = joined(sound.take(np.arange(max(0, len(sound) - (MOST - len(since))), len(sound))), since)
    rows = in_clear(ports, deployment.model, rows)
    if len(rows) < FEWEST:
        return None
    ours, theirs = (_losses(ports, deployment, champion, v, rows) for v in (release.version, release.replaced))
    both = np.isfinite(ours) & np.isfinite(theirs)
    return Contest(
        champion=release.version,
        replaced=release.replaced,
        since=release.at,
        losses=ours[both],
        losses_replaced=theirs[both],
        before=int(both[: len(rows) - len(since)].sum()),
    )


def _losses(ports: Ports, deployment: Deployment, champion: ModelVersion, version: str, rows: Records) -> Column:
    """Return what a version's answers would have cost; NaN where it gives none, which the service tells of."""
    repaired = replace(rows, inputs=repaired_inputs(rows, repaired_spans(deployment)))

    def losses(some: Records) -> Column:
        answers = score(ports, deployment.model, version, some.inputs)
        return answer_losses(answers, some.truth, champion.schema)

    try:
        return losses(repaired)
    except Exception:  # a model is not our code
        found = np.full(len(rows), np.nan)
    newest = np.arange(max(0, len(rows) - ASKED_APART), len(rows))
    lost = failing(partial(score, ports, deployment.model), version, repaired.take(newest).inputs)
    if not lost.all():
        found[newest[~lost]] = losses(repaired.take(newest[~lost]))
    return found


def may_backtest(deployment: Deployment, release: Release) -> bool:
    """Whether requests from before a release may stand in for those since, so that a bad one is seen at once.

    Not where a gate has let it pass, and not where an incident was on: it may be made for a world that has changed.
    """
    proven = any(r.candidate.version == release.version for r in deployment.rollouts)
    return not proven and not any(
        since < release.at and (until is None or release.at < until) for since, until in doubtful(deployment)
    )
