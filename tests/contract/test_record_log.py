"""What every record log does, on disk and in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.domain.cuts import with_described
from setpoint.domain.profile import Binning, ColumnProfile, Cuts, Profile, binning_of, profile_of
from setpoint.domain.record import EARLIEST_US, LATEST_US, InferenceRecord, Layout, Outcome, OutcomeReceipt, Role
from setpoint.domain.records import Records, moment
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.training_set import Recipe, SetSpec, Source
from setpoint.errors import InvalidInput, NotFound
from setpoint.ports import Recorder, RecordLog
from setpoint.store.log import DeltaRecordLog
from setpoint.store.memory import MemoryRecordLog
from setpoint.store.spool import Spool
from setpoint.update.sets.made import Ground, make_set

T0 = datetime(2011, 3, 1, 22, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEATURES = (
    Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True),
    Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True),
)
REGRESSION = Schema(features=FEATURES, target="cnt", task=Task.REGRESSION)
BINARY = Schema(features=FEATURES, target="y", task=Task.BINARY, classes=("no", "yes"))
RNG = np.random.default_rng(7)
CLEAR = {"temp": RNG.normal(size=500), "sky": np.array(["clear", "rain"] * 250, object)}
BINNING = binning_of(CLEAR, REGRESSION, RNG.normal(size=500))


@dataclass
class Kit:
    """A log and the recorder that feeds it."""

    log: RecordLog
    recorder: Recorder

    def fill(self, records: Sequence[InferenceRecord]) -> int:
        self.recorder.append(records)
        return self.log.ingest().records


@pytest.fixture(params=["delta", "memory"])
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kit]:
    if request.param == "memory":
        log = MemoryRecordLog()
        yield Kit(log, log)
    else:
        spool = Spool(tmp_path / "spool", "worker-0")
        disk = DeltaRecordLog(tmp_path)
        yield Kit(disk, spool)
        spool.close()
        disk.close()


@pytest.fixture
def demand(kit: Kit) -> Kit:
    kit.log.open_model("demand", REGRESSION, BINNING)
    return kit


def us(when: datetime) -> int:
    return int(when.timestamp()) * 1_000_000 + when.microsecond


def record(
    n: int,
    *,
    when: datetime | None = None,
    temp: float | None = 1.0,
    sky: str | None = "clear",
    role: Role = Role.CHAMPION,
    version: str = "v1",
    status: int = 200,
    maps: Sequence[str] = (),
    violations: Sequence[str] = (),
) -> InferenceRecord:
    """The n-th hour's request, of one row."""
    time = us(when or T0 + n * HOUR)
    ok = status == 200
    return InferenceRecord.named(
        request_id=f"r{n}",
        model="demand",
        version=version,
        role=role,
        arrived_us=time + 5,
        latency_us=100 + n,
        status=status,
        caller="test",
        ids=[f"i{n}"] if ok else [],
        times_us=[time] if ok else [],
        inputs={"temp": [temp], "sky": [sky]} if ok else {},
        outputs={"prediction": [float(n)]} if ok else {},
        violations=list(violations),
        maps=list(maps),
    )


def outcome(n: int, value: float | str | None, known: datetime, *, stated: bool = True) -> Outcome:
    return Outcome(id=f"i{n}", value=value, known_us=us(known), stated=stated)


def test_nothing_waits_once_it_is_in_the_log(demand: Kit) -> None:
    assert demand.recorder.lag_s() == 0
    demand.fill([record(0)])
    assert demand.recorder.lag_s() == 0
    demand.recorder.append([record(1)])
    assert 0 <= demand.recorder.lag_s() < 60


def test_what_was_appended_is_read_in_time_order(demand: Kit) -> None:
    assert demand.fill([record(n, maps=["m1", "m2"]) for n in (2, 0, 1)]) == 3
    rows = demand.log.read("demand")
    assert rows.id.tolist() == ["i0", "i1", "i2"]
    assert rows.time.dtype == np.dtype("datetime64[us]")
    assert rows.time[0] == np.datetime64("2011-03-01T22:00", "us")
    assert rows.score.tolist() == [0.0, 1.0, 2.0]
    assert rows.latency_us.tolist() == [100, 101, 102]
    assert rows.maps.tolist() == ["m1 m2"] * 3
    assert rows.inputs["temp"].dtype == np.float64
    assert rows.inputs["sky"].tolist() == ["clear"] * 3
    assert np.isnan(rows.outcome).all()
    assert np.isnat(rows.known).all()


def test_late_rows_take_their_place(demand: Kit) -> None:
    for n in (4, 0, 3, 1, 2):
        demand.fill([record(n)])
    assert demand.log.read("demand").id.tolist() == ["i0", "i1", "i2", "i3", "i4"]


