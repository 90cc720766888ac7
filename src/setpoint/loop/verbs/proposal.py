"""What to watch a model by: of a model file and its reference, of a setpoint.yaml, of a deployment."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from setpoint.config import SetpointFile
from setpoint.deploy.answers import judged_reference
from setpoint.deploy.hidden import countable
from setpoint.deploy.mlflow_folder import opened
from setpoint.deploy.package import REFERENCE_FILE
from setpoint.deploy.propose import FirstLook, first_look, setpoint_text
from setpoint.deploy.reference import features_of, read_reference
from setpoint.deploy.sources import local
from setpoint.domain.fleet import Deployment
from setpoint.domain.objective import Objective
from setpoint.domain.schema import Task
from setpoint.govern.mlflow import check as check_mlflow
from setpoint.govern.scan import scan
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning
from setpoint.loop.verbs.proposed_lines import objective_lines, segment_line
from setpoint.monitor.limits import read_limits
from setpoint.monitor.proposal import learnt, span_of
from setpoint.monitor.proposed import Proposal
from setpoint.monitor.proposing import BUDGET, Subject, proposal_of
from setpoint.monitor.scope import HOUR, floored

RATE_OVER = timedelta(days=28)


def propose_setpoint(
    artifact: Path,
    reference: Path,
    folder: Path,
    *,
    target: str | None = None,
    model: str | None = None,
    time: str | None = None,
    id: str | None = None,
    output: str | None = None,
    task: Task | None = None,
    allow: tuple[str, ...] = (),
    memory_bytes: int | None = None,
) -> str:
    """Scan the model file, then propose the text of a setpoint.yaml that will stand in `folder`."""
    with local(str(artifact), Path()) as found:
        check_mlflow(found, allow)
        model_file, logged = opened(found)
        look = first_look(
            model_file,
            reference,
            target=target,
            time=time,
            id=id,
            output=output,
            task=task,
            trusted=scan(model_file, allow),
            logged=logged,
            memory_bytes=memory_bytes,
        )
    proposal = _of_files(look, reference)
    return setpoint_text(
        look.schema,
        model=model or "",
        artifact=artifact,
        reference=reference,
        base=folder.resolve(),
        objectives=objective_lines(proposal),
        segments=segment_line(proposal),
    )


def propose_for_file(
    file: SetpointFile, objectives: tuple[Objective, ...], memory_bytes: int | None = None
) -> Proposal:
    """Propose what to watch the model of a setpoint.yaml by, beside the objectives it has."""
    with local(file.model_file, file.root) as found:
        check_mlflow(found, file.allow)
        model_file, logged = opened(found)
        look = first_look(
            model_file,
            file.reference_path,
            target=file.target,
            time=file.time,
            id=file.id,
            task=Task(file.task),
            trusted=scan(model_file, tuple(file.allow)),
            logged=logged,
            memory_bytes=memory_bytes,
        )
    budget = file.envelope.false_actions_per_year
    return _of_files(look, file.reference_path, objectives=objectives, delay_s=file.outcome_delay, budget=budget)


def _of_files(
    look: FirstLook,
    reference: Path,
    *,
    objectives: tuple[Objective, ...] = (),
    delay_s: float = 0.0,
    budget: float = BUDGET,
) -> Proposal:
    schema, table = look.schema, read_reference(reference)
    ordered = table.sort_by(schema.time) if schema.time else table
    columns = features_of(ordered, schema.features)
    binning, limits = learnt(columns, schema, None)
    spanned, every_s = span_of(ordered, schema.time)
    return proposal_of(
        Subject(
            task=schema.task,
            columns=columns,
            binning=binning,
            limits=limits,
            y=look.judged.y,
            score=look.judged.score,
            several=look.judged.classes,
            how=" ".join(look.found.how.split()),
            seconds=spanned,
            rate_s=table.num_rows / spanned if spanned else 0.0,
            every_s=every_s,
            delay_s=delay_s,
            objectives=objectives,
            false_actions_per_year=budget,
            classes=tuple(map(str, schema.classes)),
        )
    )


def propose_for_deployment(ports: Ports, deployment: Deployment, now: datetime) -> Proposal:
    """Say what the champion's monitors can see, with its own limits and the records that come."""
    champion = ports.bundles.get(deployment.model, deployment.served.champion)
    folder, schema = ports.bundles.folder(champion.model, champion.version), champion.schema
    table = pq.read_table(folder / REFERENCE_FILE)
    time = schema.time if schema.time in table.column_names else None
    order = np.argsort(table[time].to_numpy(), kind="stable") if time else np.arange(table.num_rows)
    columns = countable(features_of(table, schema.features), schema)
    kept = judged_reference(folder, table, schema).take(order).known
    spanned, every_s = span_of(table.take(order), time)
    return proposal_of(
        Subject(
            task=schema.task,
            columns={name: column[order] for name, column in columns.items()},
            binning=read_binning(folder),
            limits=read_limits(folder),
            y=kept.y,
            score=kept.score,
            several=kept.classes,
            how="the model on its reference, which flatters it if it was trained on these rows",
            seconds=spanned,
            rate_s=_rate(ports, deployment, now) or (table.num_rows / spanned if spanned else 0.0),
            every_s=every_s,
            threshold=champion.threshold,
            objectives=deployment.objectives,
            false_actions_per_year=deployment.envelope.false_actions_per_year,
            classes=tuple(map(str, schema.classes)),
            segmented=bool(read_binning(folder).segments),
        )
    )


def _rate(ports: Ports, deployment: Deployment, now: datetime) -> float:
    """Return the records a second of the last weeks, from the first that came; 0 where none did for an hour."""
    running = floored(now, HOUR)
    hours = ports.log.series(deployment.model, running - RATE_OVER, running, HOUR)[""]
    filled = np.flatnonzero(hours.rows)
    return float(hours.rows[filled[0] :].sum() / ((len(hours.rows) - filled[0]) * 3_600)) if len(filled) else 0.0
