"""How many files and connections a process may have open: many begin with 1,024, which one caller can use up."""

from __future__ import annotations

import resource

ENOUGH_FILES = 65_536


def allow_many_connections() -> None:
    """Raise the limit as far as the system lets us. One subscriber of a room may take three, each viewer two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(hard, ENOUGH_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
