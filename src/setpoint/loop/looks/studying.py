"""The daily study of a deployment: read what it compares, and ask the champion."""

from datetime import datetime

import numpy as np
import pyarrow.parquet as pq

from setpoint.deploy.package import REFERENCE_FILE
from setpoint.deploy.reference import features_of
from setpoint.domain.fleet import Deployment
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.sensitive import hidden
from setpoint.domain.study import Study
from setpoint.domain.version import ModelVersion
from setpoint.errors import ModelFailed, SetpointError
from setpoint.loop.looks.spans import natural
from setpoint.loop.ports import Ports
from setpoint.monitor.study import Studied, due, lately, study
from setpoint.stats.attribution import Ask


def studied(
    ports: Ports, deployment: Deployment, champion: ModelVersion, history: Records, now: datetime
) -> Study | None:
    """Return the last study, or a new one if it is time; None where studies are not wanted: a replay has many days."""
    if not ports.studies or not due(deployment.study, champion.version, now):
        return deployment.study
    secret = [f.name for f in hidden(champion.schema)]
    recent = lately(history, now)
    return study(
        Studied(
            now=now,
            version=champion.version,
            reference=_reference(ports, champion, secret),
            recent=natural(recent, deployment),
            asked=None if secret else _asked(ports, champion),
            why_not=f"{', '.join(secret)} cannot be shown to the model again: sensitive" if secret else "",
        )
    )


def _reference(ports: Ports, champion: ModelVersion, secret: list[str]) -> Columns:
    """Return the reference's columns but for those that are recorded otherwise, in time order where there is a time."""
    table = pq.read_table(ports.bundles.folder(champion.model, champion.version) / REFERENCE_FILE)
    if champion.schema.time in table.column_names:
        table = table.sort_by(champion.schema.time)
    return features_of(table, [f for f in champion.schema.features if f.name not in secret])


def _asked(ports: Ports, champion: ModelVersion) -> Ask:
    """Return what asks the champion for its scores, and raises ModelFailed whatever goes wrong."""
    model, version, score = champion.model, champion.version, champion.schema.score

    def ask(columns: Columns) -> Column:
        try:
            return np.asarray(ports.scorer.score(model, version, columns)[score], np.float64)
        except SetpointError as e:
            raise ModelFailed(str(e)) from e
        except Exception as e:  # a model is not our code
            raise ModelFailed(f"{type(e).__name__}: {e}") from e

    return ask
