"""The contract of single features: rejected, flagged or imputed, alike whichever way and in whatever company."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.contract import imputed, kept_by
from setpoint.domain.feature_map import FeatureMap, Instead
from setpoint.domain.record import InferenceRecord
from setpoint.domain.repaired import repaired
from setpoint.domain.schema import Contract, DType, Feature, Kind, OnViolation, Schema, Task
from setpoint.domain.value import replace
from setpoint.errors import InvalidRequest
from setpoint.serve.contract import LONGEST, Breach, told
from setpoint.serve.form import Form
from setpoint.serve.misfit import TYPES
from setpoint.store.batch import batch_from
from setpoint.store.predictions import prediction_schema, recorded

NAN = float("nan")
RULES = {
    "age": {"low": 17, "high": 100, "instead": 40},
    "rate": {"high": 1.5, "instead": 0.5},
    "size": {"levels": (1, 2, 4), "instead": 2},
    "job": {"levels": ("admin", "technician"), "instead": "admin"},
    "open": {"instead": True},
}
TYPED = {"age": DType.INT, "rate": DType.FLOAT, "size": DType.INT, "job": DType.STRING, "open": DType.BOOL}
GOOD = {"age": 40, "rate": 0.5, "size": 2, "job": "admin", "open": False}
WRONG = {
    "range": {"age": 16, "rate": 1.6},
    "level": {"size": 3, "job": "nurse"},
    "type": {"age": "40", "rate": True, "size": [2], "job": 5, "open": "yes"},
    "nan": {"age": NAN, "rate": math.inf},
    "null": dict.fromkeys(GOOD),
}


def a_form(action, nullable=False, maps=()):
    return Form(a_schema(action, nullable), maps)


def a_schema(action, nullable=False):
    features = tuple(
        Feature(
            name=name,
            kind=Kind.CATEGORICAL if dtype is DType.STRING else Kind.NUMERIC,
            dtype=dtype,
            nullable=nullable,
            contract=Contract(on_violation=OnViolation(action), **RULES[name]),
        )
        for name, dtype in TYPED.items()
    )
    return Schema(features=features, target="y", task=Task.REGRESSION)


def codes(rows):
    return list(rows.breach.codes) if rows.breach else []


def row_of(rows, i=0):
    return [column[i] for column in rows.seen]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("age", 16, "row 0, field 'age': number 16; expected 17 to 100"),
        ("rate", 1.6, "row 0, field 'rate': number 1.6; expected at most 1.5"),
        ("job", "nurse", "row 0, field 'job': string 'nurse'; expected one of 'admin', 'technician'"),
        ("age", "40", "row 0, field 'age': string '40'; expected a whole number"),
        (
            "open",
            None,
            "row 0, field 'open': null; expected true or false, for the reference has no missing value here",
        ),
    ],
)
def test_a_broken_rule_is_rejected_by_name_value_and_what_was_expected(name, value, text):
    with pytest.raises(InvalidRequest) as e:
        a_form("reject").records([GOOD | {name: value}])
    assert str(e.value) == text


@pytest.mark.parametrize("rule", ["range", "level"])
def test_a_flagged_value_is_what_the_model_sees(rule):
    for name, value in WRONG[rule].items():
        rows = a_form("flag").records([GOOD | {name: value}])
        assert (codes(rows), row_of(rows)) == ([f"{rule}:{name}"], list((GOOD | {name: value}).values()))


@pytest.mark.parametrize("rule", ["type", "nan"])
def test_what_cannot_be_run_is_flagged_as_missing_where_the_feature_may_be_missing_else_rejected(rule):
    for name, value in WRONG[rule].items():
        rows = a_form("flag", nullable=True).records([GOOD | {name: value}], strict=True)
        assert codes(rows)[0].endswith(f":{name}")
        assert rows.columns == rows.seen == [[v] for v in (GOOD | {name: None}).values()]
        with pytest.raises(InvalidRequest, match=f"'{name}'"):
            a_form("flag").records([GOOD | {name: value}], strict=True)


@pytest.mark.parametrize("rule", WRONG)
def test_what_is_imputed_is_recorded_as_it_was_sent_or_as_null(rule):
    for name, value in WRONG[rule].items():
        rows = a_form("impute").records([GOOD | {name: value}], strict=True)
        kept = value if rule in ("range", "level") else None
        assert [c.partition(":")[2] for c in codes(rows)] == [name, name]
        assert codes(rows)[1] == f"imputed:{name}"
        assert rows.columns == [[v] for v in (GOOD | {name: kept}).values()]
        assert rows.seen == [[v] for v in (GOOD | {name: RULES[name]["instead"]}).values()]


@pytest.mark.parametrize("name", GOOD)
def test_a_field_that_is_missing_altogether_is_imputed(name):
    form = a_form("impute")
    less = {key: value for key, value in GOOD.items() if key != name}
    for rows in (form.records([less]), form.by_name({key: [value] for key, value in less.items()}, 1)):
        assert codes(rows) == [f"missing:{name}", f"imputed:{name}"]
        assert rows.columns == [[v] for v in (GOOD | {name: None}).values()]
        assert row_of(rows) == list((GOOD | {name: RULES[name]["instead"]}).values())


def test_a_field_that_may_be_null_is_missing_for_the_model_and_not_imputed():
    rows = a_form("impute", nullable=True).records([{key: GOOD[key] for key in ("age", "rate", "size", "job")}])
    assert (codes(rows), row_of(rows)[4]) == (["missing:open"], None)
    assert codes(a_form("impute", nullable=True).records([dict.fromkeys(GOOD)])) == []


@pytest.mark.parametrize("action", ["reject", "flag"])
def test_a_missing_field_is_named_where_nothing_can_stand_for_it(action):
    with pytest.raises(InvalidRequest, match="field 'open' is missing"):
        a_form(action).records([{key: GOOD[key] for key in ("age", "rate", "size", "job")}])
    with pytest.raises(InvalidRequest, match="'agee' is no field"):
        a_form("impute").records([GOOD | {"agee": 1}])


@pytest.mark.parametrize("scale", [0.5, -2.0])
def test_beside_a_repair_the_contract_holds_for_what_the_repair_makes_of_a_value(scale):
    maps = [FeatureMap(id="m", feature="age", scale=scale, offset=3.0)]
    form = a_form("impute").given(maps)
    for wanted, seen in ((19.0, 19.0), (99.0, 99.0), (15.0, 40.0), (101.0, 40.0)):
        rows = form.records([GOOD | {"age": int((wanted - 3.0) / scale)}])
        assert repaired(form.stack([rows]), maps)["age"].tolist() == [seen]


def test_a_column_that_is_imputed_may_be_null_or_absent_and_that_is_told():
    plain = replace(a_schema("reject"), features=tuple(replace(f, contract=None) for f in a_schema("reject").features))
    maps = (FeatureMap(id="m", feature="age", instead=Instead(constant=40.0)),)
    form = Form(plain).given(maps)
    absent = {name: value for name, value in GOOD.items() if name != "age"}
    for sent, broken in ((GOOD | {"age": None}, []), (absent, ["missing:age"])):
        rows = form.records([sent])
        assert (codes(rows), rows.columns[0]) == (broken, [None])
        assert repaired(form.stack([rows]), maps)["age"].tolist() == [40.0]
    with pytest.raises(InvalidRequest, match="'age': null"):
        Form(plain).records([GOOD | {"age": None}])


def test_beside_an_exchange_the_contracts_are_exchanged():
    maps = (FeatureMap(id="m", feature="age", swap="size"),)
    form = a_form("flag").given(maps)
    rows = form.records([GOOD | {"age": 2, "size": 40}])
    assert codes(rows) == []
    seen = repaired(form.stack([rows]), maps)
    assert (seen["age"].tolist(), seen["size"].tolist()) == ([40.0], [2.0])
    assert codes(form.records([GOOD])) == ["level:age", "range:size"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)
likely = st.sampled_from([*GOOD.values(), *(v for wrong in WRONG.values() for v in wrong.values()), 17, 100, 1, 4])
row = st.lists(likely | anything, min_size=5, max_size=5)
partial = st.dictionaries(st.sampled_from(list(GOOD)), likely | anything, max_size=5)


@given(st.lists(row, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_with_imputing_no_row_is_refused_and_the_model_sees_nothing_that_breaks_the_contract(rows, nullable, strict):
    strict = strict or any(isinstance(v, float) and not math.isfinite(v) for row in rows for v in row)
    form = a_form("impute", nullable)
    found = form.lists(rows, strict=strict)
    for feature, column in zip(form.schema.features, found.seen, strict=True):
        for value in column:
            if value is None:
                assert nullable
            else:
                assert kept_by(feature.contract, value)
                assert type(value) in TYPES[feature.dtype] | {bool, int, float}
    form.stack([found])


@given(st.lists(partial, min_size=1, max_size=4), st.sampled_from(["flag", "impute"]), st.booleans())
def test_a_batch_is_treated_row_by_row(records, action, nullable):
    form = a_form(action, nullable)

    def treated(rows):
        try:
            return form.records(rows, strict=True)
        except InvalidRequest:
            return None

    alone = [treated([record]) for record in records]
    together = treated(records)
    assert (together is None) == any(one is None for one in alone)
    if together:
        assert [row_of(together, i) for i in range(len(records))] == [row_of(one) for one in alone]
        assert set(codes(together)) == {code for one in alone for code in codes(one)}
        assert [[c[i] for c in together.columns] for i in range(len(records))] == [
            [c[0] for c in one.columns] for one in alone
        ]


@given(st.lists(st.sampled_from(["good", *WRONG]), min_size=5, max_size=5))
def test_the_flagged_codes_are_exactly_the_rules_broken(rules):
    given_ = {n: WRONG.get(rule, {}).get(n, GOOD[n]) for n, rule in zip(GOOD, rules, strict=True)}
    expected = [f"{r}:{n}" for n, r in zip(GOOD, rules, strict=True) if n in WRONG.get(r, {}) and r != "null"]
    assert codes(a_form("flag", nullable=True).records([given_], strict=True)) == expected


def logged(schema, columns):
    """Return inputs as the record log returns them."""
    n = len(columns[0])
    record = InferenceRecord.named(
        request_id="r", model="m", version="v1", role="champion", arrived_us=0, latency_us=0, status=200, caller="",
        ids=[f"i{i}" for i in range(n)], times_us=[], inputs=dict(zip(schema.names, columns, strict=True)), outputs={},
    )  # fmt: skip
    return batch_from(recorded([record], prediction_schema(schema)), schema).inputs


@given(st.lists(row, min_size=1, max_size=4), st.booleans())
def test_the_record_tells_again_what_the_model_saw(rows, nullable):
    """Scoring and training start from the log: imputed there as at the door."""
    form = a_form("impute", nullable)
    found = form.lists(rows, strict=True)
    again, seen = imputed(logged(form.schema, found.columns), form.schema), form.stack([found])
    for name, column in seen.items():
        assert [v if v == v else None for v in again[name]] == [v if v == v else None for v in column]


def test_without_a_contract_columns_of_the_log_are_left_alone():
    schema = a_schema("flag")
    columns = logged(schema, [[GOOD[name]] for name in schema.names])
    assert imputed(columns, schema) is columns


def test_the_caller_is_told_in_a_header_of_plain_bytes_and_bounded_length():
    assert told(None) == ()
    assert told(Breach(("range:größe", "level:a,b\n"), [])) == (
        ("x-setpoint-violations", "range:gr%C3%B6%C3%9Fe,level:a%2Cb%0A"),
    )
    ((_, text),) = told(Breach(tuple(f"range:f{i}" for i in range(500)), []))
    assert len(text) <= LONGEST
    assert text.endswith("range:f99")