def test_equal_times_are_ordered_by_arrival_then_id(demand: Kit) -> None:
    demand.fill([record(n, when=T0) for n in (3, 1)])
    demand.fill([record(2, when=T0)])
    assert demand.log.read("demand").id.tolist() == ["i1", "i2", "i3"]


def test_windows_are_half_open(demand: Kit) -> None:
    demand.fill([record(n) for n in range(5)])
    rows = demand.log.read("demand", since=T0 + HOUR, until=T0 + 3 * HOUR)
    assert rows.id.tolist() == ["i1", "i2"]


@pytest.mark.parametrize("far", [EARLIEST_US - 1, LATEST_US + 1, -(2**63), 2**64 - 1])
def test_a_time_that_no_date_can_be_made_of_becomes_the_arrival(demand: Kit, far: int) -> None:
    odd = msgspec.structs.replace(record(1), times_us=[far])
    two = msgspec.structs.replace(
        record(2),
        ids=["a", "b"],
        times_us=[us(T0 + HOUR), far],
        inputs=[[1.0, 2.0], ["clear", "rain"]],
        outputs=[[1.0, 2.0]],
    )
    assert demand.fill([record(0), odd, two, record(3)]) == 4
    times = {row["id"]: us(row["time"]) for row in demand.log.table("demand").to_pylist()}
    expected = {"i0": us(T0), "i1": odd.arrived_us, "a": us(T0 + HOUR), "b": two.arrived_us, "i3": us(T0 + 3 * HOUR)}
    assert times == expected


@pytest.mark.parametrize(("came", "nearest"), [(-(2**63), EARLIEST_US), (2**64 - 1, LATEST_US)])
def test_an_arrival_that_no_date_can_be_made_of_becomes_the_nearest(demand: Kit, came: int, nearest: int) -> None:
    demand.fill([msgspec.structs.replace(r, arrived_us=came) for r in (record(0), record(1, status=422))])
    rows = {row["request_id"]: row for row in demand.log.table("demand").to_pylist()}
    assert {us(row["arrived"]) for row in rows.values()} == {nearest}
    assert [us(rows[name]["time"]) for name in ("r0", "r1")] == [us(T0), nearest]


def test_an_empty_window_has_the_columns(demand: Kit) -> None:
    rows = demand.log.read("demand")
    assert len(rows) == 0
    assert set(rows.inputs) == {"temp", "sky"}
    assert len(rows.labelled) == 0


def test_reading_further_back_later_finds_everything(demand: Kit) -> None:
    demand.fill([record(n) for n in range(100)])
    assert len(demand.log.read("demand", since=T0 + 90 * HOUR)) == 10
    assert len(demand.log.read("demand", since=T0 + 40 * HOUR)) == 60
    assert len(demand.log.read("demand")) == 100


def test_a_reader_cannot_change_the_log(demand: Kit) -> None:
    demand.fill([record(n) for n in range(3)])
    demand.log.read("demand").score[:] = -1.0
    assert demand.log.read("demand").score.tolist() == [0.0, 1.0, 2.0]


def test_roles_and_versions_are_read_apart(demand: Kit) -> None:
    demand.fill([record(0), record(0, role=Role.SHADOW, version="v2"), record(1, version="v3")])
    assert demand.log.read("demand").version.tolist() == ["v1", "v3"]
    assert demand.log.read("demand", role=Role.SHADOW).version.tolist() == ["v2"]
    assert demand.log.read("demand", version="v3").id.tolist() == ["i1"]


def test_what_challengers_answered_is_read_by_their_role_and_counted_for_no_champion(demand: Kit) -> None:
    demand.fill([record(0), record(1, role=Role.CHALLENGER, version="v2"), record(2)])
    assert demand.log.read("demand").id.tolist() == ["i0", "i2"]
    assert demand.log.read("demand", role=Role.CHALLENGER).version.tolist() == ["v2"]
    assert demand.log.table("demand")["role"].to_pylist() == ["champion", "challenger", "champion"]


def test_refused_requests_are_counted_and_not_read(demand: Kit) -> None:
    bad = [record(n, status=422, violations=["missing:temp"]) for n in (1, 2)]
    demand.fill([record(0), *bad, record(3, violations=["range:temp"])])
    assert len(demand.log.read("demand")) == 2
    assert demand.log.refused("demand", T0, T0 + 9 * HOUR) == {"": 4, "missing:temp": 2}
    assert demand.log.refused("demand", T0, T0 + 2 * HOUR) == {"": 2, "missing:temp": 1}


def test_nulls_stay_nulls(demand: Kit) -> None:
    demand.fill([record(0, temp=None, sky=None)])
    rows = demand.log.read("demand")
    assert np.isnan(rows.inputs["temp"][0])
    assert rows.inputs["sky"][0] is None


