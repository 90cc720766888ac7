"""From a model file to a version in the bundle store."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from setpoint.deploy.answers import SCORES_FILE, judged_reference, labels_of
from setpoint.deploy.hidden import countable
from setpoint.deploy.mlflow_folder import opened
from setpoint.deploy.package import (
    BINNING_FILE,
    PROFILE_FILE,
    REFERENCE_FILE,
    SEGMENTS_FILE,
    PackageRequest,
    package,
)
from setpoint.deploy.reference import features_of
from setpoint.domain.data_contract import DataContract
from setpoint.domain.profile import Binning, Profile, profile_from_json, profiles_from_json
from setpoint.domain.schema import Handling, Schema
from setpoint.domain.sensitive import hidden
from setpoint.domain.value import from_json, replace, to_json
from setpoint.domain.version import ModelVersion
from setpoint.govern.mlflow import check as check_mlflow
from setpoint.govern.scan import scan
from setpoint.monitor import estimators, limits
from setpoint.monitor.contract import contract_of
from setpoint.ports import BundleStore

CONTRACT_FILE = "contract.json"
MOST_RELATED = 100  # fields of one input between which rules are looked for
Progress = Callable[[str], None]


def make_version(
    bundles: BundleStore,
    request: PackageRequest,
    allow: tuple[str, ...] = (),
    rules: tuple[str, ...] = (),
    progress: Progress = lambda step: None,
) -> ModelVersion:
    """Scan a model file, convert it, prove it, profile its reference, and store it: whole, or not at all.

    `rules` are those that a person wrote, beside what the data contract learns.
    """
    bundles.expect()
    progress("scanning the model file")
    check_mlflow(request.artifact, allow)
    artifact, logged = opened(request.artifact)
    request = replace(request, artifact=artifact, logged=logged, trusted=scan(artifact, allow), allow=allow)
    with tempfile.TemporaryDirectory(prefix="setpoint-stage-") as work:
        staged = Path(work) / "bundle"
        staged.mkdir()
        version = package(request, staged, progress)
        progress("learning what is normal")
        learn(staged, version, rules)
        return bundles.add(staged, version)


def learn(staged: Path, version: ModelVersion, rules: tuple[str, ...]) -> None:
    """Write what monitors compare with: limits, the data contract, and how scores and outcomes go together."""
    _learn_limits(staged, version)
    _learn_contract(staged, version, rules)
    _learn_quality(staged, version)


def read_binning(folder: Path) -> Binning:
    """Return the cuts stored in a bundle."""
    return from_json((folder / BINNING_FILE).read_bytes(), Binning)


def read_profile(folder: Path) -> Profile:
    """Return the profile of the reference stored in a bundle."""
    return profile_from_json((folder / PROFILE_FILE).read_bytes(), read_binning(folder))


def read_contract(folder: Path) -> DataContract:
    """Return the data contract stored in a bundle; an empty one where the version was made without."""
    file = folder / CONTRACT_FILE
    return from_json(file.read_bytes(), DataContract) if file.is_file() else DataContract()


def _learn_contract(staged: Path, version: ModelVersion, rules: tuple[str, ...]) -> None:
    schema = version.schema
    table = pq.read_table(staged / REFERENCE_FILE).select(list(schema.names))
    learnt = contract_of(table, given=rules, hidden=[f.name for f in hidden(schema)], alone=_values_of_one(schema))
    (staged / CONTRACT_FILE).write_bytes(to_json(learnt))


def _values_of_one(schema: Schema) -> frozenset[str]:
    """Return the fields that are values of one thing, as pixels are: a rule between two of them says nothing."""
    things = [t for t in schema.tensors if len(t.shape) > 1 or len(t.features) > MOST_RELATED]
    return frozenset(name for tensor in things for name in tensor.features)


def read_segments(folder: Path) -> dict[str, Profile]:
    """Return the profiles of the reference's segments stored in a bundle; none where it is older than them."""
    file = folder / SEGMENTS_FILE
    return profiles_from_json(file.read_bytes(), read_binning(folder)) if file.exists() else {}


def _learn_limits(staged: Path, version: ModelVersion) -> None:
    table = pq.read_table(staged / REFERENCE_FILE)
    schema = version.schema
    times = table[schema.time].to_numpy() if schema.time in table.column_names else None
    columns = {**countable(features_of(table, schema.features), schema), **labels_of(staged, schema)}
    learnt = limits.learn(columns, schema, read_binning(staged), np.load(staged / SCORES_FILE), times)
    blind = {f.name for f in hidden(schema) if f.sensitive is not Handling.HASH}  # nothing to see in those
    learnt = replace(learnt, columns={name: c for name, c in learnt.columns.items() if name not in blind})
    (staged / limits.FILE_NAME).write_bytes(to_json(learnt))


def _learn_quality(staged: Path, version: ModelVersion) -> None:
    """Keep how scores and outcomes of the reference go together: what quality is estimated by before labels come."""
    table, schema = pq.read_table(staged / REFERENCE_FILE), version.schema
    order = (
        np.argsort(table[schema.time].to_numpy(), kind="stable")
        if schema.time in table.column_names
        else np.arange(table.num_rows)
    )
    kept = judged_reference(staged, table, schema).take(order)
    taught = estimators.teach(
        schema.task,
        kept.score,
        kept.y,
        read_binning(staged).columns[schema.score].edges,
        version.threshold,
    )
    (staged / estimators.FILE_NAME).write_bytes(to_json(taught))
