"""Every error of the control port has one form, and an unforeseen one says where to look and nothing else."""

from typing import Any

import pytest

from setpoint.domain.grant import Role
from tests.unit.test_control_roles import Control, control

__all__ = ["control"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/api/tick", {"now": "soon"}, 422, "body.now: input should be a valid datetime"),
        ("POST", "/api/tick", {"later": 1}, 422, "body.later: extra inputs are not permitted"),
        ("POST", "/api/tick", {f"x{n}": 1 for n in range(9)}, 422, "6 more"),
        ("GET", "/api/reliability?days=-1", None, 422, "query.days: input should be greater than 0"),
        ("GET", "/api/incidents/nope", None, 404, "no incident 'nope'"),
        ("GET", "/nowhere", None, 404, "no route GET /nowhere"),
        ("POST", "/api/tick", {"now": "x" * 20_000}, 413, "at most 16,384 bytes"),
    ],
)
def test_what_does_not_fit_is_said_in_one_form(
    control: Control, method: str, path: str, body: Any, status: int, said: str
) -> None:
    answer = control.client.request(method, path, headers=control.key(Role.APPROVER), json=body)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert said in answer.json()["error"]


def test_what_was_not_foreseen_says_where_to_look_and_leaks_nothing(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise KeyError("temp is 3.7 of case-17")

    monkeypatch.setattr(type(control.operator), "tick", fails)
    answer = control.ask("POST", "/api/tick", control.key(Role.APPROVER))
    assert answer.status_code == 500
    assert list(answer.json()) == ["error"]
    assert "(KeyError); the output of `setpoint up`" in answer.json()["error"]
    assert "case-17" not in answer.text
