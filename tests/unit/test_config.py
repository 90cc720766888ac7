"""setpoint.yaml and the environment: what fits, and what is said, with its line, of what does not."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.config import SECONDS, SetpointFile, Settings, duration, fraction, read_setpoint_file, seconds
from setpoint.domain.envelope import Envelope, PromoteBounds, RetrainBounds
from setpoint.domain.notice import Quiet
from setpoint.domain.training_set import Balance, Base, LabelIssues, Repeats, SetSpec
from setpoint.domain.update import Method
from setpoint.errors import InvalidInput
from setpoint.loop.verbs.stated import envelope, updates

TEXT = """\
model: demand
task: regression
artifact: model.joblib
reference: reference.parquet
target: y
objectives:
  - {metric: mae, at_most: 5, window: 7d}
  - metric: availability
    at_least: 0.999
envelope:
  automatic: [restart, rollback]
  max_actions_per_day: 3
"""


def read(folder: Path, *changes: tuple[str, str]) -> SetpointFile:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "setpoint.yaml").write_text(text)
    return read_setpoint_file(folder)


def refusal(folder: Path, *changes: tuple[str, str]) -> str:
    with pytest.raises(InvalidInput) as told:
        read(folder, *changes)
    text = str(told.value)
    assert text.startswith(str(folder / "setpoint.yaml"))
    return text.removeprefix(str(folder / "setpoint.yaml")).removeprefix(":").strip()


def test_a_file_that_fits_is_read_with_its_defaults(tmp_path: Path) -> None:
    file = read(tmp_path)
    assert (file.model, file.task, file.time, file.train, file.outcome_delay) == ("demand", "regression", None, None, 0)
    assert [(o.metric, o.at_most, o.at_least, o.window) for o in file.objectives] == [
        ("mae", 5.0, None, 604_800.0),
        ("availability", None, 0.999, 604_800.0),
    ]
    assert file.envelope.automatic == ["restart", "rollback"]
    assert file.artifact == "model.joblib"
    assert file.reference_path == tmp_path / "reference.parquet"
    assert read_setpoint_file(tmp_path / "setpoint.yaml") == file


def test_the_bounds_of_an_envelope_are_read_and_a_misspelt_one_is_named(tmp_path: Path) -> None:
    bounds = (
        "  hours: 08:00-18:00\n  retrain: {most_per_week: 7, methods: [refit]}\n"
        "  promote: {worse_by: 1%, shadow_rows: 200, largest_step: 25%}\n"
    )
    found = envelope(read(tmp_path, ("  max_actions", f"{bounds}  max_actions")))
    assert found.hours == Quiet(start_min=480, end_min=1_080)
    assert found.retrain == RetrainBounds(most_per_week=7, methods=(Method.REFIT,))
    assert found.promote == PromoteBounds(worse_by=0.01, shadow_rows=200, largest_step=0.25)
    assert envelope(read(tmp_path)) == Envelope(automatic=("restart", "rollback"), max_actions_per_day=3)
    wrong = refusal(tmp_path, ("  max_actions", "  promote: {shadow_row: 200}\n  max_actions"))
    assert "unknown key 'shadow_row'; did you mean 'shadow_rows'?" in wrong
    wrong = refusal(tmp_path, ("  max_actions", "  retrain: {methods: [refitt]}\n  max_actions"))
    assert "unknown 'refitt'; did you mean 'refit'?" in wrong


def test_how_a_model_is_updated_is_read_with_its_units(tmp_path: Path) -> None:
    text = "update: {every: 7d, worth: 2%, method: continue, cost: {training: 40, loss: 0.05}}\nenvelope:"
    update = read(tmp_path, ("envelope:", text)).update
    assert (update.every, update.worth, update.method) == (604_800.0, 0.02, "continue")
    assert update.cost is not None
    assert (update.cost.training, update.cost.loss) == (40.0, 0.05)


@pytest.mark.parametrize(
    ("section", "spec"),
    [
        ("{}", SetSpec()),
        ("{rows: all, window: 30d}", SetSpec(rows=0, window_s=30 * 86_400)),
        (
            "{rows: 5000, reference: always, importance: true}",
            SetSpec(rows=5_000, reference=Base.ALWAYS, importance=True),
        ),
        (
            "{duplicates: weigh, label_issues: drop, balance: sqrt}",
            SetSpec(duplicates=Repeats.WEIGH, label_issues=LabelIssues.DROP, balance=Balance.SQRT),
        ),
    ],
)
def test_what_a_version_learns_from_is_read(tmp_path: Path, section: str, spec: SetSpec) -> None:
    file = read(tmp_path, ("envelope:", f"update: {{training_set: {section}}}\nenvelope:"))
    assert updates(file).training_set == spec


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            "{evry: 7d}",
            "unknown key 'evry'; did you mean 'every'?; known keys: every, method, worth, cost",
        ),
        ("{every: 10s}", "update: every is ten minutes at least: write 10m or more"),
        ("{method: refi}", "update.method: unknown 'refi'; did you mean 'refit'?"),
        ("{training_set: {row: all}}", "unknown key 'row'; did you mean 'rows'?; known keys: rows, window, reference"),
        ("{training_set: {rows: 49}}", "rows"),
        ("{training_set: {label_issues: dorp}}", "unknown 'dorp'; did you mean 'drop'?"),
        ("{cost: {training: 1, los: 2}}", "unknown key 'los'; did you mean 'loss'?; known keys: training, loss"),
    ],
)
def test_a_wrong_line_on_updates_is_named(tmp_path: Path, section: str, said: str) -> None:
    assert said in refusal(tmp_path, ("envelope:", f"update: {section}\nenvelope:"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("target: y", "targte: y"), "line 5: unknown key 'targte'; did you mean 'target'?; known keys: model, t"),
        (("target: y\n", ""), "missing key 'target'"),
        (("at_most: 5,", "at_mots: 5,"), "line 7: unknown key 'at_mots'; did you mean 'at_most'?; known keys: me"),
        (("    at_least: 0.999", "    at_most: 0.999"), "line 8: objectives.1: availability is better when higher"),
        (("at_most: 5,", "at_least: 5,"), "line 7: objectives.0: mae is better when lower: write at_most, not at"),
        (("at_most: 5, ", ""), "line 7: objectives.0: objective 'mae' needs either at_least or at_most"),
        (("metric: mae, ", ""), "line 7: missing key 'objectives.0.metric'"),
        (("metric: mae", "metric: mea"), "line 7: objectives.0: unknown metric 'mea'; did you mean 'mae'?; known"),
        (("metric: mae, at_most", "metric: roc_auc, at_least"), "roc_auc does not fit task regression; its quali"),
        (("window: 7d", "window: 7 weeks"), "line 7: objectives.0.window: '7 weeks' is no duration; write a numb"),
        (("objectives:", "records: {kept: 7d}\nobjectives:"), "line 6: unknown key 'kept'; did you mean 'keep'?"),
        (("objectives:", "alerts: {too: x}\nobjectives:"), "line 6: unknown key 'too'; did you mean 'to'?"),
        (("objectives:", "alerts: {at_least: critcal}\nobjectives:"), "line 6: alerts.at_least: unknown 'critcal'"),
        (("objectives:", "alerts: {remind: 1s}\nobjectives:"), "line 6: alerts: remind is a minute at least"),
        (("objectives:", "alerts: {quiet: night}\nobjectives:"), "line 6: alerts.quiet: 'night' is no stretch of the"),
        (("objectives:", "alerts: {quiet: '1:00-2:00 Mars'}\nobjectives:"), "line 6: alerts.quiet: 'Mars' is no"),
        (("objectives:", "records: {keep: 1h}\nobjectives:"), "line 6: records: records are kept for a day at lea"),
        (("objectives:", "records: {at_most: 20}\nobjectives:"), "line 6: records.at_most: 20 is no size; write a nu"),
        (("window: 7d", "window: 7"), "line 7: objectives.0.window: 7 is no duration; write a number and a unit:"),
        (("at_most: 5", "at_most: few"), "line 7: objectives.0.at_most: Input should be a valid number"),
        (("{metric: mae, at_most: 5, window: 7d}", "mae"), "line 7: objectives.0: 'mae' must be keys and values;"),
        (("task: regression", "task: regresion"), "line 2: task: unknown 'regresion'; did you mean 'regression'?"),
        (("restart, roll", "restart, rol"), "line 11: envelope.automatic.1: unknown 'rolback'; did you mean 'rol"),
        (("max_actions_per_day: 3", "max_actions_per_day: -1"), "line 12: envelope.max_actions_per_day: Input sh"),
        (("max_actions_per_day", "max_actions"), "line 12: unknown key 'max_actions'; did you mean 'max_actions_"),
        (("model: demand", "model: My Model"), "line 1: model: 'My Model' must be 1 to 64 of a-z, 0-9, dot, dash"),
        (("model: demand", "root: /tmp"), "unknown key 'root'"),
        (("target: y", "target: y\ntrain: train.py"), "train: 'train.py' must name a file and a function in it,"),
        (("target: y", "target: y\ntrain: no.py:fit"), "train: there is no file "),
        (("target: y", "target: y\nprofile: describe"), "profile: 'describe' must name a file and a function "),
        (("target: y", "target: y\nprofile: no.py:describe"), "profile: there is no file "),
    ],
    ids=lambda x: x[1] if isinstance(x, tuple) else "",
)  # fmt: skip
def test_what_does_not_fit_is_named_with_its_line(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert refusal(tmp_path, change).startswith(said)


def test_every_mistake_is_listed_at_once(tmp_path: Path) -> None:
    told = refusal(tmp_path, ("target: y", "targte: y"), ("max_actions_per_day", "max_actions"))
    assert len(told.splitlines()) == 3  # target is missing too


def test_the_same_key_elsewhere_does_not_take_the_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, ("    at_least: 0.999", "    at_least: high")).startswith("line 9: objectives.1.at_least")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must hold keys and values, like `model: demand`; it holds nothing"),
        ("- a\n- b\n", "must hold keys and values, like `model: demand`; it holds a list"),
        ("model: [1\n", "is not valid YAML: while parsing a flow sequence"),
    ],
)
def test_what_is_no_mapping_is_said(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "setpoint.yaml").write_text(text)
    with pytest.raises(InvalidInput, match=said):
        read_setpoint_file(tmp_path)


def test_a_user_function_that_is_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    assert read(tmp_path, ("target: y", "target: y\ntrain: train.py:fit")).train == "train.py:fit"


@given(st.integers(0, 1_000), st.sampled_from(sorted(SECONDS)))
def test_a_duration_is_read_and_written(count: int, unit: str) -> None:
    assert seconds(f"{count}{unit}") == count * SECONDS[unit]
    assert seconds(duration(seconds(f" {count} {unit} "))) == count * SECONDS[unit]


@given(st.text(max_size=8))
def test_what_is_no_duration_is_refused(text: str) -> None:
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*[smhdw]\s*", text) is None:
        with pytest.raises(InvalidInput, match="write a number and a unit"):
            seconds(text)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SETPOINT_HOME", str(tmp_path))
    monkeypatch.setenv("SETPOINT_FSYNC", "true")
    settings = Settings()
    assert (settings.home, settings.fsync, settings.state_url) == (tmp_path, True, f"sqlite:///{tmp_path}/state.db")
    assert Settings(home=tmp_path / "x").home == tmp_path / "x"
    monkeypatch.setenv("SETPOINT_FSYNC", "perhaps")
    with pytest.raises(InvalidInput, match=r"^SETPOINT_FSYNC=perhaps: Input should be a valid boolean"):
        Settings()


FEATURES = (
    "features:\n  age: {min: 17, max: 100, on_violation: impute, impute: 40}\n  job: {values: [a, b]}\nobjectives:"
)


def test_the_contract_of_a_feature_is_read(tmp_path: Path) -> None:
    features = read(tmp_path, ("objectives:", FEATURES)).features
    assert (features["age"].min, features["age"].impute, features["age"].on_violation) == (17, 40, "impute")
    assert (features["job"].values, features["job"].on_violation) == (["a", "b"], "reject")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max: 100", "mx: 100", "line 7: unknown key 'mx'; did you mean 'max'?"),
        ("max: 100", "max: 10", "line 7: features.age: min 17 is above max 10"),
        ("impute: 40", "impute: 4", "line 7: features.age: impute: 4 breaks the contract itself"),
        ("on_violation: impute", "on_violation: flag", "impute: 40 needs on_violation: impute; it is flag"),
        ("on_violation: impute", "on_violation: imput", "unknown 'imput'; did you mean 'impute'?"),
        ("[a, b]", "[]", "line 8: features.job.values: List should have at least 1 item"),
        ("[a, b]", "[[a]]", "['a'] must be a number, a text, or true or false"),
    ],
)
def test_a_contract_that_cannot_be_is_said_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in refusal(tmp_path, ("objectives:", FEATURES.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("text", "value"), [("10%", 0.1), ("0.05", 0.05), (0.1, 0.1), ("2.5 %", 0.025), (0, 0), ("-5%", -0.05)]
)
def test_a_share_is_a_percentage_or_a_fraction(text: str | float, value: float) -> None:
    assert fraction(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["ten", "", "%", "nan", "1/10", "10%%"])
def test_what_is_no_share_is_said(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{text!r} is no share; write a percentage or a fraction: 10% or 0.1$"):
        fraction(text)


def test_alerts_are_read_with_their_usual_values(tmp_path):
    alerts = read(
        tmp_path, ("objectives:", "alerts: {to: '${OPS}', quiet: 22:00-7:30 Europe/Berlin}\nobjectives:")
    ).alerts
    assert (alerts.to, alerts.at_least, alerts.remind) == (["${OPS}"], "warning", 4 * 3_600)
    assert (alerts.quiet.start, alerts.quiet.end, alerts.quiet.zone) == (22 * 60, 7 * 60 + 30, "Europe/Berlin")
    assert read(tmp_path).alerts.to is None
    assert read(tmp_path, ("objectives:", "alerts: {to: []}\nobjectives:")).alerts.to == []