def test_outcomes_join_as_of(demand: Kit) -> None:
    demand.fill([record(n) for n in range(3)])
    receipt = demand.log.add_outcomes("demand", [outcome(0, 7, T0 + HOUR), outcome(1, 8.5, T0 + 5 * HOUR)])
    assert (receipt.received, receipt.recorded, receipt.unknown) == (2, 2, 0)
    all_known = demand.log.read("demand")
    assert all_known.outcome[:2].tolist() == [7.0, 8.5]
    assert all_known.known[0] == np.datetime64("2011-03-01T23:00", "us")
    assert len(demand.log.read("demand", as_of=T0 + 2 * HOUR).labelled) == 1
    assert len(demand.log.read("demand", as_of=T0).labelled) == 0


def test_a_repeated_outcome_is_dropped(demand: Kit) -> None:
    demand.fill([record(0)])
    demand.log.add_outcomes("demand", [outcome(0, 7, T0 + HOUR)])
    again = [outcome(0, 7.0, T0 + 2 * HOUR, stated=False), outcome(0, 7, T0 + HOUR)]
    receipt = demand.log.add_outcomes("demand", again)
    assert (receipt.recorded, receipt.repeated, receipt.corrected) == (0, 2, 0)
    assert demand.log.read("demand").known[0] == np.datetime64("2011-03-01T23:00", "us")


def test_a_training_set_as_of_a_time_is_the_same_whatever_comes_later(demand: Kit) -> None:
    """Late outcomes, corrections, repeats, and later rows."""

    def made() -> Recipe:
        until, as_of = T0 + 20 * HOUR, T0 + 30 * HOUR
        source = Source(model="demand", reference="v1", champion="v1", until=until, as_of=as_of)
        reference = pa.table({"temp": [1.0], "sky": ["clear"], "cnt": [1.0]})
        rows = demand.log.read("demand", until=until, as_of=as_of)
        return make_set(Ground(table=reference), rows, REGRESSION, source, SetSpec(rows=0)).recipe

    demand.fill([record(n, temp=float(n)) for n in range(24)])
    told = [outcome(n, float(n), T0 + (n + 2) * HOUR) for n in range(24)]
    demand.log.add_outcomes("demand", [*told, outcome(3, 33.0, T0 + 25 * HOUR)])
    before = made()
    assert before.rows == 21
    demand.log.add_outcomes("demand", [outcome(n, 99.0, T0 + (31 + n) * HOUR) for n in range(10)])
    demand.log.add_outcomes("demand", told)
    demand.fill([record(n, temp=float(n)) for n in range(24, 30)])
    demand.log.add_outcomes("demand", [outcome(19, 5.0, T0 + 31 * HOUR)])
    assert made() == before


def test_what_is_confirmed_later_outlasts_what_was_known_before(demand: Kit) -> None:
    """Told out of order: 7, still 7 at the fifth hour, and only then that it was 8 at the third."""
    demand.fill([record(0)])
    for value, hour in [(7, 1), (7, 5), (8, 3)]:
        demand.log.add_outcomes("demand", [outcome(0, value, T0 + hour * HOUR)])
    told = [demand.log.read("demand", as_of=T0 + hour * HOUR).outcome[0] for hour in (1, 3, 5)]
    assert told == [7.0, 8.0, 7.0]


@settings(max_examples=200)
@given(told=st.lists(st.tuples(st.integers(0, 6), st.sampled_from([1.0, 2.0])), max_size=7), as_of=st.integers(0, 6))
def test_the_value_at_a_time_is_the_last_known_by_then_in_whatever_order_it_was_told(
    told: list[tuple[int, float]], as_of: int
) -> None:
    log = MemoryRecordLog()
    log.open_model("demand", REGRESSION, BINNING)
    log.append([record(0, when=T0 - HOUR)])
    log.ingest()
    for known, value in told:
        log.add_outcomes("demand", [outcome(0, value, T0 + known * HOUR)])
    found = log.read("demand", as_of=T0 + as_of * HOUR)
    first_told = dict.fromkeys(told)  # what is told once more, after a correction too, is a retry
    by_then = [(known, n, value) for n, (known, value) in enumerate(first_told) if known <= as_of]
    if not by_then:
        assert np.isnan(found.outcome[0])
        return
    assert found.outcome[0] == max(by_then)[2]
    others = [known for known, _, value in by_then if value != found.outcome[0]]
    assert not others or moment(found.known[0]) >= T0 + max(others) * HOUR


DAY = 24 * HOUR


