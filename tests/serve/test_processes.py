"""Children of the supervisor: how they are asked for, and that every one of them is waited for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from station.base.settings import Settings
from station.serve.processes import Processes
from station.serve.pulse import open_pulse, release_given
from station.serve.roles import parts_of
from station.serve.tasks import PREPARE, command_line, decided, environment_for
from tests.servers import wait_for


async def test_a_child_that_nobody_started_here_is_waited_for() -> None:
    """What a role had started comes to the supervisor when the role dies, and leaves no zombie there."""
    with Processes(Settings(_env_file=None), None).watched():
        orphan = subprocess.Popen([sys.executable, "-c", ""])  # noqa: ASYNC220
        orphan.returncode = 0  # not waited for by who started it

        async def gone() -> bool:
            return not psutil.pid_exists(orphan.pid)

        await wait_for(gone, "the end of its entry")


async def test_the_way_by_exec_tells_how_a_process_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a fork server a process is started by itself; its exit code comes back."""
    monkeypatch.setenv("STATION_DATABASE_URL", "mysql://nowhere/x")
    processes = Processes(Settings(_env_file=None, data=tmp_path), None)
    with processes.watched(), open_pulse() as pulse:
        process = processes.start(PREPARE, pulse.given)
        release_given(pulse)
        assert await process.wait() == 1
        process.send_signal(9)  # harmless


def test_both_ways_mean_the_same_part() -> None:
    """A task's name as arguments of `station` is the part that a fork becomes."""
    lines = {part.name: command_line(part.name) for part in parts_of(Settings(_env_file=None, media_processes=2))}
    assert lines["media-1"] == ["serve", "--role", "media", "--number", "1"]
    assert lines["web"] == ["serve", "--role", "web", "--number", "0"]
    assert list(lines) == ["media-0", "media-1", "live", "web", "work"]


def test_both_ways_tell_of_the_certificate(tmp_path: Path) -> None:
    """What the supervisor decides after reading the settings reaches its processes, whichever way they start."""
    settings = Settings(_env_file=None, tls_cert=tmp_path / "a.crt", tls_key=tmp_path / "a.key")
    assert decided(settings) == {"tls_cert": str(tmp_path / "a.crt"), "tls_key": str(tmp_path / "a.key")}
    environment = environment_for(settings)
    assert environment["STATION_TLS_CERT"] == str(tmp_path / "a.crt")
    assert environment["STATION_DATA"] == str(Path("var").resolve())
    assert decided(Settings(_env_file=None)) == {}


async def test_a_current_database_is_not_migrated_again(
    sqlite_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start on one loads nothing that migrates; one that is behind is brought to this release."""
    from station.serve import prepare as module

    migrated: list[Settings] = []
    monkeypatch.setattr(module, "migrate", migrated.append)
    await module.prepare(Settings(_env_file=None, data=tmp_path / "a", database_url=sqlite_database_url))
    assert migrated == []
    behind = Settings(_env_file=None, data=tmp_path / "b")
    await module.prepare(behind)
    assert migrated == [behind]
