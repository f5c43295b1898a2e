"""An index for the page of notices that were not sent."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_notices_state_created_at", "notices", ["state", "created_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_notices_state_created_at", "notices")
