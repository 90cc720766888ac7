"""Which version's training made a model that several versions run."""

from collections.abc import Collection

from setpoint.domain.update import DERIVED, Method
from setpoint.domain.version import ModelVersion
from setpoint.ports import BundleStore


def trained(bundles: BundleStore, version: ModelVersion, kept: Collection[Method] = DERIVED) -> ModelVersion:
    """Return the version that was trained, of those that run its model: what is made by methods of `kept` keeps it."""
    while version.lineage.method in kept and version.lineage.parent:
        version = bundles.get(version.model, version.lineage.parent)
    return version
