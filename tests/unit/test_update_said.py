"""What is shown and kept of a training's words."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.update.said import HIDDEN, MOST_LINE, lines_of, masked, place_of, secrets_of


@pytest.mark.parametrize(
    "line",
    [
        "SETPOINT_KEY=c2VjcmV0c2VjcmV0",
        "password: 'c2VjcmV0c2VjcmV0'",
        "postgresql://me:c2VjcmV0c2VjcmV0@host/db",
        "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0c2VjcmV0.sig",
        "-----BEGIN RSA PRIVATE KEY----- c2VjcmV0c2VjcmV0",
        "told c2VjcmV0c2VjcmV0 plainly",
    ],
)
def test_secrets_are_masked(line: str) -> None:
    shown = masked(line, ("c2VjcmV0c2VjcmV0",) if "plainly" in line else ())
    assert "c2VjcmV0" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "line", ["epoch 3: loss 0.0421 on the latest rows", "[40 %] 12 of 30 keys: a, b", "feature x_key 3"]
)
def test_other_words_stay(line: str) -> None:
    assert masked(line) == line


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
