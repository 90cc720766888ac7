"""A version for those who run it without Setpoint."""

from pathlib import Path

from setpoint.deploy.export import export
from setpoint.deploy.export_mlflow import export_mlflow
from setpoint.loop.verbs.operator import Operator


def exported(operator: Operator, model: str, version: str | None, to: Path, *, mlflow: bool = False) -> str:
    """Write a version, by default the champion, to a folder that needs no Setpoint; return its name.

    Raises
    ------
    InvalidInput
        If it runs in its framework alone.
    Conflict
        If there is something in the folder.
    """
    bundles = operator.ports.bundles
    name = version or operator.ports.state.load(model).served.champion
    folder, manifest, seal = bundles.folder(model, name), bundles.get(model, name), bundles.seal(model, name)
    if mlflow:
        export_mlflow(folder, manifest, to)
    else:
        export(folder, manifest, seal.manifest if seal else "", to)
    return name
