"""Who may speak over the control API: names, and the digests of their keys, in a file that its owner alone may read."""

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from setpoint.domain.grant import Grant, Role
from setpoint.domain.value import from_json, to_json, value
from setpoint.errors import Conflict, Corrupt, NotFound, Unusable

FILE = "people.json"
PREFIX = "sp_"
LONGEST = 200  # characters of a key that is looked at


@value
class Person:
    """A name, the SHA-256 of a key of 256 random bits, since when, and what it allows."""

    name: str
    digest: str
    added: datetime
    role: Role = Role.APPROVER  # of a key from before there were roles
    models: tuple[str, ...] = ()

    @property
    def grant(self) -> Grant:
        """What the key allows."""
        return Grant(name=self.name, role=self.role, models=self.models)


class People:
    """The people of a home. A key is shown once, when it is made; nothing here tells it again."""

    def __init__(self, home: Path) -> None:
        self._file, self._lock = home / FILE, home / f"{FILE}.lock"

    def all(self) -> tuple[Person, ...]:
        """Return everybody, in the order in which they were added.

        Raises
        ------
        Corrupt
            If the file is not what was written.
        """
        try:
            return from_json(self._file.read_bytes(), tuple[Person, ...])
        except FileNotFoundError:
            return ()
        except msgspec.DecodeError as e:
            raise Corrupt(f"{self._file} is damaged: {e}; remove it, and give everybody a new key") from e

    def add(self, name: str, now: datetime, role: Role = Role.VIEWER, models: tuple[str, ...] = ()) -> str:
        """Give somebody a key, and return it; Conflict if they have one. Without `models` it is for all of them."""
        with self._changing() as people:
            if name in people:
                raise Conflict(f"{name} has a key already; `setpoint people remove {name}` ends it")
            key = PREFIX + secrets.token_urlsafe(32)
            person = Person(name=name, digest=_digest(key), added=now, role=role, models=models)
            self._write({**people, name: person})
            return key

    def remove(self, name: str) -> None:
        """End somebody's key; NotFound names those there are."""
        with self._changing() as people:
            if name not in people:
                raise NotFound(f"nobody called {name!r} has a key; there are {', '.join(people) or 'none'}")
            self._write({n: p for n, p in people.items() if n != name})

    def who(self, key: str) -> Grant | None:
        """Return whose key this is, and what it allows; None if it is nobody's."""
        found: Grant | None = None
        given = _digest(key[:LONGEST])
        for person in self.all():
            if hmac.compare_digest(person.digest, given):
                found = person.grant
        return found

    @contextmanager
    def _changing(self) -> Iterator[Mapping[str, Person]]:
        try:
            with self._lock.open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield {p.name: p for p in self.all()}
        except OSError as e:
            if isinstance(e, Unusable):
                raise
            raise Unusable(f"{self._file} cannot be written: {e.strerror}") from e

    def _write(self, people: Mapping[str, Person]) -> None:
        new = self._file.with_name(f"{FILE}.{os.getpid()}.new")
        descriptor = os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(to_json(tuple(people.values()), pretty=True))
            file.flush()
            os.fsync(descriptor)
        new.replace(self._file)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
