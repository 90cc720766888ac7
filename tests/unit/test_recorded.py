"""What `records` and `erase` ask of the log, from what was typed; and the same from Python."""

import sys
import time
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from setpoint.api import verbs
from setpoint.cli import main
from setpoint.cli.recorded import _condition
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.where import matching
from setpoint.errors import InvalidInput
from setpoint.loop.verbs import recorded

SCHEMA = Schema(
    features=(
        Feature(name="vip", kind=Kind.NUMERIC, dtype=DType.BOOL),
        Feature(name="zip", kind=Kind.CATEGORICAL, dtype=DType.STRING),
        Feature(name="floor", kind=Kind.NUMERIC, dtype=DType.INT),
        Feature(name="share", kind=Kind.NUMERIC, dtype=DType.FLOAT),
    ),
    target="y",
    task=Task.REGRESSION,
)
TABLE = pa.table(
    {
        "id": ["a", "b"],
        "inputs": [
            {"vip": 1.0, "zip": "007", "floor": 7.0, "share": 0.5, "gone": 7.0},
            {"vip": 0.0, "zip": "7", "floor": -7.0, "share": 1e16, "gone": None},
        ],
    }
)


@pytest.mark.parametrize(
    ("segments", "ids"),
    [
        (["vip=true"], "a"), (["vip=True"], "a"), (["vip=1"], "a"), (["vip=false"], "b"), (["vip=0"], "b"),
        (["zip=007"], "a"), (["zip=7"], "b"), (["zip=true"], ""), (["zip="], ""),
        (["floor=007"], "a"), (["floor=-7"], "b"), (["floor=+7.0"], "a"),
        (["share=.5"], "a"), (["share=5e-1"], "a"), (["share=1e16"], "b"),
        (["gone=007"], "a"), (["vip=true", "floor=-7"], ""),
    ],
)  # fmt: skip
def test_a_segment_is_compared_as_its_feature_is_recorded(segments, ids):
    assert "".join(matching(TABLE, _condition(SCHEMA, segments, None))["id"].to_pylist()) == ids


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ("floor=attic", "--segment floor=attic: floor is a number, and 'attic' is not"),
        ("floor=true", "--segment floor=true: floor is a number, and 'true' is not"),
        ("share=nan", "--segment share=nan: share is a number, and 'nan' is not"),
        ("share=", "--segment share=: share is a number, and '' is not"),
        ("vip=maybe", "--segment vip=maybe: vip is true or false, and 'maybe' is not"),
        ("vip", "--segment vip: expected FEATURE=VALUE"),
    ],
)
def test_a_segment_that_its_feature_cannot_have_is_said(segment, said):
    with pytest.raises(InvalidInput, match=said):
        _condition(SCHEMA, [segment], None)


@pytest.mark.parametrize(
    ("command", "option"),
    [("erase", "--id"), ("records", "--id"), ("records", "--version")],
)
def test_bytes_that_are_no_text_are_said(monkeypatch, capsys, command, option):
    monkeypatch.setattr(sys, "argv", ["setpoint", command, "demand", option, b"\xff".decode(errors="surrogateescape")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    told = capsys.readouterr().err
    assert told == f"setpoint: {option} '\\udcff' is no Unicode text, and nothing is recorded under it\n"


def test_python_s_times_without_zone_are_utc_wherever_the_machine_stands(monkeypatch):
    asked = {}

    monkeypatch.setattr(verbs, "opened", lambda home: None)
    monkeypatch.setattr(recorded, "records", lambda operator, model, **given: asked.update(given))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        verbs.records("m", since=datetime(2024, 5, 1), until=datetime(2024, 5, 2, tzinfo=UTC))  # noqa: DTZ001
    finally:
        monkeypatch.undo()
        time.tzset()
    assert asked["since"] == datetime(2024, 5, 1, tzinfo=UTC)
    assert asked["until"] == datetime(2024, 5, 2, tzinfo=UTC)
