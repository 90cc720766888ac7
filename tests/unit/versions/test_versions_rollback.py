"""What a roll back brings back beside the bundle itself."""

from typing import Any

import pytest

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.incident import Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.value import replace
from setpoint.errors import Corrupt
from setpoint.loop.verbs.operator import Operator
from tests.unit.versions.hand_made import NOW, SCHEMA, a_deployment, a_version

MAP = FeatureMap(id="m1", feature="hum", scale=0.01, offset=0.0)


def mended(lifted: bool = False) -> Incident:
    repair = Repair(
        id="r", remedy=Remedy.INVERSE_MAP, subject="hum", map=MAP, applied=NOW, lifted=NOW if lifted else None
    )
    return Incident(
        id="demand-hum", model="demand", status=IncidentStatus.HELD, since=NOW, opened=NOW, subject="hum", findings=(),
        repair=repair,
    )  # fmt: skip


@pytest.mark.parametrize(("incident", "maps"), [(mended(), (MAP,)), (mended(lifted=True), ())])
def test_a_repair_is_in_place_again_for_a_version_that_has_the_column(home: Any, incident: Incident, maps: Any) -> None:
    narrow = replace(SCHEMA, features=SCHEMA.features[:1])
    deployment = a_deployment(["v1", "v2"], incidents=(incident,))
    operator = home([a_version("v1"), a_version("v2", 50, schema=narrow)], deployment)
    assert operator.rollback("demand", to=None, by="ann").served.maps == maps


def test_the_next_training_is_that_of_the_version(home: Any) -> None:
    first = a_version("v1")
    first = replace(first, lineage=replace(first.lineage, train="train.py:fit", source="/project", allow=("mine.Odd",)))
    operator = home([first, a_version("v2", 50)], a_deployment(["v1", "v2"], allow=("other.Odd",), source="/other"))
    back = operator.rollback("demand", to=None, by="ann")
    assert (back.train, back.source, back.allow) == ("train.py:fit", "/project", ("mine.Odd",))
    again = operator.rollback("demand", to="v2", by="ann")  # of which nothing is known: as it was
    assert (again.train, again.source, again.allow) == ("train.py:fit", "/project", ("mine.Odd",))


def test_nothing_changes_where_the_version_is_damaged_though_no_worker_runs(five: Operator) -> None:
    model = five.ports.bundles.folder("demand", "v4") / "m.joblib"
    model.chmod(0o644)
    model.write_bytes(b"v5" * 10_000)
    with pytest.raises(Corrupt, match=r"m\.joblib"):
        five.rollback("demand", to=None, by="ann")
    assert five.deployments("demand")[0].served.champion == "v5"
    assert five.ports.platform.live().models["demand"].champion == "v5"
