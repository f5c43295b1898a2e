"""An index by which the photos of a cancelled booking are kept where a matter came of it."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_cases_booking_id"), "cases", ["booking_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_cases_booking_id"), "cases")
