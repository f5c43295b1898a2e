"""Making an account on the command line."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
from pathlib import Path

import pyotp
import pytest
from typer.testing import CliRunner

from station.app import close_station
from station.cli import app
from station.demo.directory import seed_directory
from tests.fixtures import open_test_station


def test_user_add_makes_an_account_that_has_a_second_factor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated_sqlite: Path
) -> None:
    """The secret is printed once and is one that an authenticator takes; the login cannot be taken twice."""
    monkeypatch.setenv("STATION_DATA", str(tmp_path))
    (tmp_path / "station.db").write_bytes((migrated_sqlite / "station.db").read_bytes())
    words = ["user", "add", "--role", "clerk", "--login", "wang", "--name", "王明", "--password", "long-enough"]
    made = CliRunner().invoke(app, words)
    assert made.exit_code == 0, made.output
    found = re.search(r"only now: (\w+)", made.output)
    assert found and len(pyotp.TOTP(found[1]).now()) == 6
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 1
    assert "已经有人用了" in again.output


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        ("deputy", ""),
        ("deputy", "dp_nobody"),
        ("deputy", "un_demo_water"),
        ("unit", ""),
        ("unit", "dp_demo_linxiulan"),
        ("clerk", "st_nowhere"),
        ("admin", "dp_demo_linxiulan"),
    ],
)
def test_nobody_acts_for_what_does_not_exist(
    town_folder: Path, monkeypatch: pytest.MonkeyPatch, role: str, scope: str
) -> None:
    """An account whose scope is missing or of another kind is refused at once, in a sentence, and is not made."""
    monkeypatch.setenv("STATION_DATA", str(town_folder))
    words = ["user", "add", "--role", role, "--login", "ghost", "--name", "某某", "--password", "long-enough"]
    made = CliRunner().invoke(app, [*words, "--scope", scope])
    assert made.exit_code == 1
    assert "编号" in made.output and "Traceback" not in made.output
    database = sqlite3.connect(town_folder / "station.db")
    assert database.execute("SELECT count(*) FROM accounts WHERE login = 'ghost'").fetchone() == (0,)
    database.close()


def test_a_deputy_of_the_directory_gets_an_account(town_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the id of a deputy who is there the account is made."""
    monkeypatch.setenv("STATION_DATA", str(town_folder))
    words = ["user", "add", "--role", "deputy", "--login", "lin2", "--name", "林秀兰", "--password", "long-enough"]
    made = CliRunner().invoke(app, [*words, "--scope", "dp_demo_linxiulan"])
    assert made.exit_code == 0, made.output


@pytest.fixture
def town_folder(tmp_path: Path, migrated_sqlite: Path) -> Path:
    """A data folder with the demo's directory."""
    shutil.copy(migrated_sqlite / "station.db", tmp_path / "station.db")

    async def seed() -> None:
        station = open_test_station(tmp_path)
        await seed_directory(station)
        await close_station(station)

    asyncio.run(seed())
    return tmp_path
