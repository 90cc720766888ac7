"""Training sets of a deployment: made from its log, stored with the version that learnt from them, and found again."""

from dataclasses import replace
from datetime import datetime
from importlib.metadata import version as installed
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from setpoint.deploy.package import REFERENCE_FILE
from setpoint.domain.fleet import Deployment
from setpoint.domain.records import Records, joined
from setpoint.domain.sensitive import ID, hasher_of
from setpoint.domain.training_set import (
    BESIDE,
    ISSUES_FILE,
    PROVENANCE_FILE,
    RECIPE_FILE,
    Mended,
    Recipe,
    SetSpec,
    Source,
)
from setpoint.domain.value import from_json, to_json
from setpoint.domain.version import ModelVersion
from setpoint.errors import Corrupt, InvalidInput, NotFound
from setpoint.loop.learning.reaching import Read, recorded_for
from setpoint.loop.looks.clear import in_clear, reference_in_clear
from setpoint.loop.looks.columns import fitting, same_columns
from setpoint.loop.looks.spans import doubtful_spans, repaired_spans, untouched
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning
from setpoint.update.sets.digest import digest
from setpoint.update.sets.made import Ground, TrainingSet, make_set
from setpoint.update.sets.origin import texts

SET_FILE = "train.parquet"
LATEST = SetSpec()
FEW_RECENT = 1_000  # rows


def training_set(
    ports: Ports,
    deployment: Deployment,
    champion: ModelVersion,
    *,
    until: datetime,
    as_of: datetime,
    spec: SetSpec = LATEST,
) -> TrainingSet:
    """Make the training set of a candidate: rows before `until`, with what was known of them by `as_of`.

    Raises
    ------
    InvalidInput
        If the reference and the log do not fit together.
    """
    model, root = deployment.model, same_columns(ports, deployment)[0].version
    source = Source(
        model=model,
        reference=root,
        champion=champion.version,
        until=until,
        as_of=as_of,
        mended=tuple(Mended(map=m, since=since, until=end) for m, since, end in repaired_spans(deployment)),
        left_out=doubtful_spans(deployment, as_of),
    )
    ground = ground_of(ports, model, root)

    def read(since: datetime | None, end: datetime) -> Records:
        rows = ports.log.read(model, since=since, until=end, as_of=as_of)
        return in_clear(ports, model, fitting(ports, model, rows, champion.schema))

    recorded = recorded_for(read, source, spec, ground.table.num_rows)
    ground, records = _as_recorded(ports, ground, recorded, champion)
    return make_set(
        ground,
        records,
        champion.schema,
        source,
        spec,
        erased=ports.log.erased(model),
        segments=read_binning(ports.bundles.folder(model, root)).segments,
        recent=_latest(read, records, deployment, source) if spec.importance else None,
        setpoint=installed("setpoint"),
    )


def spec_of(deployment: Deployment, rows: int | None) -> SetSpec:
    """Return what its sets are made of; a training may ask for a window of its own."""
    spec = deployment.updates.training_set
    return spec if rows is None else replace(spec, rows=rows)


def stored_set(ports: Ports, model: str, version: str) -> TrainingSet:
    """Return the set that a version was made from, as it lies in its bundle.

    Raises
    ------
    NotFound
        If Setpoint did not make it.
    Corrupt
        If it is not the one that its recipe is of.
    """
    ground = ground_of(ports, model, version)
    if ground.provenance is None:
        raise NotFound(f"{model} {version} was not trained here: its bundle has a reference, and no recipe of it")
    folder = ports.bundles.folder(model, version)
    recipe = stored_recipe(ports, model, version)
    issues = pq.read_table(folder / ISSUES_FILE) if (folder / ISSUES_FILE).is_file() else None
    if digest(ground.table) != recipe.digest or digest(ground.provenance) != recipe.provenance:
        raise Corrupt(f"the training set of {model} {version} is not the one of its recipe, {recipe.digest[:12]}")
    return TrainingSet(table=ground.table, provenance=ground.provenance, recipe=recipe, issues=issues)


