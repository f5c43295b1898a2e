"""Rows as the first release wrote them, for its database: a reception and a hearing, their broadcasts, notices."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

AT = "2026-11-29 02:00:00.000000"
LATER = "2026-11-29 03:00:00.000000"
ZHAO, LI, DEPUTY = "ac_demo_citizen", "ac_demo_citizen2", "ac_demo_deputy1"
WROTE = {"topic": "７ 号樓想裝電梯", "description": "住了 24 户。", "help": "family,text"}


def add_rows(file: Path) -> None:
    """Adds them to the first release's database."""
    with closing(sqlite3.connect(file)) as database, database:
        _add_reception(database)
        _add_hearing(database)
        _add_broadcasts(database)
        _add_notices(database)
        _add_accounts(database)


def _insert(database: sqlite3.Connection, table: str, **values: object) -> None:
    marks = ", ".join("?" for _ in values)
    database.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))


def _add_reception(database: sqlite3.Connection) -> None:
    """赵玉梅 was received for a booking that a case came of; she agreed to all, and it was published."""
    [booking] = database.execute("SELECT id FROM bookings WHERE state = 'attended'").fetchone()
    database.execute(
        "UPDATE bookings SET topic = ?, description = ?, help = ? WHERE id = ?", [*WROTE.values(), booking]
    )
    _insert(
        database, "meetings", id="mt_old", kind="reception", state="ended", title=WROTE["topic"], booking_id=booking,
        deputy_id="dp_demo_linxiulan", deputy_name="林秀兰", citizen=ZHAO, citizen_name="赵玉梅", starts_at=AT,
        ends_at=LATER, public=0, published=1, opened_at=AT, ended_at=LATER, created_at=AT,
    )  # fmt: skip
    database.execute(
        "UPDATE cases SET booking_id = ?, meeting_id = 'mt_old', public_title = ? WHERE serial = 1",
        [booking, WROTE["topic"]],
    )
    database.execute("UPDATE cases SET booking_id = 'bk_gone' WHERE serial = 2")
    _let_in(database, "mt_old", ZHAO, "赵玉梅", "citizen")
    for number, kind in enumerate(("recorded", "published")):
        _insert(
            database, "consents", id=f"cn_{number}", account=ZHAO, name="赵玉梅", kind=kind, subject="meeting:mt_old",
            given=1, at=AT,
        )  # fmt: skip
    [other] = database.execute("SELECT id FROM bookings WHERE state = 'booked' ORDER BY id").fetchone()
    _insert(
        database, "consents", id="cn_use", account=LI, name="李国强", kind="use", subject=f"booking:{other}", given=0,
        at=AT,
    )  # fmt: skip
    _insert(
        database, "meetings", id="mt_use", kind="reception", state="ended", title="楼道", booking_id=other,
        deputy_id="dp_demo_linxiulan", deputy_name="林秀兰", citizen=LI, citizen_name="李国强", starts_at=AT,
        ends_at=LATER, public=0, published=0, opened_at=AT, ended_at=LATER, created_at=AT,
    )  # fmt: skip
    _insert(
        database, "chat_messages", id="ch_old", meeting_id="mt_old", account=ZHAO, name="赵玉梅", text="谢谢代表",
        at=AT,
    )  # fmt: skip


def _let_in(database: sqlite3.Connection, meeting: str, account: str, name: str, role: str) -> None:
    _insert(
        database, "lobby_entries", id=f"le_{meeting}_{account}"[:24], meeting_id=meeting, account=account, name=name,
        role=role, state="admitted", ready=1, entered_at=AT, granted_at=AT,
    )  # fmt: skip


def _add_hearing(database: sqlite3.Connection) -> None:
    _insert(
        database, "meetings", id="mt_hearing", kind="hearing", state="open", title="电梯办法听证会", booking_id=None,
        deputy_id="dp_demo_linxiulan", deputy_name="林秀兰", citizen="", citizen_name="", starts_at=AT, ends_at=LATER,
        public=1, published=0, opened_at=AT, ended_at=None, created_at=AT,
    )  # fmt: skip
    _let_in(database, "mt_hearing", LI, "李国强", "citizen")
    _insert(
        database, "lobby_entries", id="le_waits", meeting_id="mt_hearing", account=ZHAO, name="赵玉梅", role="citizen",
        state="waiting", ready=1, entered_at=AT, granted_at=None,
    )  # fmt: skip


def _add_broadcasts(database: sqlite3.Connection) -> None:
    """One that has ended, with three sources one after the other, and two at once that two clerks had started."""
    started = (("bc_ended", "ended", AT, LATER), ("bc_first", "live", AT, None), ("bc_second", "live", LATER, None))
    for identity, state, at, ended in started:
        _insert(
            database, "broadcasts", id=identity, meeting_id="mt_hearing", title="电梯办法听证会", host="林秀兰",
            state=state, person=DEPUTY, source_name="林秀兰代表", started_at=at, ended_at=ended,
        )  # fmt: skip
    sources = (("broadcast.started", LI), ("broadcast.source-changed", ZHAO), ("broadcast.source-changed", DEPUTY))
    [last] = database.execute("SELECT max(seq) FROM ledger_events").fetchone()
    for seq, (action, person) in enumerate(sources, start=last + 1):
        _insert(
            database, "ledger_events", seq=seq, at=AT, actor="ac_demo_clerk", actor_name="何晓雯", role="clerk",
            action=action, subject="broadcast:bc_ended", reason="", origin="", data=json.dumps({"person": person}),
            previous="0" * 64, hash=f"{seq:064x}",
        )  # fmt: skip
        database.execute("UPDATE ledger_head SET seq = ?, hash = ?", [seq, f"{seq:064x}"])


def _add_notices(database: sqlite3.Connection) -> None:
    """A code that was sent and one that waits, an SMS to a citizen and one to nobody's number, a note to a clerk."""
    for identity, channel, address, text, secret, state in (
        ("nt_code", "sms", "13800001234", "123456 是您的登录数字", 1, "sent"),
        ("nt_waits", "sms", "13800001234", "654321 是您的登录数字", 1, "waiting"),
        ("nt_sms", "sms", "13800001234", "约好了", 0, "sent"),
        ("nt_stray", "sms", "13900009999", "约好了", 0, "sent"),
        ("nt_app", "app", "ac_demo_clerk", "新预约", 0, "waiting"),
    ):
        _insert(
            database, "notices", id=identity, channel=channel, address=address, text=text, subject="", secret=secret,
            state=state, attempts=1, error="", created_at=AT, try_after=AT, sent_at=AT if state == "sent" else None,
        )  # fmt: skip


def _add_accounts(database: sqlite3.Connection) -> None:
    """Logins in spellings that are now one: where nobody else has it the account is found under the plain one."""
    for identity, login in (("ac_wide", "Ｚhang Ｗei"), ("ac_one", "Twin"), ("ac_two", "twin")):
        _insert(
            database, "accounts", id=identity, role="clerk", name="旧人", phone="", mail="", scope="", login=login,
            password_hash="", totp_secret="", totp_used=0, failures=3, locked_until=LATER, disabled=0, created_at=AT,
        )  # fmt: skip
