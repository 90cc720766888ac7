"""Records of versions whose columns differ: the loop compares and learns only from those that have the champion's."""

from dataclasses import replace

import numpy as np

from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.records import Records
from setpoint.domain.schema import Schema
from setpoint.loop.ports import Ports


def fitting(ports: Ports, model: str, records: Records, schema: Schema) -> Records:
    """Return the rows of versions that have all features of a schema, with those features alone."""
    schemas = {v: ports.bundles.get(model, v).schema for v in dict.fromkeys(records.version.tolist())}
    others = [v for v, other in schemas.items() if not set(schema.names) <= set(other.names)]
    if others:
        records = records.take(~np.isin(records.version.astype(str), others))
    if records.inputs.keys() == set(schema.names):
        return records
    return replace(records, inputs={name: records.inputs[name] for name in schema.names})


def same_columns(ports: Ports, deployment: Deployment) -> tuple[Release, ...]:
    """Return the latest releases, as far back as they have the columns of the champion; the last is the champion's."""
    found: list[Release] = []
    names = ports.bundles.get(deployment.model, deployment.releases[-1].version).schema.names
    for release in reversed(deployment.releases):
        if ports.bundles.get(deployment.model, release.version).schema.names != names:
            break
        found.insert(0, release)
    return tuple(found)
