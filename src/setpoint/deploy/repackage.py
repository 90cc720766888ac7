"""A version that runs its parent's model, and answers or decides otherwise: nothing is converted again."""

import shutil
from pathlib import Path

import numpy as np

from setpoint.deploy.answers import CLASSES_FILE, table_of
from setpoint.deploy.job import Converted
from setpoint.deploy.keeping import keep
from setpoint.deploy.metrics import reference_metrics
from setpoint.deploy.package import PackageRequest, settled
from setpoint.deploy.reference import read_reference, target_of
from setpoint.domain.records import Columns
from setpoint.domain.schema import Task
from setpoint.domain.version import ModelVersion
from setpoint.runtime.model import ONNX_FILE


def repackage(
    request: PackageRequest, parent: ModelVersion, home: Path, answers: Columns, staged: Path
) -> ModelVersion:
    """Fill the empty folder `staged` with the content of a bundle, and return its manifest (the store fills `files`).

    The model files are copies of the parent's, not links: what damages one version must not damage the one that is
    rolled back to. How the model runs, and the proof that it runs right, are the parent's.

    Parameters
    ----------
    request : PackageRequest
        `artifact` is the parent's own.
    home : Path
        The bundle of the parent.
    answers : mapping of str to ndarray of shape (n,)
        What the new version answers to the rows of the reference.
    """
    schema, reference = parent.schema, read_reference(request.reference)
    artifact = keep(request.artifact, staged)
    if (home / ONNX_FILE).is_file():
        shutil.copyfile(home / ONNX_FILE, staged / ONNX_FILE)
    if schema.task is Task.MULTICLASS:
        np.save(staged / CLASSES_FILE, table_of(answers, schema))
    found = Converted(
        schema=schema,
        variants=parent.variants,
        packages=parent.lineage.packages,
        metrics=reference_metrics(target_of(reference, schema), answers, schema, request.threshold),
        kept_from=parent.lineage.kept_from,
    )
    return settled(request, staged, reference, artifact, found, answers[schema.score])
