"""The first start: keys of the one-time link, and how far set-up has come."""

import sqlalchemy as sa
from alembic import op

import station.base.database

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "setup_keys",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("made_at", station.base.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_setup_keys")),
    )
    op.create_table(
        "setup_state",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("steps", sa.String(length=60), nullable=False),
        sa.Column("admin_name", sa.String(length=80), nullable=False),
        sa.Column("admin_login", sa.String(length=40), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("totp_secret", sa.String(length=64), nullable=False),
        sa.Column("closed_at", station.base.database.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setup_state")),
    )


def downgrade() -> None:
    op.drop_table("setup_state")
    op.drop_table("setup_keys")
