"""What every state store does: SQLite in a file and in memory, and PostgreSQL where a server is given."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from setpoint.domain.envelope import Envelope
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Decided, Deployment, Release
from setpoint.domain.incident import Incident, IncidentStatus
from setpoint.domain.live import Served
from setpoint.domain.objective import Objective
from setpoint.domain.value import replace, to_json
from setpoint.errors import InvalidInput, NotFound, Unusable
from setpoint.store.migrate import downgrade, head
from setpoint.store.state import HEAD, SqlStateStore, metadata

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


@pytest.fixture(params=["file", "memory", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres"))
    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path / 'home' / 'state.db'}"


@pytest.fixture
def store(url: str) -> Iterator[SqlStateStore]:
    store = SqlStateStore(url)
    yield store
    if url.startswith("postgresql"):
        with store._engine.begin() as db:
            for table in metadata.sorted_tables:
                db.execute(table.delete())
    store.close()


def a_deployment(model: str = "demand") -> Deployment:
    return Deployment(
        model=model,
        source="/projects/demand",
        served=Served(champion="v1", maps=(FeatureMap(id="m", feature="temp", scale=1.8, offset=32.0),)),
        envelope=Envelope(),
        objectives=(Objective(metric="mae", at_most=40.0, window_s=3600.0),),
        releases=(Release(version="v1", at=NOW, by="deploy"),),
    )


def test_a_state_that_could_not_be_read_back_is_refused_and_the_last_one_stays(store: SqlStateStore) -> None:
    store.save(a_deployment())
    finding = Finding(
        monitor="drift", metric="m", since=NOW, until=NOW, rows=1, value=float("nan"), limit=1.0, alarm=False
    )
    with pytest.raises(InvalidInput, match="stays as it was"):
        store.save(replace(a_deployment(), findings=(finding,)))
    assert store.load(a_deployment().model) == a_deployment()


def test_what_is_saved_is_loaded(store: SqlStateStore) -> None:
    store.save(a_deployment())
    assert store.load("demand") == a_deployment()


def test_a_later_save_replaces(store: SqlStateStore) -> None:
    store.save(a_deployment())
    decision = Decided(at=NOW, cause="unit", subject="temp", action="inverse_map", why="×1.8 + 32")
    later = replace(a_deployment(), looked=NOW, decisions=(decision,))
    store.save(later)
    assert store.load("demand") == later


def decision(subject: str) -> Decided:
    return Decided(at=NOW, cause="unit", subject=subject, action="inverse_map", why="×1.8 + 32")


def aged(hours: int) -> Deployment:
    """Return a deployment after some hourly looks; of each there is a decision, of each day an incident that ended."""
    seen = a_deployment()
    incidents = tuple(
        Incident(
            id=f"i{day}",
            model=seen.model,
            status=IncidentStatus.CLOSED,
            since=NOW,
            opened=NOW,
            subject="x",
            findings=(),
        )
        for day in range(hours // 24)
    )
    decisions = tuple(decision(f"hour {hour}") for hour in range(hours))
    return replace(seen, looked=NOW + timedelta(hours=hours), decisions=decisions, incidents=incidents)


def test_a_year_of_hourly_looks_makes_none_of_them_write_more(store: SqlStateStore) -> None:
    """Of what has happened before nothing is written again, in the first week and after a year."""
    written = 0

    def count(_: object, __: object, ___: str, parameters: object, *____: object) -> None:
        nonlocal written
        written += len(str(parameters))

    sa.event.listen(store._engine, "before_cursor_execute", count)
    of_a_look = {}
    for hours in (170, 8_760):
        store.save(aged(hours))
        written = 0
        store.save(aged(hours + 1))
        of_a_look[hours] = written
    assert of_a_look[8_760] < 1.1 * of_a_look[170] < 5_000


def test_entries_that_change_or_go_are_found_so_by_another(url: str, store: SqlStateStore) -> None:
    """One changed in the middle, one more, some less, and none; in memory there is no other to ask."""
    other = store if url == "sqlite://" else SqlStateStore(url)
    for subjects in (["a", "b", "c"], ["a", "x", "c"], ["a", "x", "c", "d"], ["a"], [], ["z"]):
        later = replace(a_deployment(), decisions=tuple(map(decision, subjects)))
        store.save(later)
        store._last.clear()
        assert store.load("demand") == other.load("demand") == later
        other.save(replace(later, looked=NOW))
        assert store.load("demand") == replace(later, looked=NOW)
    other.close()


def test_a_state_of_before_the_lists_were_split_off_is_read_and_written_on(store: SqlStateStore) -> None:
    old = replace(a_deployment(), decisions=(decision("a"), decision("b")))
    with store._engine.begin() as db:
        values = {"model": "demand", "document": to_json(old).decode(), "updates": 7}
        db.execute(metadata.tables["deployments"].insert(), values)
    assert store.load("demand") == old
    later = replace(old, decisions=(*old.decisions, decision("c")))
    store.save(later)
    store._last.clear()
    assert store.load("demand") == later


def test_a_save_without_the_lease_replaces_what_came_in_between(url: str, store: SqlStateStore) -> None:
    """The last one to write is right as a whole: entries of two states are never mixed."""
    if url == "sqlite://":
        pytest.skip("nobody else can write to a database in memory")
    store.save(a_deployment())
    other, held = SqlStateStore(url), store._held
    theirs = replace(a_deployment(), decisions=(decision("a"), decision("b")))

    def held_then_overtaken(db: Connection, model: str) -> object:
        found = held(db, model)
        store._held = held  # type: ignore[method-assign]
        other.save(theirs)
        return found

    store._held = held_then_overtaken  # type: ignore[method-assign, assignment]
    mine = replace(a_deployment(), decisions=(decision("c"),))
    store.save(mine)
    assert store.load("demand") == other.load("demand") == mine
    other.close()


def test_models_are_listed_by_name(store: SqlStateStore) -> None:
    assert store.models() == []
    for name in ("b", "a"):
        store.save(a_deployment(name))
    assert store.models() == ["a", "b"]


def test_an_unknown_model_is_named_with_those_there_are(store: SqlStateStore) -> None:
    store.save(a_deployment())
    with pytest.raises(NotFound, match="'demnd' is deployed; deployed are: demand"):
        store.load("demnd")


def test_the_lease_is_re_entrant(store: SqlStateStore) -> None:
    with store.lease(), store.lease():
        store.save(a_deployment())
    with store.lease():
        assert store.models() == ["demand"]


def test_the_lease_keeps_threads_apart(store: SqlStateStore) -> None:
    """A counter that is read, then written, comes out right only if nobody gets in between."""
    count = 0

    def add() -> None:
        nonlocal count
        for _ in range(20):
            with store.lease():
                seen = count
                time.sleep(0.0001)
                count = seen + 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == 80


def test_an_error_gives_the_lease_back(store: SqlStateStore) -> None:
    with pytest.raises(ZeroDivisionError), store.lease():
        raise ZeroDivisionError
    with store.lease():
        pass


def test_state_survives_the_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    first = SqlStateStore(url)
    first.save(a_deployment())
    first.close()
    second = SqlStateStore(url)
    assert second.load("demand") == a_deployment()
    second.close()


HOLD = """
import sys, time
from setpoint.domain.value import replace, to_json
from setpoint.store.state import SqlStateStore
store = SqlStateStore(sys.argv[1])
with store.lease():
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
    store.save(replace(store.load("demand"), source="other"))
