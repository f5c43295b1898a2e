"""A notice keeps its kind and what fills the gaps of its sentence, so that each reader reads it in their language."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notices", sa.Column("kind", sa.String(40), nullable=False, server_default=""))
    op.add_column("notices", sa.Column("gaps", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("notices", "gaps")
    op.drop_column("notices", "kind")
