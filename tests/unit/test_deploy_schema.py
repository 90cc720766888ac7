"""What a schema says of a reference table, and what it refuses."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from setpoint.deploy.importers import framework_of
from setpoint.deploy.reference import features_of, read_reference, target_of
from setpoint.deploy.schema import infer_schema
from setpoint.domain.schema import DType, Kind, Task
from setpoint.errors import InvalidInput

N = 40


def a_table(**extra: object) -> pa.Table:
    columns = {
        "id": [f"r{i}" for i in range(N)],
        "at": [datetime(2024, 1, 1) + timedelta(hours=i) for i in range(N)],  # noqa: DTZ001
        "hr": [i % 24 for i in range(N)],
        "temp": [None if i == 3 else i / N for i in range(N)],
        "holiday": [i % 7 == 0 for i in range(N)],
        "sky": [("clear", "rain", None)[i % 3] for i in range(N)],
        "cnt": list(range(N)),
        "won": ["yes" if i % 3 else "no" for i in range(N)],
    }
    return pa.table({**columns, **extra})


def regression(table: pa.Table, **other: object):
    return infer_schema(table, **{"target": "cnt", "task": Task.REGRESSION, "time": "at", "id": "id", **other})


def test_features_are_described_in_the_table_s_order() -> None:
    schema = regression(a_table().drop(["won"]))
    assert schema.names == ("hr", "temp", "holiday", "sky")
    hr, temp, holiday, sky = schema.features
    assert (hr.kind, hr.dtype, hr.nullable, hr.low, hr.high) == (Kind.NUMERIC, DType.INT, False, 0, 23)
    assert (temp.dtype, temp.nullable, temp.high) == (DType.FLOAT, True, 39 / N)
    assert (holiday.kind, holiday.dtype) == (Kind.NUMERIC, DType.BOOL)
    assert (sky.kind, sky.dtype, sky.nullable, sky.levels) == (Kind.CATEGORICAL, DType.STRING, True, ("clear", "rain"))


def test_the_model_s_own_order_wins() -> None:
    assert regression(a_table(), model_features=["sky", "hr"]).names == ("sky", "hr")


def test_classes_are_the_model_s_or_sorted() -> None:
    table = a_table()
    assert infer_schema(table, target="won", task=Task.BINARY, model_features=["hr"]).classes == ("no", "yes")
    assert infer_schema(
        table, target="won", task=Task.BINARY, model_features=["hr"], classes=("yes", "no")
    ).classes == ("yes", "no")
    numbers = a_table(won=[i % 2 for i in range(N)])
    assert infer_schema(numbers, target="won", task=Task.BINARY, time="at").classes == (0, 1)


def test_dictionary_columns_are_categorical() -> None:
    table = a_table(sky=pa.array([("b", "a")[i % 2] for i in range(N)]).dictionary_encode())
    schema = regression(table, model_features=["sky"])
    assert schema.features[0].levels == ("a", "b")
    assert features_of(table, schema.features)["sky"][0] == "b"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": "count"}, "no column 'count' (`target:`); did you mean 'cnt'?; it has id, at"),
        ({"time": "att"}, "no column 'att' (`time:`); did you mean 'at'?"),
        ({"model_features": ["hr", "tmp"]}, "lacks 'tmp'; did you mean 'temp'?"),
        ({"model_features": ["hr", "cnt"]}, "takes the target 'cnt' as an input"),
        (
            {"model_features": ["Hr", "hr"]},
            "features 'Hr' and 'hr' are equal but for case, and the tables of the",
        ),
        ({"model_features": ["hr", "te\0mp"]}, "feature 'te\\x00mp' holds a NUL character"),
        ({"width": 3}, "takes 3 inputs without names, and the reference offers 5: hr, temp, holiday, sky, won"),
        ({"target": "won"}, "needs a numeric target; 'won' holds string, such as 'no'"),
        ({"time": None}, "column 'at' of the reference holds timestamp[us] (such as 2024-01-01 00:00:00)"),
        ({"target": "hr", "task": Task.BINARY}, "the reference has 24: 0, 1, 10"),
        ({"target": "won", "task": Task.BINARY, "classes": (0, 1)}, "the model's classes are [0, 1], those of target"),
    ],
)
def test_what_does_not_fit_is_said(change: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        regression(a_table(), **change)
    assert said in str(caught.value)


def test_columns_of_a_reference_that_a_table_takes_for_one_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"features 'sky' and 'SKY' are equal but for case.*rename one in the data"):
        regression(a_table(SKY=["x"] * N))
    assert regression(a_table(HR=["x"] * N), model_features=["hr", "sky"]).names == ("hr", "sky")


def test_an_empty_column_and_a_short_table_are_refused() -> None:
    with pytest.raises(InvalidInput, match="column 'void' of the reference is empty"):
        regression(a_table(void=pa.nulls(N)))
    with pytest.raises(InvalidInput, match="has 10 rows; at least 30"):
        regression(a_table().slice(0, 10))


def test_columns_and_target_become_arrays() -> None:
    table = a_table()
    schema = infer_schema(
        table, target="won", task=Task.BINARY, time="at", id="id", model_features=["temp", "holiday", "sky"]
    )
    columns = features_of(table, schema.features)
    assert np.isnan(columns["temp"][3])
    assert columns["holiday"].dtype == np.float64
    assert columns["sky"].tolist()[:3] == ["clear", "rain", None]
    assert target_of(table, schema).tolist()[:4] == [0.0, 1.0, 1.0, 0.0]


def test_references_are_read_or_refused(tmp_path) -> None:
    pq.write_table(a_table(), tmp_path / "r.parquet")
    assert read_reference(tmp_path / "r.parquet").num_rows == N
    (tmp_path / "r.csv").write_text("a,b\n1,x\n2,y\n")
    assert read_reference(tmp_path / "r.csv").column_names == ["a", "b"]
    (tmp_path / "bad.parquet").write_text("no")
    for name, said in [("none.csv", "there is no reference"), ("bad.parquet", "cannot read"), ("r.xls", "there is no")]:
        with pytest.raises(InvalidInput, match=said):
            read_reference(tmp_path / name)
    (tmp_path / "r.xls").write_text("no")
    with pytest.raises(InvalidInput, match=r"must be a \.parquet or \.csv"):
        read_reference(tmp_path / "r.xls")


def test_model_files_are_told_by_their_suffix(tmp_path) -> None:
    for name, framework in [("m.joblib", "sklearn"), ("m.SKOPS", "sklearn"), ("m.h5", "keras")]:
        (tmp_path / name).write_text("")
        assert framework_of(tmp_path / name) == framework
    (tmp_path / "m.jobli").write_text("")
    with pytest.raises(InvalidInput, match=r"the nearest is \.joblib"):
        framework_of(tmp_path / "m.jobli")
    with pytest.raises(InvalidInput, match="there is no model file"):
        framework_of(tmp_path / "none.joblib")
