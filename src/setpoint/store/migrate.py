"""Bring a state database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection


def upgrade(db: Connection) -> None:
    """Run the migrations that a database lacks, all or none of them, within the connection's transaction."""
    _begin(db)
    config = _config()
    config.attributes["connection"] = db
    command.upgrade(config, "head")


def downgrade(db: Connection, to: str) -> None:
    """Take a database back to an earlier migration, for an earlier release, within the connection's transaction."""
    _begin(db)
    config = _config()
    config.attributes["connection"] = db
    command.downgrade(config, to)


def head() -> str | None:
    """Return the name of the newest migration."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _begin(db: Connection) -> None:
    """Begin a transaction that holds tables, too: by itself Python's sqlite3 begins one only at a changed row."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("begin immediate")


def _config() -> Config:
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
