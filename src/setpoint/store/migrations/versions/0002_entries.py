"""The lists of a deployment that grow with its age: a row for each entry."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("list", sa.String(16), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Put the lists back into the rows of their deployments."""
    entries = sa.table("entries", *(sa.column(c) for c in ("model", "list", "place", "document")))
    deployments = sa.table("deployments", *(sa.column(c) for c in ("model", "document", "updates")))
    db = op.get_bind()
    for model, document in db.execute(sa.select(deployments.c.model, deployments.c.document)).all():
        found = json.loads(document)
        rows = sa.select(entries.c.list, entries.c.document).where(entries.c.model == model).order_by(entries.c.place)
        split: dict[str, list[Any]] = {}
        for name, entry in db.execute(rows).all():
            split.setdefault(name, []).append(json.loads(entry))
        written = {"document": json.dumps(found | split), "updates": deployments.c.updates + 1}
        db.execute(sa.update(deployments).where(deployments.c.model == model).values(written))
    op.drop_table("entries")
