"""The region's rules of booking: `policy/booking.toml` in the data folder, else what comes with the program."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from station.base.station import Station
from station.booking.model import BookingPolicy, check_policy

POLICY_FILE = Path(__file__).with_name("policy.toml")


@lru_cache(maxsize=8)
def read_policy(path: Path) -> BookingPolicy:
    """The rules in a TOML file. Raises ValueError naming what does not fit."""
    return check_policy(tomllib.loads(path.read_text(encoding="utf-8")))


def booking_policy(station: Station) -> BookingPolicy:
    """The rules in force. Raises ValueError naming what does not fit in the region's own file."""
    own = station.settings.data / "policy" / "booking.toml"
    return read_policy(own if own.is_file() else POLICY_FILE)