def test_an_id_that_comes_again_has_an_outcome_a_day_whatever_the_window(demand: Kit) -> None:
    def again(day: int) -> None:
        demand.fill([msgspec.structs.replace(record(0, when=T0 + day * DAY), ids=["customer"])])

    def told(value: float, hour: int) -> OutcomeReceipt:
        known = us(T0 + hour * HOUR)
        return demand.log.add_outcomes("demand", [Outcome(id="customer", value=value, known_us=known, stated=False)])

    again(0)
    assert told(5.0, 20).recorded == 1
    again(2)
    assert np.isnan(demand.log.read("demand", since=T0 + DAY).outcome).all()
    assert told(5.0, 60).recorded == 1
    assert told(5.0, 61).repeated == 1
    assert demand.log.read("demand", since=T0 + DAY).outcome.tolist() == [5.0]
    assert told(6.0, 90).corrected == 1
    again(4)
    outcomes = [demand.log.read("demand", since=T0 + n * DAY, until=T0 + (n + 1) * DAY).outcome for n in (0, 2, 4)]
    np.testing.assert_array_equal(np.concatenate(outcomes), [6.0, 6.0, np.nan])
    np.testing.assert_array_equal(demand.log.read("demand").outcome, [6.0, 6.0, np.nan])
    assert demand.log.table("demand")["outcome"].to_pylist() == [6.0, 6.0, None]


def test_a_correction_counts_from_when_it_was_known(demand: Kit) -> None:
    demand.fill([record(0)])
    demand.log.add_outcomes("demand", [outcome(0, 7, T0 + HOUR)])
    receipt = demand.log.add_outcomes("demand", [outcome(0, 9, T0 + 3 * HOUR)])
    assert (receipt.recorded, receipt.corrected) == (1, 1)
    assert demand.log.read("demand", as_of=T0 + 2 * HOUR).outcome.tolist() == [7.0]
    assert demand.log.read("demand").outcome.tolist() == [9.0]
    back = demand.log.add_outcomes("demand", [outcome(0, 7, T0 + 4 * HOUR)])
    assert back.corrected == 1
    assert demand.log.read("demand").outcome.tolist() == [7.0]


def test_an_outcome_of_an_unknown_id_waits_for_its_prediction(demand: Kit) -> None:
    receipt = demand.log.add_outcomes("demand", [outcome(n, 1, T0) for n in range(7)])
    assert receipt.unknown == 7
    assert receipt.unknown_examples == ("i0", "i1", "i2", "i3", "i4")
    demand.fill([record(3)])
    assert demand.log.read("demand").outcome.tolist() == [1.0]
    assert demand.log.add_outcomes("demand", [outcome(3, 1, T0)]).unknown == 0


def test_outcomes_through_the_recorder_get_the_same_treatment(demand: Kit) -> None:
    demand.recorder.append([record(0)])
    demand.recorder.append_outcomes("demand", [outcome(0, 7, T0 + HOUR), outcome(0, 7, T0 + 2 * HOUR, stated=False)])
    moved = demand.log.ingest()
    assert (moved.records, moved.outcomes) == (1, 2)
    rows = demand.log.read("demand")
    assert rows.outcome.tolist() == [7.0]
    assert rows.known[0] == np.datetime64("2011-03-01T23:00", "us")


def test_an_outcome_that_is_no_number_is_refused(demand: Kit) -> None:
    with pytest.raises(InvalidInput, match=r"id 'i0' is 'many'; 'cnt' must be a finite number"):
        demand.log.add_outcomes("demand", [outcome(0, "many", T0)])


def test_binary_outcomes_are_compared_with_the_second_class(kit: Kit) -> None:
    cuts = {name: c for name, c in BINNING.columns.items() if name != "prediction"}
    binning = Binning(columns={**cuts, "probability": Cuts(kind=Kind.NUMERIC, edges=(0.0, 0.5, 1.0))})
    kit.log.open_model("demand", BINARY, binning)
    answer = {"label": ["yes"], "probability": [0.75]}
    kit.fill([msg_replace(record(n), outputs=answer) for n in range(3)])
    kit.log.add_outcomes("demand", [outcome(0, "yes", T0), outcome(1, "no", T0)])
    rows = kit.log.read("demand")
    assert rows.score.tolist() == [0.75] * 3
    assert rows.outcome[:2].tolist() == [1.0, 0.0]
    assert np.isnan(rows.outcome[2])
    table = kit.log.table("demand")
    assert table["outcome"].to_pylist() == ["yes", "no", None]
    assert table["outputs"][0].as_py() == {"label": "yes", "probability": 0.75}
    with pytest.raises(InvalidInput, match="must be 'no' or 'yes'"):
        kit.log.add_outcomes("demand", [outcome(0, "maybe", T0)])


