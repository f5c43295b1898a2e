"""Which media process holds which room."""

import sqlalchemy as sa
from alembic import op

import station.base.database

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "placements",
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("placed_at", station.base.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("room", name=op.f("pk_placements")),
    )


def downgrade() -> None:
    op.drop_table("placements")
