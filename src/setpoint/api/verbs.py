"""The verbs as Python functions: what the commands do, returning domain values.

Every function takes `home`: a folder, by default the one the environment names (`SETPOINT_HOME`).
"""

import getpass
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from setpoint.api.place import Place, opened
from setpoint.bootstrap.drilling import drill as drill_home
from setpoint.bootstrap.replaying import replay_table
from setpoint.config import Settings, fraction, read_setpoint_file, seconds
from setpoint.deploy.sources import beside
from setpoint.domain.drill import Drill
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident
from setpoint.domain.record import Erasure, OutcomeReceipt
from setpoint.domain.reliability import Reliability
from setpoint.domain.sensitive import sealed
from setpoint.domain.update import Advised
from setpoint.domain.value import utc
from setpoint.domain.version import ModelVersion
from setpoint.errors import InvalidInput
from setpoint.loop.learning.sets import export_set
from setpoint.loop.replay import POLICIES, Replayed
from setpoint.loop.taking import take_back
from setpoint.loop.verbs import deploying, personal, recorded, retraining
from setpoint.loop.verbs.comparing import Compared, Metric
from setpoint.loop.verbs.frames import outcomes_of
from setpoint.loop.verbs.inside import Inside
from setpoint.loop.verbs.proposal import propose_setpoint
from setpoint.loop.verbs.versions import Stored, stored
from setpoint.monitor.overview.values import Overview
from setpoint.monitor.tables.compared import compare
from setpoint.stats.interleave import Preference, Slot, preference, team_draft
from setpoint.update.sets.made import TrainingSet

__all__ = [
    "advice",
    "approve",
    "check_envelope",
    "compare",
    "compare_interleaved",
    "compare_versions",
    "deploy",
    "drill",
    "erase",
    "give_back",
    "incidents",
    "init",
    "interleave",
    "monitor",
    "outcomes",
    "records",
    "refuse",
    "reliability",
    "replay",
    "rollback",
    "rollout",
    "status",
    "take_over",
    "training_set",
    "undo",
    "update",
    "versions",
]
Share: TypeAlias = float | str
Table: TypeAlias = pa.Table | pd.DataFrame


def init(artifact: Place, reference: Place, *, target: str | None = None, model: str | None = None) -> str:
    """Return the text of a setpoint.yaml proposed for a model file; paths are relative to the model's folder."""
    return propose_setpoint(Path(artifact), Path(reference), beside(str(artifact)), target=target, model=model)


def deploy(
    path: Place = ".", *, share: Share | None = None, home: Place | None = None, by: str | None = None
) -> ModelVersion:
    """Import, convert, prove and measure the model that setpoint.yaml names, and make it live.

    With a share (`0.1` or `"10%"`) it answers that much of the requests, and the champion stays.
    """
    part = None if share is None else fraction(share)
    return deploying.deploy(opened(home), read_setpoint_file(Path(path)), share=part, by=by or getpass.getuser())


def status(model: str | None = None, *, home: Place | None = None) -> list[Deployment]:
    """Return the deployments, with their standing against the set point."""
    return opened(home).deployments(model)


def outcomes(model: str, table: Table, *, home: Place | None = None) -> OutcomeReceipt:
    """Record what turned out to be true: columns id, label, and `known` if there is one."""
    operator = opened(home)
    return recorded.outcomes(operator, model, outcomes_of(_arrow(table), operator.schema(model), operator.clock.now()))


def records(
    model: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    version: str | None = None,
    ids: Sequence[str] | None = None,
    where: str | None = None,
    limit: int | None = None,
    decrypt: bool = False,
    home: Place | None = None,
) -> pa.Table:
    """Return what was recorded, with the outcome where it is known; `.to_pandas()` makes a frame of it.

    `since` and `until` bound the event time, from and before; a time without zone is UTC.
    `where` is a condition, such as `"age > 60 and outcome is None"`; of what is left, `limit` keeps the last rows.
    `ids` are raw ones, also where they are recorded as hashes. `decrypt` needs the key of the home.
    """
    return recorded.records(
        opened(home),
        model,
        since=utc(since) if since else None,
        until=utc(until) if until else None,
        version=version,
        ids=ids,
        where=where,
        limit=limit,
        decrypt=decrypt,
    )


