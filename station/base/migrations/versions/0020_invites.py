"""Invites by which staff set their password and second factor; why an account is locked; browsers of sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invites",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("account", sa.String(24), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("asks", sa.String(8), nullable=False),
        sa.Column("totp_secret", sa.String(64), nullable=False),
        sa.Column("pending_hash", sa.String(200), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invites")),
    )
    op.create_index("ix_invites_account", "invites", ["account"])
    op.create_index("ix_invites_token_hash", "invites", ["token_hash"], unique=True)
    op.add_column("accounts", sa.Column("locked_why", sa.String(200), nullable=False, server_default=""))
    op.add_column("accounts", sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("accounts", sa.Column("signed_in_at", sa.DateTime(timezone=True)))
    op.add_column("sessions", sa.Column("browser", sa.String(40), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("sessions") as table:
        table.drop_column("browser")
    with op.batch_alter_table("accounts") as table:
        for name in ("signed_in_at", "version", "locked_why"):
            table.drop_column(name)
    op.drop_table("invites")
