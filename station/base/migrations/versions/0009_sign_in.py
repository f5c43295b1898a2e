"""Sign-in: codes by browser instead of by number, tries by login and caller instead of by account; forms kept."""

import unicodedata

import sqlalchemy as sa
from alembic import op

import station.base.database

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = station.base.database.UtcDateTime(timezone=True)


def upgrade() -> None:
    # Codes live ten minutes and hang on nothing: whoever waits for one at this moment asks for another.
    op.drop_table("sign_in_codes")
    op.create_table(
        "sign_in_codes",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("visit_hash", sa.String(length=64), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_codes")),
    )
    op.create_index("ix_sign_in_codes_visit_hash", "sign_in_codes", ["visit_hash"])
    op.create_index("ix_sign_in_codes_phone", "sign_in_codes", ["phone"])
    op.create_table(
        "sign_in_tries",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_tries")),
    )
    op.create_index("ix_sign_in_tries_until", "sign_in_tries", ["until"])
    op.create_table(
        "kept_forms",
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=200), nullable=False),
        sa.Column("account", sa.String(length=24), nullable=False),
        sa.Column("page", sa.String(length=200), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("browser_hash", "action", name=op.f("pk_kept_forms")),
    )
    op.create_index("ix_kept_forms_expires_at", "kept_forms", ["expires_at"])
    op.drop_column("accounts", "failures")
    op.drop_column("accounts", "locked_until")
    fold_logins()


def fold_logins() -> None:
    """Logins in the one spelling in which they are looked up from now on; where two would meet, both stay."""
    accounts = sa.table("accounts", sa.column("id"), sa.column("login"))
    bind = op.get_bind()
    logins = {row.id: row.login for row in bind.execute(sa.select(accounts)) if row.login}
    folded = {id_: unicodedata.normalize("NFKC", login).replace(" ", "").casefold() for id_, login in logins.items()}
    for id_, login in folded.items():
        if login != logins[id_] and list(folded.values()).count(login) == 1:
            bind.execute(sa.update(accounts).where(accounts.c.id == id_).values(login=login))


def downgrade() -> None:
    op.add_column("accounts", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("accounts", sa.Column("locked_until", MOMENT))
    op.drop_table("kept_forms")
    op.drop_table("sign_in_tries")
    op.drop_table("sign_in_codes")
    op.create_table(
        "sign_in_codes",
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_sign_in_codes")),
    )
