"""The media role for benchmarks: as `station serve --role media` runs it, with room for more people than a meeting has.

`python -m bench.media_role [FILE]` runs it under cProfile until told to stop, and leaves the figures in FILE.
"""

from __future__ import annotations

import cProfile
import sys

from station.base.settings import Settings
from station.rtc import room
from station.serve.roles import RoleName, run_role


def run() -> None:
    """Until SIGTERM."""
    room.MAX_MEMBERS = 2000
    room.MAX_DOWN_CONNECTIONS = 50
    settings = Settings(_env_file=None)
    if len(sys.argv) == 1:
        run_role(RoleName.MEDIA, settings)
        return
    profile = cProfile.Profile()
    profile.runcall(run_role, RoleName.MEDIA, settings)
    profile.dump_stats(sys.argv[1])


if __name__ == "__main__":
    run()
