"""Bring a state database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection


def upgrade(db: Connection) -> None:
    """Run the migrations that a database lacks, within the connection's transaction."""
    config = _config()
    config.attributes["connection"] = db
    command.upgrade(config, "head")


def downgrade(db: Connection, to: str) -> None:
    """Take a database back to an earlier migration, for an earlier release, within the connection's transaction."""
    config = _config()
    config.attributes["connection"] = db
    command.downgrade(config, to)


def head() -> str | None:
    """Return the name of the newest migration."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
