"""The timelines of incidents: events with a time, a kind and who did it, where there were lines."""

import json
import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

LINE = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d) (.*)", re.DOTALL)
KINDS = (
    (r"opened:", "opened"),
    (r"most likely", "located"),
    (r"waits for a person", "asked"),
    (r"recovered:", "recovered"),
    (r"lift ", "lifted"),
    (r"undo ", "undone"),
    (r"closed:", "closed"),
    (r"acknowledged by", "acknowledged"),
    (r"\w+ approved by", "approved"),
    (r"\w+ by [^:]*:", "mended"),
)
BY = re.compile(r"(?:acknowledged by |approved by |taken back by |^\w+ by )([^:]+)")


def upgrade() -> None:
    _rewrite(with_events)


def downgrade() -> None:
    """Write events as lines again; who did what is then in their words only."""
    _rewrite(with_lines)


def _rewrite(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    entries = sa.table("entries", *(sa.column(c) for c in ("model", "list", "place", "document")))
    deployments = sa.table("deployments", *(sa.column(c) for c in ("model", "document", "updates")))
    db = op.get_bind()
    for model, place, document in db.execute(
        sa.select(entries.c.model, entries.c.place, entries.c.document).where(entries.c.list == "incidents")
    ).all():
        mine = (entries.c.model == model) & (entries.c.list == "incidents") & (entries.c.place == place)
        written = json.dumps(change(json.loads(document)))
        db.execute(sa.update(entries).where(mine).values(document=written))
    for model, document in db.execute(sa.select(deployments.c.model, deployments.c.document)).all():
        found = json.loads(document)
        if found.get("incidents"):  # of before the lists were split off
            found["incidents"] = [change(i) for i in found["incidents"]]
        row = {"document": json.dumps(found), "updates": deployments.c.updates + 1}  # who has read it reads it anew
        db.execute(sa.update(deployments).where(deployments.c.model == model).values(row))


def with_events(incident: dict[str, Any]) -> dict[str, Any]:
    """Return an incident whose timeline is of events."""
    lines = incident.get("timeline", [])
    return {**incident, "timeline": [_event(line, incident["opened"]) for line in lines]}


def with_lines(incident: dict[str, Any]) -> dict[str, Any]:
    """Return an incident whose timeline is of lines."""
    events = incident.get("timeline", [])
    return {**incident, "timeline": [f"{e['at'][:10]} {e['at'][11:16]} {e['said']}" for e in events]}


def _event(line: str, opened: str) -> dict[str, str]:
    dated = LINE.fullmatch(line)
    at, said = (f"{dated[1]}T{dated[2]}:00Z", dated[3]) if dated else (opened, line)
    what = next((kind for words, kind in KINDS if re.match(words, said)), "noted")
    who = BY.search(said) if what in ("acknowledged", "approved", "undone", "mended") else None
    return {"at": at, "what": what, "said": said, "by": who[1] if who else "setpoint"}
