"""A booking knows that its citizen no longer agrees to the use of what they wrote: staff do not read it any longer."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

WITHDRAWN = sa.text(
    "UPDATE bookings SET use_withdrawn = :yes WHERE EXISTS (SELECT 1 FROM consents WHERE consents.kind = 'use'"
    " AND consents.given = :no AND consents.subject = 'booking:' || bookings.id)"
)


def upgrade() -> None:
    op.add_column("bookings", sa.Column("use_withdrawn", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.get_bind().execute(WITHDRAWN, {"yes": True, "no": False})  # it cannot be given again


def downgrade() -> None:
    with op.batch_alter_table("bookings") as table:
        table.drop_column("use_withdrawn")