"""


@pytest.mark.parametrize("kill", [False, True])
def test_the_lease_keeps_processes_apart_and_a_kill_frees_it(tmp_path: Path, kill: bool) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    store = SqlStateStore(url)
    store.save(a_deployment())
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, url, "60" if kill else "0.3"], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        if kill:
            other.kill()
        with store.lease():
            assert (store.load("demand").source == "other") is not kill
    store.close()


def test_the_newest_migration_is_the_one_the_code_expects(tmp_path: Path) -> None:
    assert head() == HEAD
    store = SqlStateStore(f"sqlite:///{tmp_path / 'state.db'}")
    found = sa.inspect(store._engine)
    for table in metadata.tables.values():
        assert {c["name"] for c in found.get_columns(table.name)} == set(table.columns.keys())
    store.close()


def test_lines_of_a_former_release_become_events_in_both_places(tmp_path: Path) -> None:
    """Of the table `entries`, and of a row of before the lists were split off."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    store = SqlStateStore(url)
    incident = aged(24).incidents[0]
    store.save(replace(a_deployment(), incidents=(incident,)))
    store.save(a_deployment("price"))
    old = json.loads(to_json(incident))
    old["timeline"] = ["2024-01-02 03:04 opened: seen", "2024-01-02 03:05 inverse_map approved by ann", "no date"]
    with store._engine.begin() as db:
        db.execute(sa.text("update entries set document = :d where list = 'incidents'"), {"d": json.dumps(old)})
        row = json.loads(db.scalar(sa.text("select document from deployments where model = 'price'")))
        db.execute(
            sa.text("update deployments set document = :d where model = 'price'"),
            {"d": json.dumps({**row, "incidents": [old]})},
        )
        db.execute(sa.text("update alembic_version set version_num = '0002'"))
    store.close()
    again = SqlStateStore(url)
    for model in ("demand", "price"):
        (incident,) = again.load(model).incidents
        assert [(e.what, e.by, e.said) for e in incident.timeline] == [
            ("opened", "setpoint", "opened: seen"),
            ("approved", "ann", "inverse_map approved by ann"),
            ("noted", "setpoint", "no date"),
        ]
        assert [e.line for e in incident.timeline[:1]] == ["2024-01-02 03:04 opened: seen"]
    again.close()


