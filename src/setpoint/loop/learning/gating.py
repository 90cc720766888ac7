"""A candidate before the gate: what is read and asked to judge it, as often as the gate may look."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.config import is_quality
from setpoint.deploy.gate import LOOKS, Asked, HeldOut, Learnt, Turn, gather, judge
from setpoint.deploy.gate.learnt import learnt_from
from setpoint.deploy.reference import features_of, target_of
from setpoint.domain.contract import imputed
from setpoint.domain.fleet import Deployment, Standing
from setpoint.domain.records import Column, Records, stamp
from setpoint.domain.rollout import Candidate, Decision, Phase, Rollout, Verdict, advance, withdraw
from setpoint.domain.version import ModelVersion
from setpoint.loop.learning.lineage import trained
from setpoint.loop.learning.sets import ground_of
from setpoint.loop.looks.clear import in_clear, score
from setpoint.loop.looks.columns import fitting
from setpoint.loop.looks.spans import as_repaired, repaired_spans
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning
from setpoint.update.sets.fill import repaired_inputs
from setpoint.update.sets.origin import LOG, known_of

FEWEST_HELD_OUT = 100  # labelled rows
NOT_THE_MODEL = (".json", ".npy", ".parquet", ".seal")  # files of a bundle


def trigger_of(standings: Sequence[Standing]) -> str:
    """Return the quality objective that is off its set point: what an update has to make better; empty: the loss."""
    off = (s.objective for s in standings if s.at_set_point is False and is_quality(s.objective.metric))
    return next((objective.name for objective in off), "")


def look_at(ports: Ports, deployment: Deployment, rollout: Rollout, *, until: datetime, now: datetime) -> Rollout:
    """Judge a candidate on the rows from where its training ended up to `until`; return its rollout after this look.

    One that has to wait stays at the gate, and is looked at again when the outcomes are there; after the last look it
    is withdrawn.
    """
    contested = rollout.candidate.contest is not None
    turn = Turn(number=rollout.looks + 1, candidates=2 if contested else 1)
    verdict = judged(ports, deployment, rollout.candidate, until, turn)
    moved = advance(rollout, verdict, now)
    return withdraw(moved, now) if moved.phase is Phase.GATE and moved.looks >= LOOKS else moved


def waits(rollout: Rollout) -> int:
    """Return how many more outcomes a candidate at the gate waits for; 0 where it does not."""
    gate = rollout.candidate.gate
    return gate.needs if rollout.phase is Phase.GATE and gate and gate.decision is Decision.WAIT else 0


def new_outcomes(rollout: Rollout, history: Records, deployment: Deployment) -> int:
    """Return how many outcomes of held-out rows have become known since the last look."""
    rows = as_repaired(history.labelled.between(rollout.candidate.trained_until, None), deployment)
    return len(rows) if rollout.looked is None else int((rows.known > stamp(rollout.looked)).sum())


def judged(ports: Ports, deployment: Deployment, candidate: Candidate, until: datetime, turn: Turn) -> Verdict:
    """Return what the gate says of a candidate at one look."""
    model, champion = deployment.model, ports.bundles.get(deployment.model, deployment.served.champion)
    schema, since = champion.schema, candidate.trained_until
    assert since is not None
    recorded = ports.log.read(model, since=since, until=until, as_of=until)
    rows = in_clear(ports, model, as_repaired(fitting(ports, model, recorded, schema).labelled, deployment))
    inputs = repaired_inputs(rows, repaired_spans(deployment))
    folder = ports.bundles.folder(model, champion.version)
    held = HeldOut(inputs=inputs, truth=rows.truth.astype(np.float64), time=rows.time, known=rows.known)
    case = gather(
        _asked(ports, champion),
        _asked(ports, ports.bundles.get(model, candidate.version)),
        held,
        schema,
        learnt=_learnt(ports, champion, candidate, held, rows, until),
        splits={by: split for by, split in read_binning(folder).segments.items() if by in schema.names},
        objectives=deployment.objectives,
        trigger=candidate.trigger,
        turn=turn,
        earlier=_earlier(deployment, candidate),
        min_rows=FEWEST_HELD_OUT,
    )
    return judge(case)


def _earlier(deployment: Deployment, candidate: Candidate) -> tuple[Verdict, ...]:
    """Return what the gate said of earlier candidates that were made in the same way."""
    others = (r.candidate for r in deployment.rollouts if r.candidate.version != candidate.version)
    return tuple(c.gate for c in others if c.method is candidate.method and c.gate is not None)


def _asked(ports: Ports, version: ModelVersion) -> Asked:
    folder = ports.bundles.folder(version.model, version.version)
    return Asked(
        version=version.version,
        ask=partial(score, ports, version.model, version.version),
        threshold=version.threshold,
        p50_us=next((v.p50_us for v in version.variants if v.chosen), None),
        bytes=sum((folder / name).stat().st_size for name in version.files if not name.endswith(NOT_THE_MODEL)),
    )


def _learnt(
    ports: Ports, champion: ModelVersion, candidate: Candidate, held: HeldOut, rows: Records, until: datetime
) -> Learnt:
    """Read what the candidate learnt from its bundle, and what the log has for the same rows."""
    model, schema, since = champion.model, champion.schema, candidate.trained_until
    assert since is not None
    model_of = trained(ports.bundles, champion)  # a recalibrated champion has learnt what its model has
    grounds = [ground_of(ports, model, version) for version in (candidate.version, model_of.version)]
    known, before = (known_of(g.table, schema.time, schema.id, g.provenance) for g in grounds)
    table, earlier = (g.table for g in grounds)
    return learnt_from(
        imputed(features_of(table, schema.features), schema),
        target_of(table, schema),
        champion=(imputed(features_of(earlier, schema.features), schema), target_of(earlier, schema)),
        held_out=imputed(held.inputs, schema),
        holdout_since=stamp(since),
        time=_whole(known.time),
        ids=known.ids,
        champion_time=_whole(before.time),
        held_out_ids=frozenset(map(str, rows.id)),
        erased=ports.log.erased(model),
        logged={} if known.ids is None else logged_since(ports, model, grounds[0].provenance, since, until),
    )


def logged_since(
    ports: Ports, model: str, provenance: pa.Table | None, until: datetime, as_of: datetime
) -> dict[str, float]:
    """Return what the log has by now for the rows that a set took from it, by id; older ones are not read.

    Where nobody knows which rows these are, all are.
    """
    first = None
    if provenance is not None:
        first = pc.min(provenance.filter(pc.equal(provenance["source"], LOG))["time"]).as_py()
        if first is None:
            return {}
    rows = ports.log.read(model, since=first, until=until, as_of=as_of).labelled
    return dict(zip(map(str, rows.id), rows.truth.astype(np.float64).tolist(), strict=True))


def _whole(time: Column | None) -> Column | None:
    """Return times of which those that are not known lie before all others; None where none is known."""
    if time is None or np.isnat(time).all():
        return None
    return np.where(np.isnat(time), np.nanmin(time), time)
