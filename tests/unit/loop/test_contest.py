"""A release against the version it replaced, where one of them fails on some requests."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from setpoint.domain.fleet import Release
from setpoint.loop.learning.contest import contested


def ports(made: Any, *, raises: bool) -> Any:
    """A scorer whose v2 gives no number, or raises, where it is warm."""

    def score(model: str, version: str, x: Any) -> Any:
        warm = x["temp"] > 18
        if version == "v2" and raises and warm.any():
            raise ZeroDivisionError("too hot")
        return {"prediction": np.where(warm & (version == "v2"), np.nan, 100.0)}

    bundles = SimpleNamespace(get=lambda model, version: made.version(version))
    return SimpleNamespace(bundles=bundles, scorer=SimpleNamespace(score=score))


@pytest.mark.parametrize("raises", [False, True])
def test_what_a_version_gives_no_answer_to_is_left_out(made: Any, raises: bool) -> None:
    first = made.deployment().releases[0]
    deployment = made.deployment(
        releases=(first, Release(version="v2", at=made.now - made.day, by="ann", replaced="v1"))
    )
    found = contested(ports(made, raises=raises), deployment, made.version("v2"), made.look().history, made.now)
    assert found is not None
    assert len(found.losses) == len(found.losses_replaced) > 50
    assert np.isfinite(found.losses).all()
    assert np.array_equal(found.losses, found.losses_replaced)
