"""times that a deputy or the station has closed, and who cancelled a booking and why"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("slots", sa.Column("closed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("bookings", sa.Column("cancelled_by", sa.String(12), nullable=False, server_default=""))
    op.add_column("bookings", sa.Column("cancel_reason", sa.String(200), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("bookings", "cancel_reason")
    op.drop_column("bookings", "cancelled_by")
    op.drop_column("slots", "closed")
