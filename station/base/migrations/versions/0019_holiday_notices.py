"""The State Council's notices on holidays, put in before the packages know them."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "holiday_notices",
        sa.Column("year", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("breaks", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("put_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("put_in_by", sa.String(80), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("holiday_notices")