def test_a_process_of_before_a_migration_writes_nothing_more_and_says_why(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    old = SqlStateStore(url)
    old.save(a_deployment())
    with old._engine.begin() as db:
        db.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(Unusable, match=r"migrated the state database meanwhile \(schema 9999.*nothing was written"):
        old.save(replace(a_deployment(), source="lost"))
    with pytest.raises(Unusable, match=r"of a newer release of setpoint \(schema 9999, this one knows"):
        SqlStateStore(url)
    with old._engine.begin() as db:
        db.execute(sa.text("update alembic_version set version_num = :head"), {"head": HEAD})
    assert old.load("demand") == a_deployment()
    old.close()


def test_a_database_taken_back_and_forth_loses_nothing(tmp_path: Path) -> None:
    """An earlier release finds all lists in their row again."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    store = SqlStateStore(url)
    store.save(aged(24))
    with store._engine.begin() as db:
        downgrade(db, "0001")
        row = json.loads(db.scalar(sa.text("select document from deployments")))
    store.close()
    assert not sa.inspect(store._engine).has_table("entries")
    assert (len(row["decisions"]), len(row["incidents"])) == (len(aged(24).decisions), len(aged(24).incidents))
    again = SqlStateStore(url)
    assert again.load("demand").decisions == aged(24).decisions
    assert [i.id for i in again.load("demand").incidents] == [i.id for i in aged(24).incidents]
    again.close()


def test_opening_again_needs_no_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    SqlStateStore(url).close()
    code = "import sys; from setpoint.store.state import SqlStateStore as S; S(sys.argv[1])"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'alembic' not in sys.modules", url], check=True)


@pytest.mark.parametrize("url", ["", "nonsense", "nosuch://host/x", "mysql://host/x"])
def test_what_is_no_database_is_reported(url: str) -> None:
    with pytest.raises(Unusable, match="SETPOINT_STATE is no URL of a database that can be used here: "):
        SqlStateStore(url)


def test_a_home_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(Unusable, match=r"home not writable: .*home.*; set SETPOINT_HOME"):
        SqlStateStore(f"sqlite:///{tmp_path / 'home' / 'state.db'}")


def test_a_database_that_another_program_holds_is_not_called_unwritable(tmp_path: Path) -> None:
    store = SqlStateStore(f"sqlite:///{tmp_path / 'state.db'}")
    sa.event.listen(store._engine, "connect", lambda raw, _: raw.execute("pragma busy_timeout=1"))
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as other:
        other.execute("begin immediate")
        store._engine.dispose()
        with pytest.raises(Unusable, match=r"cannot use the state database .*state\.db \(database is locked\)"):
            store.save(a_deployment())
    store.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_without_permission_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Unusable, match="home not writable"):
        SqlStateStore(f"sqlite:///{tmp_path / 'state.db'}")
    tmp_path.chmod(0o700)


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(Unusable, match=r"state\.db \(file is not a database\); check SETPOINT_STATE"):
        SqlStateStore(f"sqlite:///{tmp_path / 'state.db'}")
