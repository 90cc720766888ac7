"""Shares: sticky, exact, drawn by each candidate and model for itself."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.live import Served, sharing
from setpoint.domain.routing import chosen
from setpoint.domain.value import from_json
from setpoint.errors import InvalidInput

KEYS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=128)
SHARES = st.lists(st.floats(1e-6, 1), min_size=1, max_size=4).map(
    lambda parts: {f"v{i + 2}": part / (sum(parts) + 0.01) for i, part in enumerate(parts)}
)
CALLERS = [f"caller-{i}" for i in range(20_000)]


def near(found: int, expected: float, n: int = len(CALLERS)) -> bool:
    """Whether a count lies within four standard deviations of a binomial one."""
    return abs(found - n * expected) < 4 * math.sqrt(n * expected * (1 - expected))


@given(SHARES, KEYS)
def test_a_key_always_meets_the_same_version_however_the_shares_are_ordered(shares: dict[str, float], key: str) -> None:
    first = chosen("demand", shares, key)
    assert first is None or first in shares
    assert chosen("demand", dict(reversed(shares.items())), key) == first


@given(SHARES, KEYS, st.floats(0, 1))
def test_a_key_stays_with_a_challenger_whose_share_alone_grows(shares: dict[str, float], key: str, by: float) -> None:
    version = chosen("demand", shares, key)
    if version is not None:
        grown = shares[version] + by * (0.9999 - sum(shares.values()))
        assert chosen("demand", {**shares, version: max(grown, shares[version])}, key) == version


@pytest.mark.parametrize("shares", [{"v2": 0.01}, {"v2": 0.1, "v3": 0.05}, {"a": 0.3, "b": 0.3, "c": 0.3}], ids=str)
def test_as_many_keys_meet_a_version_as_its_share_asks_for(shares: dict[str, float]) -> None:
    met = [chosen("demand", shares, key) for key in CALLERS]
    for version, share in {**shares, None: 1 - sum(shares.values())}.items():
        assert near(met.count(version), share)


def test_candidates_one_after_the_other_and_models_draw_independent_groups() -> None:
    one, two, other = (
        {key for key in CALLERS if chosen(model, {version: 0.2}, key)}
        for model, version in (("demand", "v2"), ("demand", "v3"), ("risk", "v2"))
    )
    for group in (two, other):
        assert near(len(one & group), 0.04)


def test_a_live_json_from_before_there_were_shares_is_read() -> None:
    assert from_json(b'{"champion": "v1", "shadow": "v2"}', Served) == Served(champion="v1", shadow="v2")


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"v2": -0.05}, "the share v2 -5% is none; expected 0% to less than 100%"),
        ({"v2": 1.0}, "the share v2 100% is none; expected 0% to less than 100%"),
        ({"v2": math.nan}, "the share v2 nan% is none; expected 0% to less than 100%"),
        (
            {"v2": 0.5, "v3": 0.5},
            "the shares of v2 50%, v3 50% leave champion v1 nothing; expected less than 100% together",
        ),
        ({"v1": 0.0}, "v1 is champion, and answers what is left; give shares to other versions"),
        ({"v9": 0.1}, "v9 is in shadow; it can have a share when its rollout has ended"),
    ],
    ids=str,
)
def test_shares_that_cannot_be_are_refused_in_words(shares: dict[str, float], said: str) -> None:
    with pytest.raises(InvalidInput) as told:
        sharing(Served(champion="v1", shadow="v9"), shares)
    assert str(told.value) == said


def test_a_share_of_nothing_is_taken_away_and_others_stay() -> None:
    served = sharing(Served(champion="v1", shares={"v2": 0.1, "v3": 0.2}), {"v2": 0, "v4": 0.05})
    assert (served.shares, served.rest) == ({"v3": 0.2, "v4": 0.05}, 0.75)