def stored_recipe(ports: Ports, model: str, version: str) -> Recipe:
    """Return the recipe of the set that a version was made from."""
    return from_json((ports.bundles.folder(model, version) / RECIPE_FILE).read_bytes(), Recipe)


def write_set(made: TrainingSet, folder: Path, *, private: bool) -> Path:
    """Write a set, its provenance and its recipe into a folder, which is made; return the file of the set.

    A private one holds sensitive values in clear: the folder is for its owner alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if private:
        folder.chmod(0o700)
    pq.write_table(made.provenance, folder / PROVENANCE_FILE, compression="zstd")
    (folder / RECIPE_FILE).write_bytes(to_json(made.recipe, pretty=True))
    if made.issues is not None:
        pq.write_table(made.issues, folder / ISSUES_FILE, compression="zstd")
    pq.write_table(made.table, folder / SET_FILE)
    return folder / SET_FILE


def _latest(read: Read, records: Records, deployment: Deployment, source: Source) -> Records:
    """Return the requests after the set, whether or not their outcome is known, and if few with the latest before."""
    after = read(source.until, source.as_of)
    rows = after if len(after) >= FEW_RECENT else joined(records, after)
    rows = rows.take(untouched(rows, deployment))
    return rows if len(after) >= FEW_RECENT else rows.take(np.arange(len(rows))[-FEW_RECENT:])


def export_set(made: TrainingSet, file: Path) -> list[Path]:
    """Write a set as Parquet, and beside it its provenance, its recipe and its doubtful outcomes; return the files.

    Raises
    ------
    InvalidInput
        If the file is not called .parquet, or cannot be written.
    """
    if file.suffix != ".parquet":
        raise InvalidInput(f"{file} must end with .parquet: a training set is written as Parquet")
    beside = {name: file.with_name(f"{file.stem}.{name}") for name in BESIDE}
    try:
        pq.write_table(made.table, file)
        pq.write_table(made.provenance, beside[PROVENANCE_FILE])
        beside[RECIPE_FILE].write_bytes(to_json(made.recipe, pretty=True))
        if made.issues is None:
            beside.pop(ISSUES_FILE)
        else:
            pq.write_table(made.issues, beside[ISSUES_FILE])
    except OSError as e:
        raise InvalidInput(f"cannot write {file}: {e.strerror or e}") from e
    return [file, *beside.values()]


def ground_of(ports: Ports, model: str, version: str) -> Ground:
    """Return what a version learnt from, in clear, and where those rows came from where that is on record."""
    folder, schema = ports.bundles.folder(model, version), ports.bundles.get(model, version).schema
    table = reference_in_clear(ports, model, pq.read_table(folder / REFERENCE_FILE), schema)
    return Ground(table=table, provenance=_provenance(folder))


def _as_recorded(ports: Ports, ground: Ground, records: Records, champion: ModelVersion) -> tuple[Ground, Records]:
    """Return both with ids as they are recorded today: an earlier version may have kept sensitive ones in clear."""
    schema, keys, name = (
        champion.schema,
        ports.keys.keys() if champion.schema.sensitive_id else None,
        champion.schema.id,
    )
    hashed = hasher_of(champion.model, schema, ID, keys) if keys else None
    if hashed is None:
        return ground, records
    if name in ground.table.column_names:
        ids = [i and hashed(i) for i in texts(ground.table[name]).tolist()]
        at = ground.table.column_names.index(name)
        ground = replace(ground, table=ground.table.set_column(at, name, pa.array(ids, pa.string())))
    return ground, replace(records, id=np.array([hashed(i) for i in records.id], object))


def _provenance(folder: Path) -> pa.Table | None:
    file = folder / PROVENANCE_FILE
    return pq.read_table(file) if file.is_file() else None
