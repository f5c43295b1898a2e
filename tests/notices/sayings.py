"""A notice that says what a test wants, of no kind that the product knows: as a notice of an older release."""

from __future__ import annotations

from station.notices.kinds import Kind
from station.notices.model import Outgoing

ANYTHING = Kind("", "%(words)s")


def saying(
    words: str, channel: str, address: str, subject: str = "", account: str = "", secret: bool = False
) -> Outgoing:
    """A notice with these words."""
    return Outgoing(channel, address, ANYTHING, {"words": words}, subject, secret=secret, account=account)
