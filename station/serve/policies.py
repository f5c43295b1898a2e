"""The region's own rules, checked before the roles start: a slip in a file is said in the terminal, not on a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from station.base.settings import Settings
from station.notices.carriers.choice import TEMPLATES, carrier_of, is_carrier


def find_policy_fault(settings: Settings) -> str | None:
    """The first of the region's own policy files that cannot be used, with what is wrong in it; None when all can."""
    folder = settings.data / "policy"
    if is_carrier(settings.sms_url.get_secret_value()):
        try:
            carrier_of(settings)
        except OSError as error:
            return f"{folder / TEMPLATES}: {error.strerror}"
        except ValueError as error:
            return f"{folder / TEMPLATES}, STATION_SMS_URL: {error}"
    if not folder.exists():
        return None
    # Only a region that has its own rules pays for loading what reads them.
    from station.booking.policy import read_policy  # noqa: PLC0415
    from station.cases.law.policy import load_policy  # noqa: PLC0415

    readers: dict[Path, Callable[[Path], object]] = {
        folder / "cases.toml": lambda path: load_policy(path, settings.district),
        folder / "booking.toml": read_policy,
    }
    for path, read in readers.items():
        if not path.exists():
            continue
        try:
            read(path)
        except OSError as error:
            return f"{path}: {error.strerror}"
        except ValueError as error:  # of TOML, of UTF-8, and of a number that does not fit
            return f"{path}: {error}"
    return None
