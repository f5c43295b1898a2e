"""A reception whose citizen no longer agrees to the use of what they wrote is called by its booking's number."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# The number is the last six signs of the booking's id, in pairs.
PAIRS = " || ' ' || ".join(f"upper(substr(booking_id, length(booking_id) - {back}, 2))" for back in (5, 3, 1))
FORGET = sa.text(
    f"UPDATE meetings SET title = {PAIRS} WHERE kind = 'reception' AND EXISTS"
    " (SELECT 1 FROM bookings WHERE bookings.id = meetings.booking_id AND bookings.use_withdrawn = :yes)"
)


def upgrade() -> None:
    op.get_bind().execute(FORGET, {"yes": True})


def downgrade() -> None:
    """The words stay with the booking, where the citizen alone reads them."""
