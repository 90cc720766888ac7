"""A kill at any statement of a first start, or of a migration, leaves the old schema or the new one."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from setpoint.store.state import HEAD, SqlStateStore

EVERY_KILL = """
import os, signal, sys
import sqlalchemy as sa
from setpoint.store import migrate, state
url, start = sys.argv[1], sys.argv[2]
engine = lambda: state._engine(sa.engine.make_url(url))

def schema(db):
    tables = sorted(sa.inspect(db).get_table_names())
    rows = [str(r) for t in tables for r in db.execute(sa.text(f"select * from {t} order by 1, 2")
            if t != "alembic_version" else sa.text(f"select * from {t}"))]
    return tables, rows

def opened(killed_at):
    seen = 0
    def count(*_):
        nonlocal seen
        if seen == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1
    sa.event.listen(sa.engine.Engine, "before_cursor_execute", count)
    sa.event.listen(sa.engine.Engine, "commit", count)
    state.SqlStateStore(url).close()

def clear():
    made = engine()
    with made.begin() as db:
        for table in sa.inspect(db).get_table_names():
            db.execute(sa.text(f"drop table {table}"))
    made.dispose()

def reset():
    clear()
    made = engine()
    if start == "0001":
        state.SqlStateStore(url).close()
        with made.begin() as db:
            migrate.downgrade(db, "0001")
            db.execute(sa.text("insert into deployments values ('demand', :d, 1)"), {"d": '{"incidents": []}'})
            db.execute(sa.text("insert into deployments values ('price', :d, 1)"), {"d": '{"incidents": []}'})
    made.dispose()
    return found()

def found():
    made = engine()
    with made.connect() as db:
        now = schema(db)
    made.dispose()
    return now

reset()
state.SqlStateStore(url).close()
whole, killed = found(), 0
while True:
    before = reset()
    if not (child := os.fork()):
        opened(killed)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert found() in (before, whole), (killed, found())
    if not os.WIFSIGNALED(status):
        break
    state.SqlStateStore(url).close()  # the next start
    assert found() == whole
    killed += 1
assert status == 0
clear()
print(killed)
"""


@pytest.mark.parametrize("start", ["nothing", "0001"])
@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_a_migration_is_all_or_nothing_wherever_it_is_killed(
    request: pytest.FixtureRequest, tmp_path: Path, server: str, start: str
) -> None:
    url = request.getfixturevalue("postgres") if server == "postgresql" else f"sqlite:///{tmp_path / 'state.db'}"
    done = subprocess.run([sys.executable, "-c", EVERY_KILL, url, start], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


def test_what_a_kill_left_before_migrations_were_all_or_nothing_is_no_obstacle(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as db:
        db.execute(sa.text("create table alembic_version (version_num varchar(32) not null primary key)"))
        db.execute(sa.text("create table deployments (model varchar(64) primary key, document text, updates integer)"))
    engine.dispose()
    store = SqlStateStore(url)
    assert store.models() == []
    assert store._schema_version() == HEAD
    store.close()
