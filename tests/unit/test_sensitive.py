"""Keys, and what is recorded in place of a sensitive value."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.config import check_setpoint_text
from setpoint.deploy.hidden import declared
from setpoint.domain.keys import HASHED, Keys, keys_of, new_key
from setpoint.domain.record import InferenceRecord, Outcome
from setpoint.domain.schema import DType, Feature, Handling, Kind, Schema, Task
from setpoint.domain.sensitive import Guard, guard_of, hasher_of, opener_of
from setpoint.domain.where import matching
from setpoint.errors import InvalidInput, Unusable
from setpoint.loop.verbs.hiding import hidden_condition
from setpoint.store.keys import HomeKeys

OLD, NEW = new_key(), new_key()
FEATURES = (
    Feature(name="ssn", kind=Kind.CATEGORICAL, dtype=DType.STRING, sensitive=Handling.HASH),
    Feature(name="city", kind=Kind.CATEGORICAL, dtype=DType.STRING, sensitive=Handling.ENCRYPT),
    Feature(name="pay", kind=Kind.NUMERIC, dtype=DType.FLOAT, sensitive=Handling.DROP),
    Feature(name="age", kind=Kind.NUMERIC, dtype=DType.FLOAT),
)
SCHEMA = Schema(
    features=FEATURES,
    target="y",
    task=Task.REGRESSION,
    sensitive_id=Handling.HASH,
    sensitive_caller=Handling.HASH,
)


def a_record(**changes):
    fields = {
        "request_id": "r1", "model": "m", "version": "v1", "role": "champion", "arrived_us": 1, "latency_us": 2,
        "status": 200, "caller": "10.0.0.1", "ids": ["a", "a"], "times_us": [1, 1],
        "outputs": {"prediction": [1.0, 2.0]},
        "inputs": {"ssn": ["x", "x"], "city": ["Graz", None], "pay": [1.0, 2.0], "age": [30.0, 40.0]},
    }  # fmt: skip
    return InferenceRecord.named(**fields | changes)


def inputs_of(record):
    return dict(zip(record.layout.inputs, record.inputs, strict=True))


@pytest.fixture
def keys():
    return keys_of(NEW)


def test_a_guard_replaces_what_is_sensitive_and_nothing_else(keys):
    raw = a_record()
    kept = Guard("m", SCHEMA, keys).record(raw)
    assert (
        inputs_of(kept)["ssn"][0]
        == inputs_of(kept)["ssn"][1]
        == inputs_of(Guard("m", SCHEMA, keys).record(raw))["ssn"][0]
    )
    assert HASHED.fullmatch(inputs_of(kept)["ssn"][0])
    assert inputs_of(kept)["city"][1] is None
    assert opener_of("m", "city", keys)(inputs_of(kept)["city"][0]) == "Graz"
    assert inputs_of(kept)["pay"] == [None, None]
    assert inputs_of(kept)["age"] == [30.0, 40.0]
    assert inputs_of(raw)["ssn"] == ["x", "x"]  # it is asked of a shadow still
    assert all(map(HASHED.fullmatch, (kept.request_id, kept.caller, *kept.ids)))
    assert (kept.times_us, kept.outputs, kept.version) == (raw.times_us, raw.outputs, raw.version)


def test_an_outcome_joins_by_the_same_hash(keys):
    guard = Guard("m", SCHEMA, keys)
    assert guard.outcome(Outcome("a", 1.0, 5)).id == guard.record(a_record()).ids[0] == guard.id("a")


def test_equal_values_of_other_columns_models_and_keys_hash_otherwise(keys):
    hashed = {k.hasher(m, f)("x") for k in (keys, keys_of(OLD)) for m in "ab" for f in "ab"}
    assert len(hashed) == 8
    assert keys.hasher("a", "bc")("x") != keys.hasher("ab", "c")("x")


@given(st.text(st.characters(codec=None)))
def test_what_is_encrypted_can_be_opened(text):
    keys = keys_of(OLD)
    sealed = keys.sealer("m", "f")
    assert keys.opener("m", "f")(sealed(text)) == text
    assert sealed(text) != sealed(text)


def test_a_ciphertext_that_was_changed_or_moved_is_refused(keys):
    text = keys.sealer("m", "city")("Graz")
    end = "A" if text[-1] != "A" else "B"
    for wrong, column in [(text, "street"), (text[:-3] + end + text[-2:], "city"), (text[:30], "city"), ("e:", "city")]:
        with pytest.raises((InvalidInput, Unusable)):
            keys.opener("m", column)(wrong)


def test_a_new_key_in_front_encrypts_and_the_old_one_opens_and_hashes():
    before, after = keys_of(OLD), keys_of(f"{NEW},{OLD}")
    assert after.hasher("c")("x") == before.hasher("c")("x")
    assert after.opener("c")(before.sealer("c")("x")) == "x"
    with pytest.raises(Unusable, match=after.ids[0]):
        before.opener("c")(after.sealer("c")("x"))


MALFORMED = {"empty": "", "no hex": "secretsecret", "short": NEW[:-1], "two in one": f"{NEW} secretsecret"}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_key_is_refused_and_not_shown(text):
    with pytest.raises(InvalidInput, match="32 random bytes") as e:
        keys_of(text)
    assert "secretsecret" not in str(e.value)
    assert NEW[:8] not in str(e.value)


def test_keys_do_not_show():
    assert repr(Keys([bytes.fromhex(NEW)])) == f"Keys({keys_of(NEW).ids[0]})"


def test_nothing_sensitive_needs_no_guard_and_dropping_needs_no_key():
    plain = Schema(features=FEATURES[3:], target="y", task=Task.REGRESSION)
    assert guard_of("m", plain, None) is None
    dropped = Schema(features=FEATURES[2:], target="y", task=Task.REGRESSION)
    assert inputs_of(guard_of("m", dropped, None).record(a_record()))["pay"] == [None, None]
    with pytest.raises(Unusable, match="no key"):
        guard_of("m", SCHEMA, None)


def test_a_key_file_is_made_once_and_is_for_its_owner_alone(tmp_path):
    home = HomeKeys(tmp_path)
    assert home.keys() is None
    made = home.ensure()
    assert made.ids == home.ensure().ids == HomeKeys(tmp_path).keys().ids
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert sorted(f.name for f in tmp_path.iterdir()) == ["key", "key.id"]
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(Unusable, match="chmod 600"):
        home.keys()


def test_a_lost_key_is_not_replaced_and_another_one_is_refused(tmp_path):
    HomeKeys(tmp_path, OLD).ensure()
    assert HomeKeys(tmp_path, f"{NEW},{OLD}").keys() is not None
    with pytest.raises(Unusable, match="is gone"):
        HomeKeys(tmp_path).ensure()
    with pytest.raises(Unusable, match="hashes would no longer fit"):
        HomeKeys(tmp_path, NEW).keys()


def test_numbers_can_only_be_dropped():
    pay = Feature(name="pay", kind=Kind.NUMERIC, dtype=DType.FLOAT, low=1.0, high=2.0)
    schema = Schema(features=(pay,), target="y", task=Task.REGRESSION)
    with pytest.raises(InvalidInput, match=r"'pay' holds numbers.*sensitive: drop"):
        declared(schema, {"pay": Handling.HASH}, id=None, caller=None)
    with pytest.raises(InvalidInput, match="did you mean 'pay'"):
        declared(schema, {"payy": Handling.DROP}, id=None, caller=None)
    (feature,) = declared(schema, {"pay": Handling.DROP}, id=None, caller=None).features
    assert (feature.low, feature.high) == (None, None)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("ssn == 'x'", "ssn in ['x', 'H']"),
        ("'x' != inputs.ssn and age > 3", "inputs.ssn not in ['x', 'H'] and age > 3"),
        ("not inputs['ssn'] in ('x', 'y')", "not inputs['ssn'] in ['x', 'y', 'H', 'H']"),
        ("age == 3", "age == 3"),
        ("ssn is None", "ssn is None"),
        ("ssn == (", "ssn == ("),
    ],
)
def test_a_condition_finds_raw_and_hashed_values(asked, found):
    assert hidden_condition(asked, {"ssn": lambda text: "H"}) == found


def test_a_hash_that_is_asked_for_stays_one(keys):
    change = hasher_of("m", SCHEMA, "ssn", keys)
    assert change(change("x")) == change("x")


FILE = "model: a\ntask: binary\nartifact: a\nreference: r\ntarget: t\nobjectives: [{metric: roc_auc, at_least: 0.8}]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("features: {ssn: {sensitiv: hash}}", "did you mean 'sensitive'"),
        ("features: {ssn: {sensitive: hush}}", "did you mean 'hash'"),
        ("sensitive: {calller: hash}", "did you mean 'caller'"),
        ("sensitive: {id: drop}", "known: hash"),
        ("features: {ssn: {sensitive: hash, on_violation: impute}}", "needs `impute:`"),
    ],
)
def test_the_file_says_what_is_wrong(tmp_path, text, said):
    with pytest.raises(InvalidInput, match=re.escape(said)):
        check_setpoint_text(FILE + text, tmp_path / "setpoint.yaml")


def test_sensitive_alone_is_no_contract(tmp_path):
    file = check_setpoint_text(FILE + "features: {a: {sensitive: hash}, b: {min: 0, sensitive: drop}}", tmp_path / "s")
    assert [part.has_contract for part in file.features.values()] == [False, True]


def test_other_than_a_raw_value_leaves_out_what_is_missing_hashed_or_not():
    table = pa.table({"id": ["a", "b", "c"], "inputs": pa.array([{"ssn": "x"}, {"ssn": "H"}, {"ssn": None}])})
    more = pa.table({"id": ["d"], "inputs": pa.array([{"ssn": "y"}])})
    both = pa.concat_tables([table, more])
    asked = hidden_condition("ssn != 'x'", {"ssn": lambda text: "H"})
    assert matching(both, asked)["id"].to_pylist() == ["d"]
    assert matching(both, "ssn != 'x'")["id"].to_pylist() == ["b", "d"]
