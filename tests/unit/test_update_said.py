"""What is shown and kept of a training's words."""

import base64
import io
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.update.said import HIDDEN, MOST_LINE, Mask, lines_of, masked, place_of, secrets_of


@pytest.mark.parametrize(
    "line",
    [
        "SETPOINT_KEY=c2VjcmV0c2VjcmV0",
        "password: 'c2VjcmV0c2VjcmV0'",
        "postgresql://me:c2VjcmV0c2VjcmV0@host/db",
        "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0c2VjcmV0.sig",
        "-----BEGIN RSA PRIVATE KEY----- c2VjcmV0c2VjcmV0",
        "told c2VjcmV0c2VjcmV0 plainly",
        "Authorization: Bearer c2VjcmV0c2VjcmV0",
        "headers={'Authorization': 'Basic c2VjcmV0c2VjcmV0'}",
        "sent Bearer c2VjcmV0c2VjcmV0c2VjcmV0",
        "cloning with ghp_c2VjcmV0c2VjcmV0",
        "sk-proj-c2VjcmV0c2VjcmV0",
        "xoxb-1234-c2VjcmV0c2VjcmV0",
        "DB_PASS=c2VjcmV0c2VjcmV0",
        "db_pass = c2VjcmV0c2VjcmV0",
        "pwd=c2VjcmV0c2VjcmV0;",
        "password = 'abc c2VjcmV0c2VjcmV0'",
        "password = 'abc c2VjcmV0c2VjcmV0",
        'api_key: "c2VjcmV0c2VjcmV0"',
    ],
)
def test_secrets_are_masked(line: str) -> None:
    shown = masked(line, ("c2VjcmV0c2VjcmV0",) if "plainly" in line else ())
    assert "c2VjcmV0" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "line",
    [
        "epoch 3: loss 0.0421 on the latest rows", "[40 %] 12 of 30 keys: a, b", "feature x_key 3",
        "tokens: 128,000 seen, 4.2k tokens/s", "n_tokens=4096 pad_token=[PAD] eos_token=</s> key=None",
        "forward_pass: 12.3 ms", "second pass: loss 0.3", "pass=2/5", "pwd=/tmp/work", "compass: north",
        "KeyError: 'temperature'", "pip install sk-learn-contrib-somewhere", "the bearer of bad news: overfitting",
        "Pipeline(steps=[('scale', StandardScaler()), ('model', Ridge(alpha=0.1))])",
        "/srv/data/2024-01-01/part-0001.parquet: 1,204,331 rows x 31 columns (float64)",
        "[LightGBM] [Info] Total Bins 4096, number of data points in the train set: 17379, number of used features: 12",
        "UserWarning: lbfgs failed to converge (status=1): STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT.",
    ],
)  # fmt: skip
def test_other_words_stay(line: str) -> None:
    assert masked(line) == line


NAMES = st.sampled_from(
    [
        "loss",
        "mae",
        "auc",
        "lr",
        "epoch",
        "rows",
        "tokens",
        "n_keys",
        "pass",
        "forward_pass",
        "gpu_mem",
        "eta",
        "seconds",
    ]
)
AMOUNTS = st.one_of(
    st.integers(0, 10**9).map(str),
    st.floats(-1e6, 1e6).map("{:.4g}".format),
    st.integers(0, 10**9).map("{:,}".format),
    st.tuples(st.integers(0, 99), st.sampled_from(["ms", "s", "%", "k", "GB", "it/s"])).map(lambda p: f"{p[0]}{p[1]}"),
)
TOLD = st.tuples(NAMES, st.sampled_from([" ", "=", ": ", " = "]), AMOUNTS).map("".join)


@given(st.lists(TOLD, min_size=1, max_size=6), st.sampled_from([" ", ", ", " | ", " - "]))
def test_what_trainings_say_of_themselves_stays_readable(told: list[str], between: str) -> None:
    line = f"[12 %] {between.join(told)}"
    assert masked(line) == line


@given(st.sampled_from(["RSA ", "EC ", "", "OPENSSH ", "ENCRYPTED "]), st.binary(min_size=40, max_size=1_200))
def test_of_a_private_key_no_line_is_shown_and_what_comes_after_it_is(kind: str, key: bytes) -> None:
    body = textwrap.wrap(base64.b64encode(key).decode(), 64)
    lines = ["before it", f"-----BEGIN {kind}PRIVATE KEY-----", *body, f"-----END {kind}PRIVATE KEY-----", "after"]
    shown = [*map(Mask(()), lines)]
    assert (shown[0], shown[-1]) == ("before it", "after")
    assert set(shown[1:-1]) == {HIDDEN}
    cut = [*map(Mask(()), [*lines[:-2], "epoch 3: loss 0.2", "done"])]
    assert cut[-2:] == ["epoch 3: loss 0.2", "done"]


def test_secrets_of_an_environment_are_its_values_and_not_its_paths() -> None:
    given = {
        "HF_TOKEN": "abcdef",
        "SETPOINT_HOME": "/srv/setpoint",
        "SETPOINT_KEY": "key-one,key-two",
        "PATH": "/bin/x",
    }
    given |= {"API_KEY": "123", "SETPOINT_JOB_TIMEOUT_S": "1800000"}
    assert set(secrets_of(given)) == {"abcdef", "key-one,key-two", "key-one", "key-two"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[40 %] epoch 2", (0.4, "epoch 2")),
        ("[ 7%] x", (0.07, "x")),
        ("[250 %]", (1.0, "")),
        ("40 % of", (None, "40 % of")),
    ],
)
def test_a_line_may_begin_with_how_far_it_is(line: str, told: tuple[float | None, str]) -> None:
    assert place_of(line) == told


@given(st.text(max_size=3 * MOST_LINE), st.lists(st.text(min_size=6, max_size=20), max_size=3))
def test_whatever_is_said_is_one_printable_line_without_secrets(line: str, secrets: list[str]) -> None:
    shown = masked(line, tuple(secrets))
    assert shown.isprintable()
    assert len(shown) <= MOST_LINE + 1


@given(st.text(alphabet="ab\n", max_size=60), st.integers(0, 3))
def test_lines_are_heard_once_and_of_long_ones_the_beginning(text: str, extra: int) -> None:
    text += "x" * extra * 2_000
    heard = list(lines_of(io.StringIO(text)))
    assert len(heard) == len(text.splitlines())
    assert all(line.startswith(h.rstrip("\n")) for line, h in zip(text.splitlines(), heard, strict=True))
