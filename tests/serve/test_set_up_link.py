"""The link of the first start is for a terminal, and for nothing that keeps it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from station.base.settings import Settings
from station.serve.supervisor import welcome
from tests.servers import ROOT, end_process, pick_port, pick_ports


def read_until(terminal: int, pattern: str, within_s: float) -> str:
    """What the terminal shows, up to the pattern."""
    shown, ends = "", time.monotonic() + within_s
    while not re.search(pattern, shown):
        assert time.monotonic() < ends, shown
        try:
            shown += os.read(terminal, 4096).decode(errors="replace")
        except OSError as error:  # the program has ended
            raise AssertionError(shown) from error
    return shown


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`station …` beside the running one."""
    command = [sys.executable, "-m", "station", *arguments]
    folder = Path(environment["STATION_DATA"]).parent
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_what_is_no_terminal_gets_the_command_instead_of_the_link() -> None:
    """A file or a journal would keep the key."""
    text = welcome(Settings(_env_file=None), link="http://127.0.0.1:8080/setup?key=secret")
    assert "station setup-link" in text and "secret" not in text


def test_a_terminal_gets_the_link_and_files_do_not(tmp_path: Path) -> None:
    """On a terminal `station serve` ends its greeting with it; neither the data folder nor a log has its key.

    `station setup-link` prints another one, until `station init` has made the administrator.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STATION_")},
        "PYTHONPATH": str(ROOT),
        "STATION_DATA": str(tmp_path / "var"),
        "STATION_HTTP_PORT": str(pick_port()),
        "STATION_MEDIA_PORT": str(pick_ports(1)),
        "STATION_MEDIA_HTTP_PORT": str(pick_port()),
        "STATION_MEDIA_PROCESSES": "1",
        "STATION_LIVE_HTTP_PORT": str(pick_port()),
    }
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "station", "serve"],
        env=environment, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        shown = read_until(ours, r"/setup\?key=[\w-]{43}\s", 120)
        key = re.search(r"http://127\.0\.0\.1:\d+/setup\?key=([\w-]{43})\s", shown)
        assert key
        holding = [
            path for path in (tmp_path / "var").rglob("*") if path.is_file() and key[1].encode() in path.read_bytes()
        ]
        assert holding == []
        link = run(environment, "setup-link")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/setup\?key=[\w-]{43}\n", link.stdout), link
        given = ["--district", "青川县", "--login", "fangyuan", "--name", "方圆", "--password", "hill-station-2026"]
        done = run(environment, "init", *given, "--no-proof")
        assert done.returncode == 0 and "otpauth://" in done.stdout, done
        refused = run(environment, "setup-link")
        assert refused.returncode == 1 and "closed" in refused.stderr
    finally:
        os.kill(process.pid, signal.SIGTERM)
        end_process(process)
        os.close(ours)
