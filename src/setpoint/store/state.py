"""The state database: what the loop remembers, in SQLite or PostgreSQL."""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

from setpoint.domain.fleet import Deployment
from setpoint.errors import NotFound, Unusable
from setpoint.store.lists import LISTS, NOTHING, Lists, joined, lists_of, split

HEAD = "0003"  # the newest migration
NOT_WRITABLE = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR", "SQLITE_FULL")
LEASE_KEY = 7_337_001  # of the advisory lock in PostgreSQL

metadata = sa.MetaData()
deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("model", sa.String(64), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),  # a Deployment as JSON, without what is in `entries`
    sa.Column("updates", sa.Integer, nullable=False),
)
entries = sa.Table(
    "entries",
    metadata,
    sa.Column("model", sa.String(64), primary_key=True),
    sa.Column("list", sa.String(16), primary_key=True),  # one of `LISTS`
    sa.Column("place", sa.Integer, primary_key=True),  # in it, from 0
    sa.Column("document", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class _Held:
    """A deployment as it was last read or written, what the table `entries` has of it, and the count of its updates."""

    deployment: Deployment
    stored: Lists
    updates: int


def _put_together(rows: Iterable[tuple[str, int, str]]) -> _Held:
    """Return a deployment from its row (of no list) and its entries; one of before `entries` has all in its row."""
    found: dict[str, dict[int, str]] = {name: {} for name in LISTS}
    for name, place, document in rows:
        found.setdefault(name, {})[place] = document
    ((updates, document),) = found.pop("").items()
    return _Held(*joined(document, found), updates)


def _write(db: Connection, model: str, name: str, changed: Mapping[int, str], before: int, after: int) -> None:
    """Put changed entries of a list in their places, and drop those beyond its end."""
    mine = (entries.c.model == model) & (entries.c.list == name)
    if again := [at for at in changed if at < before]:
        db.execute(sa.delete(entries).where(mine & entries.c.place.in_(again)))
    if changed:
        rows = [{"model": model, "list": name, "place": at, "document": document} for at, document in changed.items()]
        db.execute(sa.insert(entries), rows)
    if after < before:
        db.execute(sa.delete(entries).where(mine & (entries.c.place >= after)))


class SqlStateStore:
    """Fulfils `ports.StateStore` with SQLAlchemy.

    A deployment is one row, and its lists that grow with its age have a row for each entry: a save writes the entries
    that are new or changed, however many there are.

    Parameters
    ----------
    url : str
        `sqlite:////folder/state.db`, `postgresql+psycopg://…`, or `sqlite://` for a database in memory (replay).

    Raises
    ------
    Unusable
        If the database cannot be opened.
    """

    def __init__(self, url: str) -> None:
        try:
            self._url = make_url(url)
            self._engine = _engine(self._url)
        except (ArgumentError, ImportError) as e:
            said = str(e).splitlines()[0]
            raise Unusable(f"SETPOINT_STATE is no URL of a database that can be used here: {said}") from e
        self._file = _file(self._url)
        self._holder = threading.RLock()
        self._depth = 0
        self._last: dict[str, _Held] = {}
        try:
            if self._file:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            if self._schema_version() != HEAD:
                with self.lease():
                    self._migrate()
        except (OSError, DatabaseError) as e:
            raise self._unusable(e) from e

    def lease(self) -> contextlib.AbstractContextManager[None]:
        """Hold the right to change state; waits for a holder in another process or thread. Re-entrant in a thread."""
        return self._lease()

    def load(self, model: str) -> Deployment:
        with self._engine.connect() as db:
            held = self._held(db, model)
        if held is None:
            have = ", ".join(self.models()) or "none"
            raise NotFound(f"no model called {model!r} is deployed; deployed are: {have}")
        return held.deployment

    def models(self) -> list[str]:
        with self._engine.connect() as db:
            return list(db.scalars(sa.select(deployments.c.model).order_by(deployments.c.model)))

    def save(self, deployment: Deployment) -> None:
        while not self._saved(deployment):  # somebody without the lease came in between
            pass

    def _saved(self, deployment: Deployment) -> bool:
        """Write what differs from what is stored, unless that has changed since it was read."""
        model = deployment.model
        with self._changes() as db:
            held = self._held(db, model)
            stored, updates = (held.stored, held.updates) if held else (NOTHING, 0)
            row, changed = split(deployment, stored)
            values = {"document": row, "updates": updates + 1}
            if held is None:
                db.execute(sa.insert(deployments).values(model=model, **values))
            else:
                mine = (deployments.c.model == model) & (deployments.c.updates == updates)
                if not db.execute(sa.update(deployments).where(mine).values(values)).rowcount:
                    return False
            self._check_release(db)  # after the first write: from then on nobody else can migrate
            after = lists_of(deployment)
            for name in LISTS:
                _write(db, model, name, changed[name], len(stored[name]), len(after[name]))
        self._last[model] = _Held(deployment, after, updates + 1)
        return True

    def _held(self, db: Connection, model: str) -> _Held | None:
        """Return a deployment as it is stored; it is read anew only where somebody has written it meanwhile."""
        updates = db.scalar(sa.select(deployments.c.updates).where(deployments.c.model == model))
        last = self._last.get(model)
        if updates is None or (last is not None and last.updates == updates):
            return None if updates is None else last
        row = sa.select(sa.literal(""), deployments.c.updates, deployments.c.document)
        rest = sa.select(entries.c.list, entries.c.place, entries.c.document)
        both = sa.union_all(  # one statement: it sees one state, whoever writes meanwhile
            row.where(deployments.c.model == model), rest.where(entries.c.model == model)
        )
        self._last[model] = _put_together(map(tuple, db.execute(both)))
        return self._last[model]

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _changes(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as db:
                yield db
        except OperationalError as e:
            raise self._unusable(e) from e

    @contextmanager
    def _lease(self) -> Iterator[None]:
        with self._holder:
            if self._depth:
                outer: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
            elif self._file:
                outer = _file_lock(self._file.with_name(self._file.name + ".lock"))
            elif self._url.get_backend_name() == "postgresql":
                outer = _advisory_lock(self._engine)
            else:
                outer = contextlib.nullcontext()
            with outer:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1

    def _check_release(self, db: Connection) -> None:
        """Refuse to write into a database that another release has migrated since this process opened it."""
        if (found := _version(db)) != HEAD:
            raise Unusable(
                f"another release of setpoint has migrated the state database meanwhile (schema {found}, this process "
                f"writes {HEAD}); nothing was written: restart this process with the release that migrated it"
            )

    def _schema_version(self) -> str | None:
        with self._engine.connect() as db:
            if not sa.inspect(db).has_table("alembic_version"):
                return None
            return _version(db)

    def _migrate(self) -> None:
        found = self._schema_version()
        if found is not None and found > HEAD:
            raise Unusable(
                f"the state database is of a newer release of setpoint (schema {found}, this one knows {HEAD}); "
                "use that release"
            )
        if found != HEAD:  # somebody else may have done it while we waited
            # slow to import, and needed once in the life of a database
            from setpoint.store.migrate import upgrade

            with self._engine.begin() as db:
                upgrade(db)

    def _unusable(self, cause: OSError | DatabaseError) -> Unusable:
        if self._file and (isinstance(cause, OSError) or _not_writable(cause)):
            return Unusable(f"home not writable: {self._file.parent} ({_reason(cause)}); set SETPOINT_HOME")
        where = self._url.render_as_string(hide_password=True)
        return Unusable(f"cannot use the state database {where} ({_reason(cause)}); check SETPOINT_STATE")


def _version(db: Connection) -> str | None:
    """Return the migration that a database is at."""
    version: str | None = db.scalar(sa.text("select version_num from alembic_version"))
    return version


def _file(url: URL) -> Path | None:
    in_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)) if in_file else None


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True)
    if _file(url) is None:
        return sa.create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    engine = sa.create_engine(url, connect_args={"timeout": 30})
    sa.event.listen(engine, "connect", _use_wal)
    return engine


def _use_wal(connection: Any, _: object) -> None:
    connection.execute("pragma journal_mode=wal")


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _advisory_lock(engine: Engine) -> Iterator[None]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(sa.text("select pg_advisory_lock(:key)"), {"key": LEASE_KEY})
        try:
            yield
        finally:
            db.execute(sa.text("select pg_advisory_unlock(:key)"), {"key": LEASE_KEY})


def _not_writable(cause: DatabaseError) -> bool:
    return str(getattr(cause.orig, "sqlite_errorname", "")).startswith(NOT_WRITABLE)


def _reason(cause: OSError | DatabaseError) -> str:
    if isinstance(cause, OSError):
        return cause.strerror or str(cause)
    return str(cause.orig).strip()
