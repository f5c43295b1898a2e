"""The media role for benchmarks: as `station serve --role media` runs it, with room for more people than a meeting has.

`python -m bench.media_role [FILE]`: with a file it can be told to take samples of what it does (`bench.sampling`).
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.sampling import Sampler
from station.base.settings import Settings
from station.rtc.rooms import room
from station.serve.roles import Part, RoleName, run_part


def run() -> None:
    """Until SIGTERM."""
    room.MAX_MEMBERS = 2000
    room.MAX_DOWN_CONNECTIONS = 50
    _sampler = Sampler(Path(sys.argv[1])) if len(sys.argv) > 1 else None
    run_part(Part(RoleName.MEDIA), Settings(_env_file=None))


if __name__ == "__main__":
    run()
