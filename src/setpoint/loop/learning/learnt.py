"""Whose records a version learnt from, and a training learns from."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from setpoint.deploy.package import REFERENCE_FILE
from setpoint.domain.erased import erased_rows
from setpoint.domain.fleet import Training
from setpoint.domain.records import Column
from setpoint.domain.training_set import PROVENANCE_FILE
from setpoint.errors import SetpointError
from setpoint.loop.ports import Ports
from setpoint.update.sets.origin import texts

NOBODY = pa.chunked_array([], pa.string())


def learnt_from(ports: Ports, model: str, ids: Sequence[str]) -> tuple[str, ...]:
    """Return the versions whose training set, or reference, has rows of some ids; one that is damaged may have."""
    asked = pa.array(ids, pa.string())

    def has(version: str) -> bool:
        try:
            return bool(pc.any(pc.is_in(pa.array(ids_of(ports, model, version), pa.string()), asked)).as_py())
        except SetpointError:
            return True

    return tuple(version for version in ports.bundles.names(model) if has(version))


def learns_from(ports: Ports, training: Training | None, ids: Sequence[str]) -> str:
    """Return the training under way whose set has rows of some ids; empty: none has."""
    if training is None or not training.submitted:
        return ""
    found = pc.is_in(pa.array(ids_of_set(ports.jobs / training.job), pa.string()), pa.array(ids, pa.string()))
    return training.job if pc.any(found).as_py() else ""


def ids_of_set(folder: Path) -> Column:
    """Return the ids of the rows of the set in the folder of a training; none where it has ended."""
    file = folder / PROVENANCE_FILE
    return texts(pq.read_table(file, columns=["id"])["id"] if file.is_file() else NOBODY)


def learnt_erased(ports: Ports, model: str, version: str) -> str:
    """Return in words that a version learnt from records that have been erased since; empty: it did not."""
    count = erased_rows(ids_of(ports, model, version), ports.log.erased(model))
    return f"{version} learnt {in_words(count)}" if count else ""


def in_words(count: int) -> str:
    """Return how many rows have been erased."""
    return f"{count} {'row that has' if count == 1 else 'rows that have'} been erased from the log since"


def ids_of(ports: Ports, model: str, version: str) -> Column:
    """Return the ids of the rows that a version learnt from, as far as its bundle has them; None for a row without."""
    folder, name = ports.bundles.folder(model, version), "id"
    held = folder / PROVENANCE_FILE
    if not held.is_file():
        held, name = folder / REFERENCE_FILE, ports.bundles.get(model, version).schema.id or ""
    known = name in pq.read_schema(held).names
    return texts(pq.read_table(held, columns=[name])[name] if known else NOBODY)