def test_of_several_classes_the_outcome_says_whether_the_label_was_right(kit: Kit) -> None:
    schema = Schema(features=FEATURES, target="y", task=Task.MULTICLASS, classes=("cat", "dog", "owl"))
    kit.log.open_model("demand", schema, binning_of(CLEAR, schema, RNG.random(500)))
    answer = {"label": ["owl"], "probability": [0.7], "probability_cat": [0.1], "probability_dog": [0.2],
              "probability_owl": [0.7]}  # fmt: skip
    kit.fill([msg_replace(record(n), outputs=answer) for n in range(3)])
    kit.log.add_outcomes("demand", [outcome(0, "owl", T0), outcome(1, "dog", T0)])
    rows = kit.log.read("demand")
    assert rows.outcome[:2].tolist() == [1.0, 0.0]
    assert np.isnan(rows.outcome[2])
    assert rows.truth[:2].tolist() == [2.0, 1.0]
    assert rows.classes.certainty[:2].tolist() == [0.7, 0.2]
    assert kit.log.table("demand")["outcome"].to_pylist() == ["owl", "dog", None]
    assert kit.log.profile("demand", T0 - HOUR, T0 + 5 * HOUR).columns["label"].levels == {"owl": 3}
    receipt = kit.log.add_outcomes("demand", [outcome(1, "owl", T0 + 9 * HOUR)])
    assert receipt.corrected == 1
    assert kit.log.read("demand").outcome[:2].tolist() == [1.0, 1.0]
    assert kit.log.read("demand", as_of=T0 + 8 * HOUR).outcome[:2].tolist() == [1.0, 0.0]
    with pytest.raises(InvalidInput, match="must be one of 'cat', 'dog', 'owl'"):
        kit.log.add_outcomes("demand", [outcome(0, "cow", T0)])
    assert len(kit.log.read("demand", until=T0 - 900 * HOUR).classes.truth) == 0


def msg_replace(r: InferenceRecord, outputs: dict[str, list[float | int | str | bool | None]]) -> InferenceRecord:
    layout = Layout(r.layout.inputs, tuple(outputs))
    return msgspec.structs.replace(r, layout=layout, outputs=[*outputs.values()])


def test_the_table_shows_everything(demand: Kit) -> None:
    shadow = record(0, role=Role.SHADOW, version="v2")
    demand.fill([record(1), record(0), shadow, record(2, status=422, violations=["type:temp"])])
    demand.log.add_outcomes("demand", [outcome(1, 3, T0)])
    table = demand.log.table("demand")
    assert table["request_id"].to_pylist() == ["r0", "r0", "r1", "r2"]
    assert table["status"].to_pylist() == [200, 200, 200, 422]
    assert table["outcome"].to_pylist() == [None, None, 3.0, None]
    assert table["inputs"][2].as_py() == {"temp": 1.0, "sky": "clear"}
    assert table["violations"][3].as_py() == ["type:temp"]
    assert table["id"][3].as_py() is None
    assert demand.log.table("demand", version="v2")["role"].to_pylist() == ["shadow"]
    assert demand.log.table("demand", ids=["i1"]).num_rows == 1
    assert demand.log.table("demand", limit=2).num_rows == 2
    assert demand.log.table("demand", where="role == 'shadow'")["version"].to_pylist() == ["v2"]
    assert demand.log.table("demand", where="role == 'champion' and status == 200", limit=1)["id"].to_pylist() == ["i1"]
    assert demand.log.table("demand", since=T0 + HOUR, until=T0 + 2 * HOUR)["id"].to_pylist() == ["i1"]


def test_a_request_of_many_rows_is_as_many_records(demand: Kit) -> None:
    many = InferenceRecord.named(
        request_id="r",
        model="demand",
        version="v1",
        role="champion",
        arrived_us=us(T0),
        latency_us=9,
        status=200,
        caller="",
        ids=["b", "a"],
        times_us=[us(T0 + HOUR), us(T0)],
        inputs={"temp": [1, True], "sky": ["rain", None]},
        outputs={"prediction": [1.0, 2.0]},
        violations=["range:temp"],
    )
    demand.fill([many])
    assert demand.log.read("demand").id.tolist() == ["a", "b"]
    assert demand.log.table("demand")["row"].to_pylist() == [1, 0]
    assert demand.log.refused("demand", T0, T0 + 2 * HOUR) == {"": 1}  # it was answered


def test_the_profile_of_a_window_is_that_of_its_rows(demand: Kit) -> None:
    temps = [None, *RNG.normal(size=99).tolist()]
    demand.fill([record(n, temp=t, sky="rain" if n % 3 else None) for n, t in enumerate(temps)])
    demand.fill([record(5, role=Role.SHADOW, version="v9"), record(6, status=422)])
    since, until = T0 + 10 * HOUR, T0 + 60 * HOUR
    rows = demand.log.read("demand", since=since, until=until)
    same_profile(demand.log.profile("demand", since, until), expected(rows))
    same_profile(demand.log.profile("demand", T0, until), expected(demand.log.read("demand", until=until)))
    assert demand.log.profile("demand", since, until, version="v9").rows == 0
    assert demand.log.profile("demand", since, until, version="v1").rows == 50
    assert demand.log.profile("demand", T0, until, role=Role.SHADOW).rows == 1
    assert demand.log.profile("demand", T0, until, role=Role.SHADOW, version="v1").rows == 0


