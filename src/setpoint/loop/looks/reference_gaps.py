"""How far apart the segments of the reference are: what was accepted with the model."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from setpoint.config.metrics import GAPS
from setpoint.deploy.answers import judged_reference
from setpoint.deploy.package import REFERENCE_FILE
from setpoint.deploy.reference import features_of
from setpoint.domain.schema import Schema
from setpoint.domain.value import from_json, to_json
from setpoint.domain.version import ModelVersion
from setpoint.loop.release import read_binning
from setpoint.stats.fairness import Gap, gap


def reference_gaps(folder: Path, version: ModelVersion) -> dict[tuple[str, str], Gap]:
    """Return the gaps between segments by rate and feature, from the rows stored in a bundle."""
    return _stored(folder, to_json(version.schema), version.threshold) if read_binning(folder).segments else {}


@lru_cache(maxsize=32)
def _stored(folder: Path, schema_json: bytes, threshold: float) -> dict[tuple[str, str], Gap]:
    """Read them once: a bundle never changes."""
    schema = from_json(schema_json, Schema)
    table = pq.read_table(folder / REFERENCE_FILE)
    kept = judged_reference(folder, table, schema)
    known, kept = np.isfinite(kept.y) & np.isfinite(kept.score), kept.known
    columns = features_of(table, schema.features)
    found = {}
    for by, split in read_binning(folder).segments.items():
        for of in GAPS[schema.task]:
            if by in columns:
                codes, names = split.codes(columns[by])[known], split.names(by)
                found[of, by] = gap(of, kept.y, kept.score, codes, names, threshold=threshold)
    return {key: one for key, one in found.items() if one is not None}
