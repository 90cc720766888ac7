"""The contract of the file, made whole from the reference; and bundles from before there was one."""

import pyarrow as pa
import pytest

from setpoint.deploy.contract import contracted
from setpoint.deploy.schema import infer_schema
from setpoint.domain.schema import Contract, Feature, OnViolation, Task
from setpoint.domain.value import from_json, to_json
from setpoint.errors import InvalidInput

IMPUTE = OnViolation.IMPUTE
TABLE = pa.table(
    {
        "age": [*range(18, 58), 900],
        "rate": [0.5, 1.5] * 20 + [None],
        "job": ["b", "a"] * 20 + [None],
        "y": [float(i) for i in range(41)],
    }
)
SCHEMA = infer_schema(TABLE, target="y", task=Task.REGRESSION)


def contract_of(name, **said):
    return {f.name: f.contract for f in contracted(SCHEMA, {name: Contract(**said)}, TABLE).features}[name]


def test_what_is_imputed_is_the_usual_value_of_those_that_keep_the_contract():
    assert contract_of("age", on_violation=IMPUTE, high=100).instead == 37
    assert contract_of("rate", on_violation=IMPUTE).instead == 0.5
    assert contract_of("job", on_violation=IMPUTE).instead == "a"
    assert contract_of("job", on_violation=IMPUTE, levels=("b",)).instead == "b"
    assert contract_of("age", on_violation=IMPUTE, instead=20).instead == 20
    assert contract_of("age", high=100).instead is None


@pytest.mark.parametrize(
    ("name", "said", "text"),
    [
        ("agee", {}, "'agee' is no feature of the model; did you mean 'age'?"),
        ("job", {"low": 1.0}, "'job' holds text, which has no min and max"),
        ("job", {"levels": (True,)}, "'job': True must be a text; put it in quotes"),
        ("age", {"on_violation": IMPUTE, "instead": 1.5}, "'age': 1.5 must be a whole number"),
        ("age", {"high": 10.0}, "no row of the reference keeps the contract of 'age'"),
    ],
)
def test_a_contract_that_does_not_fit_the_model_is_refused(name, said, text):
    with pytest.raises(InvalidInput) as e:
        contracted(SCHEMA, {name: Contract(**said)}, TABLE)
    assert text in str(e.value)


def test_a_contract_travels_as_json_and_older_bundles_have_none():
    whole = contracted(SCHEMA, {"age": Contract(on_violation=IMPUTE, low=17.0, levels=(20, 30))}, TABLE)
    assert from_json(to_json(whole), type(whole)) == whole
    old = b'{"name": "a", "kind": "numeric", "dtype": "int64", "nullable": false, "low": 1, "high": 2, "levels": []}'
    assert from_json(old, Feature).contract is None
