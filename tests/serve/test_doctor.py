"""`station doctor`: what is wrong is said with its remedy, and what is only new is not called a fault."""

from __future__ import annotations

import re
import shutil
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr
from structlog.testing import capture_logs

from station.app import build_app
from station.backup.model import OUTDATED, Figures
from station.backup.service import begin_backup, fail_backup, finish_backup
from station.base.clock import FixedClock, SystemClock
from station.base.settings import Settings
from station.base.station import Station
from station.ledger.witness import keep_head
from station.operations.proxy_watch import mark_of
from station.serve.doctor import Finding, Verdict, examine
from station.serve.folder import close_to_others, open_to_others
from station.serve.ports import CannotStart
from station.serve.prepare import prepare
from tests.servers import pick_port


def settings_of(data: Path, **others: str) -> Settings:
    names = ("http_port", "media_http_port", "live_http_port", "media_port")
    values: dict[str, Any] = {**{name: pick_port() for name in names}, **others}
    return Settings(_env_file=None, data=data, media_processes=1, **values)


async def finding(settings: Settings, subject: str) -> Finding | None:
    return next((f for f in await examine(settings) if f.subject == subject), None)


async def test_an_empty_postgres_is_no_fault(tmp_path: Path, postgres_url: str) -> None:
    """Before the first start its tables are not there yet, as with SQLite."""
    found = await finding(settings_of(tmp_path, database_url=postgres_url), "database")
    assert found is not None and found.verdict is Verdict.NOTE
    assert "first start" in found.detail


async def test_a_migrated_database_is_good_and_one_that_is_away_is_a_fault(
    tmp_path: Path, migrated_sqlite: Path
) -> None:
    """The revision is this release's own; a server that does not answer is named without its password."""
    shutil.copy(migrated_sqlite / "station.db", tmp_path)
    found = await finding(settings_of(tmp_path), "database")
    assert found is not None and found.verdict is Verdict.GOOD
    away = f"postgresql://station:pw9@127.0.0.1:{pick_port()}/station"
    found = await finding(settings_of(tmp_path, database_url=away), "database")
    assert found is not None and found.verdict is Verdict.FAULT
    assert "pw9" not in found.detail


async def test_the_last_backup_is_named(station: Station) -> None:
    """When and where to, once there is one; that it is long ago; what the last try failed of."""
    bare = station.settings.model_copy(update={"demo": False})
    found = await finding(bare, "backup")
    assert found is not None and found.detail.startswith("none was made")
    within = await finding(bare.model_copy(update={"backup_target": str(bare.data / "store")}), "backup")
    assert within is not None and within.verdict is Verdict.FAULT and "lies in the data folder" in within.detail
    clock = station.clock
    assert isinstance(clock, FixedClock)
    clock.at = SystemClock().now() - OUTDATED
    figures = Figures("20261012T020000Z-1", 3, 2_000_000, objects=2, sent=1_000_000, gone=())
    await finish_backup(station, await begin_backup(station, "/mnt/backup"), figures)
    found = await finding(bare, "backup")
    assert found is not None and found.verdict is Verdict.NOTE
    assert "/mnt/backup, 2.0 MB" in found.detail
    clock.at += OUTDATED
    await finish_backup(station, await begin_backup(station, "/mnt/backup"), figures)
    found = await finding(bare, "backup")
    assert found is not None and found.verdict is Verdict.GOOD
    clock.at += timedelta(seconds=1)
    await fail_backup(station, await begin_backup(station, "/mnt/backup"), "the disk is gone")
    lines = [f.line for f in await examine(bare) if f.subject == "backup"]
    assert len(lines) == 2 and lines[1].endswith("the last try failed: the disk is gone")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("cases.toml", b"conclude_grade = 9\n", "rules must be a table"),
        ("cases.toml", b"name = \xff", "utf-8"),
        ("booking.toml", b"= 3", "line 1"),
    ],
)
async def test_rules_that_cannot_be_used_keep_the_station_from_starting(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    """The file and what is wrong in it are said by doctor and at the start, before anybody meets it on a page."""
    settings = settings_of(tmp_path)
    assert (await finding(settings, "policy") or Finding("", Verdict.FAULT, "")).verdict is Verdict.GOOD
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / name).write_bytes(content)
    found = await finding(settings, "policy")
    assert found is not None and found.blocks
    assert found.detail.startswith(str(tmp_path / "policy" / name)) and said in found.detail
    with pytest.raises(CannotStart, match=re.escape(found.detail)):
        await prepare(settings)


