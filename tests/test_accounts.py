"""Making an account on the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pyotp
import pytest
from typer.testing import CliRunner

from station.cli import app


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
