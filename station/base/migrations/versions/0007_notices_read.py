"""Whose page a notice stands on, and whether they have looked at it. What went out by SMS counts as read."""

import sqlalchemy as sa
from alembic import op

import station.base.database

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OWNERS = (
    "UPDATE notices SET account = address WHERE channel = 'app'",
    "UPDATE notices SET account = COALESCE((SELECT MIN(accounts.id) FROM accounts WHERE accounts.role = 'citizen' "
    "AND accounts.phone = notices.address), ''), read_at = sent_at WHERE channel = 'sms' AND NOT secret",
    # Nobody was shown these before; they need no delivery any longer.
    "UPDATE notices SET state = 'sent', sent_at = created_at WHERE channel = 'app' AND state = 'waiting'",
    # One-time codes are of no use after ten minutes, and none waits that long for anybody.
    "UPDATE notices SET text = '' WHERE secret AND state <> 'waiting'",
)


def upgrade() -> None:
    op.add_column("notices", sa.Column("account", sa.String(length=24), server_default="", nullable=False))
    op.add_column("notices", sa.Column("read_at", station.base.database.UtcDateTime(timezone=True), nullable=True))
    for statement in OWNERS:
        op.execute(statement)
    op.create_index("ix_notices_account", "notices", ["account", "created_at"])
    op.create_index("ix_notices_created_at", "notices", ["created_at"])


def downgrade() -> None:
    op.drop_index("ix_notices_created_at", "notices")
    op.drop_index("ix_notices_account", "notices")
    op.drop_column("notices", "read_at")
    op.drop_column("notices", "account")