def training_set(
    model: str,
    *,
    version: str | None = None,
    out: Place | None = None,
    decrypt: bool = False,
    home: Place | None = None,
) -> TrainingSet:
    """Return the set that an update would learn from now, or the one that a version learnt from.

    `out` names a .parquet file to write it to, beside which its provenance and its recipe are written. Of a model with
    encrypted inputs it takes `decrypt`, for the set holds them in clear.
    """
    operator = opened(home)
    closed = sealed(operator.schema(model))
    if closed and not decrypt:
        raise InvalidInput(f"the set holds {', '.join(closed)} in clear, recorded encrypted: pass decrypt=True")
    made = retraining.training_set(operator, model, version=version)
    if out is not None:
        export_set(made, Path(out))
    return made


def erase(
    model: str,
    *,
    ids: Sequence[str] = (),
    where: str | None = None,
    by: str | None = None,
    home: Place | None = None,
) -> Erasure:
    """Delete all that is recorded of some ids, and of the ids of the rows of a condition; return the receipt.

    Segments of the spool that workers still write to hold its bytes for some seconds more.
    """
    return recorded.erase(opened(home), model, ids=ids, where=where, by=by or getpass.getuser())


def monitor(
    model: str,
    *,
    days: float | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    home: Place | None = None,
) -> Overview:
    """Return everything known of a model over a period, the most important first; iterating yields the findings.

    The period is of four weeks up to now, unless `days`, `since` or `until` say otherwise; times without zone are UTC.
    """
    begin, end = (utc(when) if when else None for when in (since, until))
    return opened(home).overview(model, days=days, since=begin, until=end)


def incidents(model: str | None = None, *, home: Place | None = None) -> list[Incident]:
    """Return all incidents, closed ones too."""
    return [i for d in opened(home).deployments(model) for i in d.incidents]


def reliability(model: str | None = None, *, days: float | None = None, home: Place | None = None) -> list[Reliability]:
    """Return how reliably one model, or each, was operated up to its last look; by default over 90 days."""
    return opened(home).reliability(model, days=days)


def approve(
    id_: str, *, why: str = "", model: str | None = None, by: str | None = None, home: Place | None = None
) -> Deployment:
    """Allow what waits for a person, and act on it."""
    return opened(home).approve(id_, model=model, by=by or getpass.getuser(), why=why)


def refuse(
    id_: str, *, why: str = "", model: str | None = None, by: str | None = None, home: Place | None = None
) -> Deployment:
    """Refuse the remedy that an incident proposes, or end a candidate; it is not done until somebody approves it."""
    operator = opened(home)
    return personal.refuse(operator.ports, id_, operator.clock.now(), by=by or getpass.getuser(), why=why, model=model)


def take_over(id_: str, *, why: str = "", by: str | None = None, home: Place | None = None) -> Deployment:
    """Take an incident over: the loop watches it, and does nothing about it. A repair in place stays."""
    operator = opened(home)
    return personal.take(operator.ports, id_, operator.clock.now(), by=by or getpass.getuser(), why=why)


def give_back(id_: str, *, why: str = "", by: str | None = None, home: Place | None = None) -> Deployment:
    """Give an incident back to the loop."""
    operator = opened(home)
    return personal.give_back(operator.ports, id_, operator.clock.now(), by=by or getpass.getuser(), why=why)


def undo(id_: str, *, why: str = "", by: str | None = None, home: Place | None = None) -> Deployment:
    """Take the repair of an incident back, or end its hold; from then on a person is asked before another acts."""
    operator = opened(home)
    return take_back(operator.ports, id_, operator.clock.now(), by=by or getpass.getuser(), why=why)


