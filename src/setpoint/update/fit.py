"""`python -m setpoint.update.fit SPEC.json`: train one candidate in a process of its own, and say how it ended."""

import os
import sys
from pathlib import Path

import pyarrow.parquet as pq

from setpoint.domain.schema import Schema
from setpoint.domain.update import Method
from setpoint.domain.value import field, from_json, to_json, value
from setpoint.errors import SetpointError
from setpoint.update.trainers import trainer_for
from setpoint.update.trainers.request import FitRequest, Report

RESULT = "fit-result.json"


@value
class FitSpec:
    """What to train. Paths are absolute."""

    artifact: str
    training_set: str
    schema: Schema
    workdir: str
    method: Method
    checkpoints: str
    seed: int = 0
    new_rows: int | None = None
    lined_rows: int = 0  # the last ones, which the model is kept from
    train: str | None = None
    trusted: tuple[str, ...] = ()


@value
class Fitted:
    """How it ended: the new artefact and what was measured on the way, or an error in words."""

    artifact: str | None = None
    error: str | None = None
    measures: dict[str, float] = field(default_factory=dict)


def main(spec_file: str) -> None:
    """Do the job and write the result file; any error but memory and the user's own is ours and ends the process."""
    spec = from_json(Path(spec_file).read_bytes(), FitSpec)
    os.nice(10)  # serving comes first
    os.chdir(spec.workdir)  # where it may write
    report = Report()
    try:
        result = Fitted(artifact=str(_fit(spec, report)), measures=report.measures)
    except MemoryError:
        result = Fitted(error="the training needs more memory than the machine has")
    except SetpointError as e:
        result = Fitted(error=str(e))
    partial = Path(spec.workdir) / f"{RESULT}.partial"
    partial.write_bytes(to_json(result))
    partial.rename(partial.with_suffix(""))


def _fit(spec: FitSpec, report: Report) -> Path:
    table = pq.read_table(spec.training_set)
    table = table.slice(0, table.num_rows - spec.lined_rows)
    report.say(f"training on {table.num_rows:,} rows ({spec.method})")
    request = FitRequest(
        artifact=Path(spec.artifact),
        table=table,
        schema=spec.schema,
        workdir=Path(spec.workdir),
        method=spec.method,
        seed=spec.seed,
        new_rows=None if spec.new_rows is None else spec.new_rows - spec.lined_rows,
        trusted=spec.trusted,
        checkpoints=Path(spec.checkpoints),
        report=report,
    )
    if spec.train is not None and spec.method is Method.OWN:
        from setpoint.update.trainers import user

        return user.fit(spec.train, request)
    return trainer_for(request.artifact, spec.method)(request)


if __name__ == "__main__":
    main(sys.argv[1])
