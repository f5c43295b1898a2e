"""Consent that can be taken back: who was shown in a broadcast, whether it is public; signs of life in the lobby."""

import json

import sqlalchemy as sa
from alembic import op

import station.base.database

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SHOWN = ("broadcast.started", "broadcast.source-changed")


def upgrade() -> None:
    with op.batch_alter_table("lobby_entries") as table:
        table.add_column(sa.Column("seen_at", station.base.database.UtcDateTime(timezone=True)))
    with op.batch_alter_table("broadcasts") as table:
        table.add_column(sa.Column("published", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("pending", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_broadcasts_pending"), "broadcasts", ["pending"])
    op.create_table(
        "broadcast_sources",
        sa.Column("broadcast_id", sa.String(length=24), nullable=False),
        sa.Column("person", sa.String(length=24), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("broadcast_id", "person", name=op.f("pk_broadcast_sources")),
    )
    op.create_index(op.f("ix_broadcast_sources_person"), "broadcast_sources", ["person"])
    op.create_index(op.f("ix_consents_account_at"), "consents", ["account", "at"])
    _fill_sources()


def _fill_sources() -> None:
    """Everybody whom the ledger says to have been on air; the row itself knows only the last of them."""
    connection = op.get_bind()
    shown: set[tuple[str, str]] = set()
    for broadcast, person in connection.execute(sa.text("SELECT id, person FROM broadcasts")):
        shown.add((broadcast, person))
    events = sa.text("SELECT subject, data FROM ledger_events WHERE action IN :actions")
    query = events.bindparams(sa.bindparam("actions", expanding=True))
    for subject, data in connection.execute(query, {"actions": list(_SHOWN)}):
        person = json.loads(data).get("person")
        if isinstance(person, str) and person:
            shown.add((subject.removeprefix("broadcast:"), person))
    table = sa.table("broadcast_sources", sa.column("broadcast_id"), sa.column("person"), sa.column("hidden"))
    if shown:
        rows = [{"broadcast_id": b, "person": p, "hidden": False} for b, p in sorted(shown)]
        connection.execute(sa.insert(table), rows)


def downgrade() -> None:
    op.drop_index(op.f("ix_consents_account_at"), "consents")
    op.drop_table("broadcast_sources")
    op.drop_index(op.f("ix_broadcasts_pending"), "broadcasts")
    with op.batch_alter_table("broadcasts") as table:
        table.drop_column("pending")
        table.drop_column("revision")
        table.drop_column("published")
    with op.batch_alter_table("lobby_entries") as table:
        table.drop_column("seen_at")
