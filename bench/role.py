"""The media role in a process of its own, as `station serve --role media` runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import end_process, pick_port

ROOT = Path(__file__).parent.parent
READY_S = 15.0


@dataclass(frozen=True, slots=True)
class Role:
    """A media role that answers: its process, its HTTP address and its media port."""

    process: subprocess.Popen[bytes]
    url: str
    media_port: int
    log: Path

    def check(self) -> None:
        """Raises RuntimeError with the end of its log if it has ended."""
        code = self.process.poll()
        if code is not None:
            tail = self.log.read_text(errors="replace")[-4000:]
            raise RuntimeError(f"the media role ended with {code}; its log ends with\n{tail}")


@contextmanager
def media_role(folder: Path, pages: str = "") -> Iterator[Role]:
    """Runs it on free ports with its data in the folder, for pages of that origin.

    Raises RuntimeError when it does not answer in time.
    """
    http, udp = pick_port(), pick_port()
    environment = {
        **os.environ, "STATION_DATA": str(folder), "STATION_PUBLIC_ORIGIN": pages,
        "STATION_MEDIA_HTTP_PORT": str(http), "STATION_MEDIA_PORT": str(udp),
    }  # fmt: skip
    command = [sys.executable, "-m", "station", "serve", "--role", "media"]
    log = folder / "media.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=output)
    role = Role(process, f"http://127.0.0.1:{http}", udp, log)
    try:
        _wait_until_ready(role)
        yield role
    finally:
        end_process(process)


def _wait_until_ready(role: Role) -> None:
    end_s = time.monotonic() + READY_S
    while time.monotonic() < end_s:
        role.check()
        try:
            with urllib.request.urlopen(role.url + "/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"the media role did not answer in {READY_S:.0f} s")
