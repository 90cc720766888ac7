"""Deployments and the actions that were applied."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "deployments",
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("updates", sa.Integer, nullable=False),
        if_not_exists=True,  # a kill in the middle of this left it, before migrations were all or nothing
    )


def downgrade() -> None:
    op.drop_table("deployments")
