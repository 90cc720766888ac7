"""`python -m setpoint.update.fit SPEC.json`: train one candidate in a process of its own, and say how it ended."""

import os
import sys
from pathlib import Path

import pyarrow.parquet as pq

from setpoint.domain.schema import Schema
from setpoint.domain.value import from_json, to_json, value
from setpoint.errors import SetpointError

RESULT = "fit-result.json"


@value
class FitSpec:
    """What to train. Paths are absolute."""

    artifact: str
    training_set: str
    schema: Schema
    workdir: str
    seed: int = 0
    train: str | None = None
    trusted: tuple[str, ...] = ()


@value
class Fitted:
    """How it ended: the new artefact, or an error in words."""

    artifact: str | None = None
    error: str | None = None


def main(spec_file: str) -> None:
    """Do the job and write the result file; any error but memory and the user's own is ours and ends the process."""
    spec = from_json(Path(spec_file).read_bytes(), FitSpec)
    os.nice(10)  # serving comes first
    try:
        result = Fitted(artifact=str(_fit(spec)))
    except MemoryError:
        result = Fitted(error="the training needs more memory than the machine has")
    except SetpointError as e:
        result = Fitted(error=str(e))
    partial = Path(spec.workdir) / f"{RESULT}.partial"
    partial.write_bytes(to_json(result))
    partial.rename(partial.with_suffix(""))


def _fit(spec: FitSpec) -> Path:
    from setpoint.update.trainers import trainer_for, user

    artifact, workdir = Path(spec.artifact), Path(spec.workdir)
    table = pq.read_table(spec.training_set)
    print(f"training on {table.num_rows:,} rows", flush=True)  # noqa: T201
    if spec.train is not None:
        return user.fit(spec.train, artifact, table, spec.schema, workdir)
    made: Path = trainer_for(artifact).fit(artifact, table, spec.schema, spec.seed, workdir, trusted=spec.trusted)
    return made


if __name__ == "__main__":
    main(sys.argv[1])