DESCRIBE = """
def describe(frame):
    if (frame["temp"] > 50).any():
        raise ValueError("too hot to describe")
    return {"warm": (frame["temp"] > 0).astype(float), "sky": frame["sky"].str.upper()}
"""


def test_what_a_users_function_says_of_inputs_is_counted_and_its_failures_cost_nothing(
    kit: Kit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "features.py").write_text(DESCRIBE)
    described = {"describe.warm": np.array([0.0, 1.0]), "describe.sky": np.array(["CLEAR", "RAIN"], object)}
    binning = with_described(BINNING, f"{tmp_path / 'features.py'}:describe", described)
    kit.log.open_model("demand", REGRESSION, binning)
    kit.fill([record(n, temp=n - 2.0) for n in range(5)])
    columns = kit.log.profile("demand", T0, T0 + 10 * HOUR).columns
    assert columns["describe.warm"].mean == pytest.approx(2 / 5)
    assert columns["describe.sky"].levels == {"CLEAR": 5}
    kit.fill([record(20, temp=99.0)])
    assert len(kit.log.read("demand")) == 6
    later = kit.log.profile("demand", T0 + 20 * HOUR, T0 + 30 * HOUR).columns
    assert (later["describe.warm"].nulls, later["temp"].rows) == (1, 1)
    assert "too hot to describe" in caplog.text


def test_a_segment_has_a_profile_of_its_own(kit: Kit) -> None:
    reference = {"temp": RNG.normal(size=500), "sky": np.array(["clear", "rain"] * 250, object)}
    kit.log.open_model("demand", REGRESSION, binning_of(reference, REGRESSION, RNG.normal(size=500), ["sky"]))
    kit.fill([record(n, sky=("clear", "rain", "fog", None)[n % 4]) for n in range(40)])
    rows = {
        segment: kit.log.profile("demand", T0, T0 + 40 * HOUR, segment=segment).rows
        for segment in ("", "sky=clear", "sky=other", "sky is null", "sky=hail")
    }
    assert rows == {"": 40, "sky=clear": 10, "sky=other": 10, "sky is null": 10, "sky=hail": 0}


