"""what the citizen wrote goes with the case; titles folded for searching; indexes for lists and chores"""

import sqlalchemy as sa
from alembic import op

from station.base.text import fold
from station.base.traditional import simplify

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_cases_year_serial", "cases", ["year", "serial"]),
    ("ix_cases_serial", "cases", ["serial"]),
    ("ix_cases_due_provisional", "cases", ["due_provisional", "due_at"]),
    ("ix_broadcasts_started_at", "broadcasts", ["started_at"]),
)


def upgrade() -> None:
    op.add_column("cases", sa.Column("citizen_topic", sa.String(200), nullable=False, server_default=""))
    op.add_column("cases", sa.Column("citizen_words", sa.Text(), nullable=False, server_default=""))
    op.add_column("cases", sa.Column("citizen_help", sa.String(40), nullable=False, server_default=""))
    op.add_column("cases", sa.Column("search_text", sa.String(240), nullable=False, server_default=""))
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    _take_from_bookings()
    _fold_titles()


def _take_from_bookings() -> None:
    for column, origin in (("citizen_topic", "topic"), ("citizen_words", "description"), ("citizen_help", "help")):
        op.execute(
            f"UPDATE cases SET {column} = (SELECT b.{origin} FROM bookings b WHERE b.id = cases.booking_id) "
            "WHERE booking_id IN (SELECT id FROM bookings)"
        )


def _fold_titles() -> None:
    connection = op.get_bind()
    cases = sa.table("cases", sa.column("id"), sa.column("public_title"), sa.column("search_text"))
    for row in connection.execute(sa.select(cases.c.id, cases.c.public_title).where(cases.c.public_title != "")).all():
        folded = simplify(fold(row.public_title)).lower().replace(" ", "")
        connection.execute(sa.update(cases).where(cases.c.id == row.id).values(search_text=folded))


def downgrade() -> None:
    for name, table, _ in INDEXES:
        op.drop_index(name, table)
    for column in ("search_text", "citizen_help", "citizen_words", "citizen_topic"):
        op.drop_column("cases", column)
