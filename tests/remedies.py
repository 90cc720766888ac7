"""One repair of each kind, for a model of `temp`, `felt`, `hum` (numbers) and `sky` (levels): add a line for another.

Tests that hold for every remedy run over these: a stop in the middle leaves nothing between, and an undo no trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from setpoint.domain.baseline import BASELINE, Baseline
from setpoint.domain.feature_map import FeatureMap, Instead, Levels, Peer
from setpoint.domain.incident import Remedy, Repair
from setpoint.domain.isolation import Isolation
from setpoint.domain.records import Column
from setpoint.domain.row_digests import digests_of
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.within import Fallback, Within

Rows = Sequence[Sequence[Any]]
HEALTHY: Rows = ((12.5, 14.0, 0.5, "clear"), (3.25, 1.0, 0.75, "grey"), (30.0, 33.5, 0.25, "clear"))
PEER = Peer(feature="temp", weight=1.1, low=-10.0, high=40.0)
SCHEMA = Schema(
    features=(
        *(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=n == "felt") for n in ("temp", "felt", "hum")),
        Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("clear", "grey")),
    ),
    target="y",
    task=Task.REGRESSION,
)


@dataclass(frozen=True)
class Case:
    """A repair, rows under its fault, and the rows as which the model must answer them then (None: another version)."""

    repair: Repair
    faulty: Rows = HEALTHY
    seen: Rows | None = HEALTHY


def columns_of(rows: Rows) -> dict[str, Column]:
    """Return rows as columns."""
    columns = [np.array(c, object if isinstance(c[0], str) else np.float64) for c in zip(*rows, strict=True)]
    return dict(zip(SCHEMA.names, columns, strict=True))


def door(what: Remedy, faulty: Rows, seen: Rows, **map_: Any) -> Case:
    feature_map = FeatureMap(id="m", **map_)
    return Case(Repair(id="r", remedy=what, subject=", ".join(feature_map.changes), map=feature_map), faulty, seen)


REMEDIES = {
    "inverse_map": door(
        Remedy.INVERSE_MAP,
        [[2 * t + 32, felt, hum, sky] for t, felt, hum, sky in HEALTHY],
        HEALTHY, feature="temp", scale=0.5, offset=-16.0,
    ),
    "map_levels": door(
        Remedy.MAP_LEVELS,
        [[*row[:3], {"clear": "CLEAR"}.get(row[3], row[3])] for row in HEALTHY],
        HEALTHY, feature="sky", levels=Levels(expected={"CLEAR": "clear"}),
    ),
    "swap_back": door(
        Remedy.SWAP_BACK, [[hum, felt, t, sky] for t, felt, hum, sky in HEALTHY], HEALTHY, feature="temp", swap="hum"
    ),
    "impute": door(  # its nulls are refused without it
        Remedy.IMPUTE,
        [[None, *row[1:]] for row in HEALTHY],
        [[12.0, *row[1:]] for row in HEALTHY], feature="temp", instead=Instead(constant=12.0),
    ),
    "impute_all": door(
        Remedy.IMPUTE,
        [[row[0], 99.0, *row[2:]] for row in HEALTHY],
        [[row[0], 1.0 + 1.1 * row[0], *row[2:]] for row in HEALTHY],
        feature="felt", instead=Instead(peers=(PEER,), base=1.0, everywhere=True, constant=3.0),
    ),
    "ignore": door(
        Remedy.IGNORE,
        [[row[0], 1e9, *row[2:]] for row in HEALTHY],
        [[row[0], None, *row[2:]] for row in HEALTHY], feature="felt", instead=Instead(everywhere=True),
    ),
    "rollback": Case(Repair(id="r", remedy=Remedy.ROLLBACK, subject="v2", to_version="v1"), seen=None),
    "fallback": Case(
        Repair(
            id="r", remedy=Remedy.FALLBACK, subject="sky",
            fallback=Fallback(id="f", version="v1", instead_of="v2", within=Within(feature="sky", levels=("grey",))),
        ),
        seen=None,
    ),
    "stand_in": Case(  # a request with a row that lacks the column is answered by the version that does without
        Repair(
            id="r", remedy=Remedy.FALLBACK, subject="temp",
            map=FeatureMap(id="m", feature="temp", instead=Instead(constant=12.0)),
            fallback=Fallback(id="f", version="v1", instead_of="v2", within=Within(feature="temp", missing=True)),
        ),
        [[None, *HEALTHY[0][1:]], *HEALTHY[1:]],
        [[12.0, *HEALTHY[0][1:]], *HEALTHY[1:]],
    ),
    "baseline": Case(
        Repair(
            id="r", remedy=Remedy.FALLBACK, subject="sky",
            fallback=Fallback(
                id="f", version=BASELINE, instead_of="v2", within=Within(feature="sky", levels=("grey",)),
                baseline=Baseline(column="temp"),
            ),
        ),
        seen=None,
    ),
    "isolate": Case(
        Repair(
            id="r", remedy=Remedy.ISOLATE, subject="row",
            isolation=Isolation(id="r", version="v2", rows=tuple(digests_of(columns_of(HEALTHY[1:2]), SCHEMA.names))),
        ),
        seen=None,
    ),
    "hold": Case(Repair(id="r", remedy=Remedy.HOLD, subject="outcomes")),
    "restart": Case(Repair(id="r", remedy=Remedy.RESTART, subject="worker 0")),
}  # fmt: skip
