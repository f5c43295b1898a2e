"""The region's rules of booking, read once from policy.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from station.booking.model import Policy, check_policy

POLICY_FILE = Path(__file__).with_name("policy.toml")


def read_policy(path: Path) -> Policy:
    """The rules in a TOML file. Raises ValueError naming what does not fit."""
    return check_policy(tomllib.loads(path.read_text(encoding="utf-8")))


@cache
def booking_policy() -> Policy:
    """The rules in force."""
    return read_policy(POLICY_FILE)
