"""Whose station this is, in the database; the texts that people agree to, in versions that their answers name."""

import sqlalchemy as sa
from alembic import op

import station.base.database

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("district", sa.String(length=40), nullable=False),
        sa.Column("higher_unit", sa.String(length=60), nullable=False),
        sa.Column("help_phone", sa.String(length=40), nullable=False),
        sa.Column("help_hours", sa.String(length=60), nullable=False),
        sa.Column("sms_signature", sa.String(length=20), nullable=False),
        sa.Column("languages", sa.String(length=20), nullable=False),
        sa.Column("accent", sa.String(length=7), nullable=False),
        sa.Column("mark_kind", sa.String(length=3), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("mark_digest", sa.String(length=64), nullable=False),
        sa.Column("changed_at", station.base.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
    )
    op.create_table(
        "district_texts",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("chinese", sa.Text(), nullable=False),
        sa.Column("english", sa.Text(), nullable=False),
        sa.Column("published_at", station.base.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "version", name=op.f("pk_district_texts")),
    )
    with op.batch_alter_table("consents") as table:
        table.add_column(sa.Column("notice_version", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("wording_version", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("consents") as table:
        table.drop_column("wording_version")
        table.drop_column("notice_version")
    op.drop_table("district_texts")
    op.drop_table("identities")
