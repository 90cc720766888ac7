"""Models with sensitive fields: what refusals, errors, logs and held records say."""

import asyncio
import logging
import re
import sys

import pytest

from setpoint.domain.keys import keys_of, new_key
from setpoint.domain.schema import DType, Feature, Handling, Kind
from setpoint.domain.sensitive import Guard
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput, Unusable
from setpoint.serve.decode import Malformed, decode_v1
from setpoint.serve.encode import status_of
from setpoint.serve.form import Form
from setpoint.serve.metrics import Metrics
from setpoint.serve.plane import DataPlane
from setpoint.serve.quiet import QuietFormatter, quiet
from setpoint.serve.table import Loaded, Target
from setpoint.serve.work import answers

SECRET = "XmarkerX"
FEATURES = (
    Feature(name="age", kind=Kind.NUMERIC, dtype=DType.FLOAT),
    Feature(name="ssn", kind=Kind.CATEGORICAL, dtype=DType.STRING, sensitive=Handling.HASH),
)


@pytest.fixture
def schema(make):
    return replace(make.schema(FEATURES), sensitive_id=Handling.HASH)


@pytest.fixture
def guard(schema):
    return Guard("demand", schema, keys_of(new_key()))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (f'{{"instances": [["{SECRET}", "x"]]}}', "type:age"),
        (f'{{"instances": [["1", "{SECRET}"]]}}', "type:age"),
        (f'{{"instances": [[1, "x", "{SECRET}"]]}}', "shape:3"),
        (f'{{"instances": [{{"age": 1, "{SECRET}": 2}}]}}', "extra:other"),
        (f'{{"instances": ["{SECRET}"]}}', "shape:row"),
        (f'{{"{SECRET}": 1}}', "missing:instances"),
        (f'{{"instances": [["{SECRET}', "json:body"),
    ],
)
def test_a_refusal_repeats_nothing_and_keeps_its_class(schema, body, code):
    form = Form(schema)
    with pytest.raises(InvalidInput) as e:
        decode_v1(body.encode(), form)
    told = quiet(e.value, form)
    assert type(told) is type(e.value)
    assert status_of(told) == status_of(e.value)
    assert SECRET not in f"{told} {told.violations} {told.args}"
    assert code in told.violations
    assert told.__cause__ is None
    assert told.__traceback__ is None


def test_a_place_in_the_request_is_still_told(schema):
    with pytest.raises(InvalidInput) as e:
        decode_v1(f'{{"instances": [[1, "x"], ["{SECRET}", "x"]]}}'.encode(), Form(schema))
    assert str(quiet(e.value, Form(schema))) == "row 1, field 'age': string; expected a number"


def test_other_errors_pass(schema):
    error = Unusable("the disk is full")
    assert quiet(error, Form(schema)) is error
    assert "json:body" in quiet(Malformed("x"), Form(schema)).violations


def test_a_model_that_raises_is_not_quoted(make, schema, guard):
    class Quoting:
        def predict(self, columns):
            raise ValueError(f"unknown category {columns['ssn'][0]}")

    rows = decode_v1(f'{{"instances": [[1, "{SECRET}"]]}}'.encode(), Form(schema)).rows
    told = [
        str(*answers(Target(Loaded(make.version(schema), Quoting(), Form(schema), g), "champion"), [rows]))
        for g in (None, guard)
    ]
    assert SECRET in told[0]
    assert told[1] == "demand v1 failed: ValueError"


def test_records_that_wait_for_a_full_disk_hold_hashes(make, schema, guard):
    class Full:
        def append(self, records):
            raise Unusable("no space left")

        def lag_s(self):
            return 0.0

    async def ask():
        plane = DataPlane(Full(), Metrics())
        table = make.table(schema=schema)
        loaded = Loaded(make.version(schema), table.routes["demand"].champion.loaded.model, Form(schema), guard)
        target = Target(loaded, "champion")
        rows = decode_v1(f'{{"instances": [[1, "{SECRET}"]]}}'.encode(), Form(schema)).rows
        answered = asyncio.Event()
        plane.ask(
            target, rows, SECRET, caller="c", arrived_us=1, started_ns=1, done=lambda answer: answered.set()
        )  # fmt: skip
        await asyncio.wait_for(answered.wait(), 5)
        (held,) = plane.recorder._held
        assert SECRET not in repr(held)
        assert re.search(r"'h:[\w-]{22}'", repr(held.inputs))
        assert plane.recorder.note
        assert SECRET not in plane.recorder.note

    asyncio.run(ask())


@pytest.mark.parametrize("hides", [True, False])
def test_a_log_line_keeps_the_place_of_an_error_and_loses_its_words(hides):
    try:
        raise ValueError(SECRET)
    except ValueError:
        caught = sys.exc_info()
    formatter = QuietFormatter("%(message)s", hides=lambda: hides)
    for name, message in (("setpoint.serve", "request failed"), ("asyncio", f"Exception in callback f({SECRET!r})")):
        record = logging.LogRecord(name, logging.ERROR, "", 1, message, (), caught)
        text = formatter.format(record)
        assert "test_quiet.py" in text
        assert "ValueError" in text
        assert (SECRET in text) is not hides


def test_a_table_knows_whether_anything_is_guarded(make):
    table = make.table()
    assert not table.guarded
    assert table.guard("demand") is None
