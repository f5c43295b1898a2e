"""Words of published titles for the search, and indexes from which each list of cases is read in its order."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WORD = sa.String(2).with_variant(sa.String(2, collation="C"), "postgresql")
# Name, table, columns, condition, and the columns that the index had before (None: there was none).
INDEXES = (
    ("ix_cases_year_serial", "cases", ["year", "serial", "id"], None, ["year", "serial"]),
    ("ix_cases_state_due_at", "cases", ["state", "due_at", "id", "station_id"], None, ["state", "due_at"]),
    ("ix_cases_unit_id", "cases", ["unit_id", "state", "due_at", "id"], None, ["unit_id", "state"]),
    ("ix_cases_citizen", "cases", ["citizen", "opened_at", "id"], None, ["citizen"]),
    ("ix_cases_deputy_id", "cases", ["deputy_id", "opened_at", "id"], None, ["deputy_id"]),
    (
        "ix_cases_unreviewed", "cases", ["opened_at", "id", "station_id", "state", "public_reply"],
        "public_reply = '' AND state NOT IN ('noted', 'accepted', 'declined', 'assigned', 'returned')", None,
    ),
    (
        "ix_cases_redone", "cases", ["due_at", "id", "state", "round"],
        "round > 1 AND state NOT IN ('noted', 'accepted', 'declined', 'returned', 'replied', 'rated', 'concluded')", None,
    ),
    ("ix_case_replies_at", "case_replies", ["at", "unit_id", "late", "soon", "case_id", "round"], None, ["at"]),
    ("ix_case_ratings_grade", "case_ratings", ["case_id", "round", "grade"], None, None),
    ("ix_case_extensions_undecided", "case_extensions", ["case_id"], "granted IS NULL", None),
    ("ix_case_cards_issued_at", "case_cards", ["issued_at", "id", "unit_id", "colour", "withdrawn_at"], None, None),
)  # fmt: skip
AT_ONCE = 500  # titles; each has some ten words


def upgrade() -> None:
    for name, table, columns, condition, before in INDEXES:
        if before is not None:
            op.drop_index(name, table)
        where = sa.text(condition) if condition else None
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "case_words",
        sa.Column("word", WORD, nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("serial", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_words_case_id")),
        sa.PrimaryKeyConstraint("word", "year", "serial", "case_id", name=op.f("pk_case_words")),
        sqlite_with_rowid=False,
    )
    _take_words()
    op.create_index("ix_case_words_case_id", "case_words", ["case_id"])


def _take_words() -> None:
    """Each pair of signs of a published title, and its last sign alone (`station.cases.model.title_words`)."""
    connection = op.get_bind()
    cases = sa.table("cases", *map(sa.column, ("id", "year", "serial", "published", "search_text")))
    names = ("word", "year", "serial", "case_id")
    words = sa.table("case_words", *map(sa.column, names))
    shown = sa.select(cases.c.id, cases.c.year, cases.c.serial, cases.c.search_text).where(cases.c.published.is_(True))
    found = connection.execute(shown).all()
    for first in range(0, len(found), AT_ONCE):
        rows = [
            dict(zip(names, (word, case.year, case.serial, case.id), strict=True))
            for case in found[first : first + AT_ONCE]
            for word in {case.search_text[n : n + 2] for n in range(len(case.search_text))}
        ]
        if rows:
            connection.execute(sa.insert(words), rows)


def downgrade() -> None:
    op.drop_table("case_words")
    for name, table, _columns, _condition, before in INDEXES:
        op.drop_index(name, table)
        if before is not None:
            op.create_index(name, table, before)