def advice(model: str, *, home: Place | None = None) -> Advised:
    """Say whether a model should be retrained now, or what else is best done; changes nothing."""
    return retraining.advice(opened(home), model)


def update(model: str, *, by: str | None = None, home: Place | None = None) -> Deployment:
    """Retrain now, wait for the training, and let the gate judge the candidate."""
    operator = opened(home)
    retraining.update(operator, model, by=by or getpass.getuser())
    retraining.finish(operator, model)
    return operator.deployments(model)[0]


def rollback(model: str, *, to: str | None = None, by: str | None = None, home: Place | None = None) -> Deployment:
    """Make an earlier version champion again, whole."""
    return opened(home).rollback(model, to=to, by=by or getpass.getuser())


def rollout(model: str, shares: Mapping[str, Share], *, by: str | None = None, home: Place | None = None) -> Deployment:
    """Have challengers answer a share of the requests, by version: `{"v2": 0.1, "v3": "5%"}`; 0 takes it away."""
    parts = {version: fraction(share) for version, share in shares.items()}
    return deploying.rollout(opened(home), model, parts, by=by or getpass.getuser())


def compare_versions(
    model: str, a: str, b: str, *, metric: Metric = "quality", since: datetime | None = None, home: Place | None = None
) -> Compared:
    """Say which of two versions is better on what both answered, by how much, and how sure that is."""
    return opened(home).compare(model, a, b, metric=metric, since=utc(since) if since else None)


def interleave(a: Sequence[Hashable], b: Sequence[Hashable], *, length: int, seed: int) -> tuple[Slot, ...]:
    """Return one list of two rankings by team draft; show its items, and record of each click whose pick it was."""
    return team_draft(a, b, length=length, seed=seed)


def compare_interleaved(clicks: Table) -> Preference:
    """Say which of two interleaved rankings people prefer, from one row a list, in time order.

    The columns `clicks_a` and `clicks_b` count the clicks on the items that each picked.

    Raises
    ------
    InvalidInput
        If the table lacks a column, or a count is missing.
    """
    table = _arrow(clicks)
    if missing := [name for name in ("clicks_a", "clicks_b") if name not in table.column_names]:
        raise InvalidInput(f"the table lacks {', '.join(missing)}; it has {', '.join(table.column_names)}")
    a, b = (table[name].cast(pa.float64()).to_numpy() for name in ("clicks_a", "clicks_b"))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InvalidInput("a count of clicks is missing; a list that nobody clicked has 0")
    return preference(a, b)


def check_envelope(model: str, *, since: datetime | None = None, home: Place | None = None) -> Inside:
    """Say whether all that was done without a person stayed inside the envelope; `holds`, `outside`, `people`, …."""
    return opened(home).inside(model, since=utc(since) if since else None)


def versions(model: str, *, home: Place | None = None) -> list[Stored]:
    """Return the versions of a model, the newest last; `setpoint.versions` has more: `diff`, `verify`, `prune`, …."""
    return stored(opened(home), model)


def replay(
    path: Place,
    data: Table,
    *,
    every: str = "1d",
    policies: Sequence[str] = POLICIES,
    out: Place | None = None,
    jobs: int = 1,
) -> Replayed:
    """Return what policies would have done with recorded traffic, beside doing nothing, and whether one is worth it."""
    return replay_table(
        read_setpoint_file(Path(path)),
        _arrow(data),
        Settings(),
        every=timedelta(seconds=seconds(every)),
        policies=policies,
        out=None if out is None else Path(out),
        jobs=jobs,
    )


def drill(model: str, *, faults: Sequence[str] = (), seed: int = 0, home: Place | None = None) -> Drill:
    """Return what a deployment would do about faults planted in a shadow copy of its recorded traffic."""
    return drill_home(opened(home), model, faults=faults, seed=seed)


def _arrow(table: Table) -> pa.Table:
    return table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