@pytest.mark.parametrize(
    ("since", "every"), [(0, HOUR), (0, 24 * HOUR), (0, 7 * HOUR), (0.5, HOUR), (3, timedelta(minutes=90)), (40, HOUR)]
)
def test_a_series_holds_the_profile_of_each_stretch(demand: Kit, since: float, every: timedelta) -> None:
    demand.fill([record(n, temp=t) for n, t in enumerate(RNG.normal(size=30).tolist())])
    first, until = T0 + since * HOUR, T0 + 33.25 * HOUR
    series = demand.log.series("demand", first, until, every)[""]
    assert len(series) == max(-((first - until) // every), 0)
    for at in range(len(series)):
        stop = min(first + (at + 1) * every, until)
        same_profile(series.take(slice(at, at + 1)).profile(), demand.log.profile("demand", first + at * every, stop))


def test_a_series_is_of_the_segments_version_and_role_asked_for(kit: Kit) -> None:
    reference = {"temp": RNG.normal(size=500), "sky": np.array(["clear", "rain"] * 250, object)}
    kit.log.open_model("demand", REGRESSION, binning_of(reference, REGRESSION, RNG.normal(size=500), ["sky"]))
    kit.fill([record(n, sky=("clear", "rain", "fog")[n % 3]) for n in range(30)])
    window = ("demand", T0, T0 + 30 * HOUR, 10 * HOUR)
    found = kit.log.series(*window, segments=["sky=rain", "", "sky=hail"])
    rows = {segment: series.rows.tolist() for segment, series in found.items()}
    assert rows == {"sky=rain": [3, 4, 3], "": [10, 10, 10], "sky=hail": [0, 0, 0]}
    assert kit.log.series(*window, version="v9")[""].rows.sum() == 0
    assert kit.log.series(*window, role=Role.SHADOW)[""].rows.sum() == 0


def test_a_series_of_seconds_is_refused(demand: Kit) -> None:
    with pytest.raises(InvalidInput, match="by the minute"):
        demand.log.series("demand", T0, T0 + HOUR, timedelta(seconds=30))


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def recorded_ids(kit: Kit) -> list[str | None]:
    ids: list[str | None] = kit.log.table("demand")["id"].to_pylist()
    return ids


def test_days_before_a_time_expire_with_outcomes_and_profile(demand: Kit) -> None:
    demand.fill([record(n) for n in range(60)])
    demand.log.add_outcomes("demand", [outcome(n, 1.0, T0) for n in range(60)])
    gone = demand.log.expire("demand", before=T0 + 30 * HOUR)
    assert [str(day) for day in gone.days] == ["2011-03-01", "2011-03-02"]
    assert gone.rows == 26
    assert gone.bytes > 0
    assert recorded_ids(demand) == [f"i{n}" for n in range(26, 60)]
    assert demand.log.profile("demand", T0, T0 + 60 * HOUR).rows == 34
    assert len(demand.log.read("demand").labelled) == 34
    assert demand.log.expire("demand", before=T0 + 30 * HOUR).days == ()
    again = demand.log.add_outcomes("demand", [outcome(0, 2.0, T0), outcome(59, 1.0, T0)])
    assert (again.unknown, again.repeated, again.corrected) == (1, 1, 0)


def test_the_oldest_days_expire_beyond_a_size_but_never_the_latest(demand: Kit) -> None:
    demand.fill([record(n) for n in range(60)])
    assert demand.log.expire("demand", at_most_bytes=10**9).days == ()
    gone = demand.log.expire("demand", at_most_bytes=1)
    assert [str(day) for day in gone.days] == ["2011-03-01", "2011-03-02", "2011-03-03"]
    assert recorded_ids(demand) == [f"i{n}" for n in range(50, 60)]


def test_an_erasure_leaves_nothing_of_its_ids_and_a_receipt(demand: Kit) -> None:
    demand.fill([record(n, temp=float(n)) for n in range(60)])
    demand.fill([record(3, role=Role.SHADOW, version="v9")])
    demand.log.add_outcomes("demand", [outcome(n, 1.0, T0) for n in range(60)])
    receipt = demand.log.erase("demand", ids=["i3", "i40", "nobody's"], by="test", now=NOW)
    assert (receipt.rows, receipt.outcomes, receipt.ids, len(receipt.days)) == (3, 2, 3, 2)
    assert receipt.done is not None
    left = demand.log.read("demand")
    assert left.id.tolist() == [f"i{n}" for n in range(60) if n not in (3, 40)]
    assert len(left.labelled) == 58
    same_profile(demand.log.profile("demand", T0, T0 + 60 * HOUR), expected(left))
    assert demand.log.profile("demand", T0, T0 + 60 * HOUR, role=Role.SHADOW).rows == 0
    assert demand.log.erasures("demand") == [receipt]
    assert "i40" not in str(receipt)
    assert demand.log.add_outcomes("demand", [outcome(3, 1.0, T0)]).unknown == 1


def test_rows_of_a_condition_are_erased_refused_requests_among_them(demand: Kit) -> None:
    demand.fill([record(0, sky="rain"), record(1), record(2, status=422), record(3, sky="rain")])
    receipt = demand.log.erase("demand", where="sky == 'rain' or status == 422", by="test", now=NOW)
    assert (receipt.rows, receipt.ids) == (3, 2)
    assert recorded_ids(demand) == ["i1"]
    with pytest.raises(InvalidInput, match="no column"):
        demand.log.erase("demand", where="skies == 'rain'", by="test", now=NOW)


def test_the_id_of_a_request_erases_what_has_no_other_id(kit: Kit) -> None:
    kit.log.open_model("demand", REGRESSION, BINNING)
    two = msgspec.structs.replace(
        record(1), ids=["r1/0", "r1/1"], times_us=[us(T0)] * 2, inputs=[[1.0, 2.0], ["a", "b"]]
    )
    kit.fill(
        [record(0, status=422), msgspec.structs.replace(two, outputs=[[1.0, 2.0]]), record(2), record(2, temp=7.0)]
    )
    assert kit.log.erase("demand", ids=["r0", "r1"], by="test", now=NOW).rows == 3
    assert kit.log.erase("demand", ids=["r2"], by="test", now=NOW).rows == 0
    assert recorded_ids(kit) == ["i2", "i2"]


def test_erased_ids_are_known_again_and_named_nowhere(demand: Kit) -> None:
    demand.fill([record(n, sky="rain" if n == 2 else "clear") for n in range(4)])
    ids = np.array(["i1", "i2", "i3", None], object)
    assert not demand.log.erased("demand").among(ids).any()
    demand.log.erase("demand", ids=["i1"], by="test", now=NOW)
    demand.log.erase("demand", where="sky == 'rain'", by="test", now=NOW)
    assert demand.log.erased("demand").among(ids).tolist() == [True, True, False, False]


def test_the_receipt_names_who_learnt_from_the_ids_or_may_have(demand: Kit) -> None:
    demand.fill([record(n) for n in range(60)])
    asked: list[tuple[str, ...]] = []

    def learnt_from(ids: Sequence[str]) -> tuple[str, ...]:
        asked.append(tuple(ids))
        return ("v4", "v2")

    days = {"v1": T0.date() - timedelta(days=2), "v2": T0.date(), "v3": T0.date() + timedelta(days=2)}
    receipt = demand.log.erase("demand", ids=["i3"], by="test", now=NOW, learnt=days, learnt_from=learnt_from)
    assert receipt.learnt == ("v4", "v2", "v3")
    assert asked == [("i3",)]


def test_an_erasure_of_nobody_is_a_receipt_too(demand: Kit) -> None:
    demand.fill([record(0)])
    receipt = demand.log.erase("demand", ids=["i'; drop"], by="test", now=NOW)
    assert (receipt.rows, receipt.outcomes) == (0, 0)
    assert recorded_ids(demand) == ["i0"]


def expected(rows: Records) -> Profile:
    return profile_of({**rows.inputs, "prediction": rows.score}, BINNING)


def same_profile(one: Profile, other: Profile) -> None:
    assert set(one.columns) == set(other.columns)
    for name, column in one.columns.items():
        same_column(column, other.columns[name])


def same_column(one: ColumnProfile, other: ColumnProfile) -> None:
    assert one.bins.tolist() == other.bins.tolist()
    assert (one.levels, one.nulls, one.low, one.high) == (other.levels, other.nulls, other.low, other.high)
    assert one.total == pytest.approx(other.total, rel=1e-9, abs=1e-9)
    assert one.squares == pytest.approx(other.squares, rel=1e-9)


def test_an_unknown_model_is_named_with_those_there_are(demand: Kit) -> None:
    with pytest.raises(NotFound, match="'demnd'; there are: demand"):
        demand.log.read("demnd")


def test_opening_again_changes_nothing(demand: Kit) -> None:
    demand.fill([record(0)])
    demand.log.open_model("demand", REGRESSION, BINNING)
    assert len(demand.log.read("demand")) == 1


WIND = Feature(name="wind", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True)
TEXT_TEMP = Feature(name="temp", kind=Kind.CATEGORICAL, dtype=DType.STRING)
OTHER_TEMP = Feature(name="Temp", kind=Kind.NUMERIC, dtype=DType.FLOAT)


def test_a_version_may_add_and_drop_columns(demand: Kit) -> None:
    demand.fill([record(n, temp=float(n), sky="rain") for n in range(3)])
    wider = Schema(features=(FEATURES[0], WIND), target="cnt", task=Task.REGRESSION)
    winds = {"temp": RNG.normal(size=500), "wind": np.arange(500.0)}
    demand.log.open_model("demand", wider, binning_of(winds, wider, RNG.normal(size=500)))
    layout = Layout(("temp", "wind"), ("prediction",))
    new = [
        msgspec.structs.replace(record(n, version="v2"), layout=layout, inputs=[[float(n)], [n + 0.5]])
        for n in range(3, 6)
    ]
    demand.fill([*new, record(6, temp=6.0, sky="clear")])
    rows = demand.log.read("demand")
    assert rows.inputs["temp"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert rows.inputs["sky"].tolist() == ["rain"] * 3 + [None] * 3 + ["clear"]
    np.testing.assert_array_equal(rows.inputs["wind"], [np.nan] * 3 + [3.5, 4.5, 5.5, np.nan])
    assert demand.log.table("demand", where="wind > 4").num_rows == 2
    columns = demand.log.profile("demand", T0, T0 + 10 * HOUR, version="v2").columns
    assert (columns["wind"].filled, columns["wind"].mean) == (3, 4.5)
    assert demand.log.profile("demand", T0, T0 + 10 * HOUR).columns["temp"].filled == 7
    demand.log.open_model("demand", REGRESSION, BINNING)  # the former version again
    assert demand.log.read("demand").inputs.keys() == {"temp", "sky", "wind"}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (Schema(features=FEATURES[::-1], target="cnt", task=Task.REGRESSION), "in another order; who sends rows as"),
        (Schema(features=(TEXT_TEMP,), target="cnt", task=Task.REGRESSION), "is recorded as numeric, and categorical"),
        (BINARY, "of task regression with target 'cnt'"),
        (
            Schema(features=(OTHER_TEMP,), target="cnt", task=Task.REGRESSION),
            "have a column 'temp', this version has 'T",
        ),
    ],
    ids=["in another order", "of another kind", "of another task", "equal but for case"],
)
def test_other_columns_need_another_name(demand: Kit, schema: Schema, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        demand.log.open_model("demand", schema, BINNING)


def test_models_are_kept_apart(demand: Kit) -> None:
    demand.log.open_model("other", REGRESSION, BINNING)
    demand.fill([record(0)])
    assert len(demand.log.read("other")) == 0


@pytest.mark.parametrize("sizes", [(50,), (1, 49), (10, 0, 30, 10), (1,) * 50])
def test_any_split_over_ingests_gives_the_same(demand: Kit, sizes: Sequence[int]) -> None:
    records = iter([record(n, temp=float(n % 7), sky=("rain", "clear")[n % 2]) for n in range(50)])
    for size in sizes:
        demand.fill([next(records) for _ in range(size)])
    rows = demand.log.read("demand")
    assert rows.id.tolist() == [f"i{n}" for n in range(50)]
    same_profile(demand.log.profile("demand", T0, T0 + 50 * HOUR), expected(rows))
