"""The directory is kept on pages: more facts of stations, units and deputies, other names of places, row versions."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# Table and the columns that it gains; each holds something in the rows that are there already.
TEXTS: dict[str, dict[str, int]] = {
    "stations": {"hours": 120, "directions": 400, "accessibility": 200},
    "units": {"contacts": 400},
    "deputies": {"syllables": 80},
}
FLAGS: dict[str, dict[str, Any]] = {"stations": {"closed": sa.false()}, "units": {"retired": sa.false()}, "deputies": {"receiving": sa.true()}}
VERSIONED = ("stations", "units", "constituencies", "deputies")


def columns_of(table: str) -> list[sa.Column[Any]]:
    texts = TEXTS.get(table, {}).items()
    made: list[sa.Column[Any]] = [sa.Column(name, sa.String(most), nullable=False, server_default="") for name, most in texts]
    flags = FLAGS.get(table, {}).items()
    made += [sa.Column(name, sa.Boolean(), nullable=False, server_default=value) for name, value in flags]
    return [*made, sa.Column("version", sa.Integer(), nullable=False, server_default="1")]


def upgrade() -> None:
    for table in VERSIONED:
        for column in columns_of(table):
            op.add_column(table, column)
    op.create_table(
        "place_spellings",
        sa.Column("place", sa.String(24), nullable=False),
        sa.Column("spelling", sa.String(60), nullable=False),
        sa.Column("letters", sa.String(200), nullable=False),
        sa.Column("initials", sa.String(60), nullable=False),
        sa.ForeignKeyConstraint(["place"], ["places.id"], name=op.f("fk_place_spellings_place"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("place", "spelling", name=op.f("pk_place_spellings")),
    )
    _spell_places()


def _spell_places() -> None:
    """The places that are there are found by their pinyin as new ones are."""
    connection = op.get_bind()
    places = connection.execute(sa.text("SELECT id, name FROM places")).all()
    if not places:
        return
    from pypinyin import lazy_pinyin  # noqa: PLC0415  its dictionary is large, and an empty database needs none

    names = ("place", "spelling", "letters", "initials")
    spellings = sa.table("place_spellings", *map(sa.column, names))
    rows = []
    for identity, name in places:
        parts = [part.lower() for part in lazy_pinyin(name) if part.isascii() and part.isalnum()]
        rows.append(dict(zip(names, (identity, name, "".join(parts)[:200], "".join(p[0] for p in parts)), strict=True)))
    connection.execute(sa.insert(spellings), rows)


def downgrade() -> None:
    op.drop_table("place_spellings")
    for table in VERSIONED:
        with op.batch_alter_table(table) as batch:
            for column in columns_of(table):
                batch.drop_column(column.name)
