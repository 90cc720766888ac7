"""Whose records a version learnt from."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from setpoint.deploy.package import REFERENCE_FILE
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


def ids_of(ports: Ports, model: str, version: str) -> Column:
    """Return the ids of the rows that a version learnt from, as far as its bundle has them; None for a row without."""
    folder, name = ports.bundles.folder(model, version), "id"
    held = folder / PROVENANCE_FILE
    if not held.is_file():
        held, name = folder / REFERENCE_FILE, ports.bundles.get(model, version).schema.id or ""
    known = name in pq.read_schema(held).names
    return texts(pq.read_table(held, columns=[name])[name] if known else NOBODY)
