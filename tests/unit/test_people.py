"""Who may speak: a key is shown once, and nothing kept tells it again."""

import stat
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from setpoint.domain.grant import Grant, Role
from setpoint.errors import Conflict, Corrupt, NotFound
from setpoint.store.people import FILE, People

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def test_a_key_is_its_persons_until_it_is_removed(tmp_path):
    people = People(tmp_path)
    ann, bob = people.add("ann", NOW), people.add("bob", NOW)
    assert [people.who(key) and people.who(key).name for key in (ann, bob, ann[:-1], "")] == ["ann", "bob", None, None]
    people.remove("ann")
    assert (people.who(ann), people.who(bob).name) == (None, "bob")
    assert [p.name for p in People(tmp_path).all()] == ["bob"]


def test_a_key_reads_all_models_and_no_more_unless_it_is_said(tmp_path):
    people = People(tmp_path)
    ann, bob = people.add("ann", NOW), people.add("bob", NOW, Role.APPROVER, ("demand",))
    assert people.who(ann) == Grant(name="ann", role=Role.VIEWER)
    assert people.who(bob) == Grant(name="bob", role=Role.APPROVER, models=("demand",))


def test_a_key_from_before_there_were_roles_allows_what_it_did(tmp_path):
    digest = sha256(b"sp_old").hexdigest()
    (tmp_path / FILE).write_text(f'[{{"name": "ann", "digest": "{digest}", "added": "2024-06-01T00:00:00Z"}}]')
    assert People(tmp_path).who("sp_old") == Grant(name="ann", role=Role.APPROVER)


def test_the_file_tells_no_key_and_is_for_its_owner_alone(tmp_path):
    key = People(tmp_path).add("ann", NOW)
    file = tmp_path / FILE
    assert key not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_cannot_be_is_refused_with_what_to_do(tmp_path):
    people = People(tmp_path)
    people.add("ann", NOW)
    with pytest.raises(Conflict, match="`setpoint people remove ann` ends it"):
        people.add("ann", NOW)
    with pytest.raises(NotFound, match="nobody called 'bob' has a key; there are ann"):
        people.remove("bob")
    (tmp_path / FILE).write_text("{")
    with pytest.raises(Corrupt, match="give everybody a new key"):
        people.who("x")
