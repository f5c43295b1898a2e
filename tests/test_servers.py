"""The servers that tests lean on are real and fresh."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

from playwright.async_api import Browser
from redis.asyncio import Redis
from sqlalchemy import text

from station.base.database import Database
from tests.servers import MailServer


async def test_each_test_gets_a_migrated_database_of_its_own(database_url: str) -> None:
    """On SQLite and on PostgreSQL the tables are there and the ledger is empty."""
    database = Database(database_url)
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    await database.close()


async def test_redis_keeps_what_it_is_given(redis_url: str) -> None:
    """The Redis server answers."""
    client = Redis.from_url(redis_url, decode_responses=True)
    await client.set("greeting", "你好")
    assert await client.get("greeting") == "你好"
    await client.aclose()


def test_mail_arrives(smtp_server: MailServer) -> None:
    """A message sent by SMTP is in the list."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@station.test", "b@station.test", "提醒"
    message.set_content("明天 10:00")
    with smtplib.SMTP("127.0.0.1", smtp_server.port) as client:
        client.send_message(message)
    assert smtp_server.messages[0].rcpt_tos == ["b@station.test"]


async def test_the_browser_has_a_camera(browser: Browser) -> None:
    """Chromium starts and offers a fake camera and microphone to a page of this machine."""
    page = await browser.new_page()
    await page.goto("chrome://version")
    assert "Chrom" in await page.inner_text("body")