async def test_a_folder_open_to_others_is_a_fault_with_its_remedy(tmp_path: Path, migrated_sqlite: Path) -> None:
    """What an older release left readable is named, and the next start closes it."""
    data = tmp_path / "var"
    (data / "keys").mkdir(parents=True)
    shutil.copy(migrated_sqlite / "station.db", data)
    data.chmod(0o755)
    (data / "station.db").chmod(0o644)
    found = [f for f in await examine(settings_of(data)) if f.subject == "privacy"]
    assert [f.verdict for f in found] == [Verdict.FAULT, Verdict.FAULT]
    assert all("chmod go=" in f.detail for f in found)
    close_to_others(data)
    assert list(open_to_others(data)) == []
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_a_folder_that_is_no_station_is_left_as_it_is(tmp_path: Path) -> None:
    """A data folder named by mistake does not lose its modes."""
    tmp_path.chmod(0o755)
    close_to_others(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("trusted", ["", "10.0.0.1", "127.0.0.1", "127.0.0.0/8"])
async def test_a_proxy_that_is_not_named_is_noticed(station: Station, trusted: str) -> None:
    """X-Forwarded-For from this machine without the setting is said once in the log and by the doctor, else never."""
    named = trusted.startswith("127.")
    settings = station.settings.model_copy(update={"trusted_proxies": trusted})
    object.__setattr__(station, "settings", settings)
    with capture_logs() as logged:
        async with TestClient(TestServer(build_app(station))) as client:
            for _ in range(3):
                async with client.get("/healthz"):
                    pass
                async with client.get("/healthz", headers={"X-Forwarded-For": "203.0.113.5"}):
                    pass
    assert [entry["event"] for entry in logged].count("proxy_not_named") == (0 if named else 1)
    assert mark_of(settings.data).exists() is not named
    found = await finding(settings_of(settings.data, trusted_proxies=trusted), "proxy")
    assert (found is None) is named
    if found is not None:
        assert found.blocks and "STATION_TRUSTED_PROXIES=127.0.0.1" in found.detail


async def test_https_by_a_proxy_wants_the_proxy_named(tmp_path: Path) -> None:
    """A public origin of HTTPS with neither certificate nor proxy cannot be as the settings say."""
    found = await finding(settings_of(tmp_path, public_origin="https://station.example.cn"), "origin")
    assert found is not None and found.blocks and "STATION_TRUSTED_PROXIES" in found.detail
    fitting = settings_of(tmp_path, public_origin="https://station.example.cn", trusted_proxies="127.0.0.1")
    found = await finding(fitting, "origin")
    assert found is not None and found.verdict is Verdict.GOOD


async def test_a_cut_ledger_is_a_fault(station: Station) -> None:
    """An older database than the newest event noted outside of it is found before anybody relies on the ledger."""
    good = await finding(station.settings, "ledger")
    assert good is not None and good.verdict is Verdict.GOOD
    keep_head(station.settings.ledger_heads, 10_000, "ab" * 32)
    cut = await finding(station.settings, "ledger")
    assert cut is not None and cut.verdict is Verdict.FAULT
    assert "10000" in cut.detail


@pytest.mark.parametrize(
    ("url", "demo", "verdict", "words"),
    [
        ("", False, Verdict.NOTE, "STATION_SMS_URL"),
        ("", True, Verdict.NOTE, "/demo"),
        ("https://city:pw9@sms.example.cn/send", False, Verdict.GOOD, "gateway"),
    ],
)
async def test_a_station_without_a_carrier_says_so(
    tmp_path: Path, url: str, demo: bool, verdict: Verdict, words: str
) -> None:
    """Whether an SMS can be sent is told, with the remedy, and never the gateway's password."""
    settings = settings_of(tmp_path).model_copy(update={"sms_url": SecretStr(url), "demo": demo})
    found = await finding(settings, "sms")
    assert found is not None and found.verdict is verdict
    assert words in found.detail
    assert "pw9" not in found.detail


async def test_names_of_the_demo_on_a_real_station_are_noted(tmp_path: Path) -> None:
    """Without a telephone and a district of its own a station is told so, in the demo not."""
    for subject, setting in (("telephone", "STATION_HELP_PHONE"), ("district", "STATION_DISTRICT")):
        found = await finding(settings_of(tmp_path), subject)
        assert found is not None and found.verdict is Verdict.NOTE and setting in found.detail
    own = settings_of(tmp_path, help_phone="(0571) 8765 4321", district="西湖区")
    found = await finding(own, "telephone")
    assert found is not None and found.verdict is Verdict.GOOD
    assert await finding(own, "district") is None
    demo = settings_of(tmp_path).model_copy(update={"demo": True})
    assert await finding(demo, "telephone") is None and await finding(demo, "district") is None


async def test_forwarding_without_a_compiler_is_a_note_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What set-up has built is used; where there was no compiler, that costs processor time and nothing else."""
    found = await finding(settings_of(tmp_path), "forwarding")
    assert found is not None and found.verdict is Verdict.GOOD
    monkeypatch.setattr("station.serve.doctor.load", lambda: None)
    found = await finding(settings_of(tmp_path), "forwarding")
    assert found is not None and found.verdict is Verdict.NOTE and "gcc" in found.detail
