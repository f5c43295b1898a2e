"""`station serve`: all roles come up, one that dies comes back, all end together."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from station.serve.pulse import LAST_CHANCE_S, SILENT_AFTER_S
from tests.servers import RunningStation, end_process, pick_port, start_station, wait_until

ROLES = ["media-0", "live", "web", "work"]


def new_pid(running: RunningStation, role: str, old: int) -> bool:
    return running.pid(role) not in (None, old)


def test_it_says_where_to_go_and_with_which_logins(running_station: RunningStation) -> None:
    """Once ready, the terminal shows the address and the demo logins."""
    text = running_station.log.read_text
    wait_until(lambda: running_station.address in text(), "the address in the terminal")
    for login in ("linxiulan", "13800001234", "clerk", "supervisor", "admin"):
        assert login in text()


@pytest.mark.parametrize("role", ROLES)
def test_a_killed_role_comes_back_and_the_others_go_on(running_station: RunningStation, role: str) -> None:
    """After `kill -9` of any role a new process takes its place; the other three are the same as before."""
    before = {name: running_station.pid(name) for name in ROLES}
    old = before[role]
    assert old is not None
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: new_pid(running_station, role, old), f"a new {role}", 30)
    wait_until(running_station.is_ready, f"ready again after {role} was killed", 60)
    others = {name: running_station.pid(name) for name in ROLES if name != role}
    assert others == {name: pid for name, pid in before.items() if name != role}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_the_supervisors_own_and_holds_nothing_of_others(running_station: RunningStation, role: str) -> None:
    """Forked or not: its parent, its session and its open files are those of a process started alone."""
    pid = running_station.pid(role)
    assert pid is not None
    process = psutil.Process(pid)
    assert process.ppid() == running_station.process.pid
    assert process.name() == f"station-{role}"
    assert os.getsid(pid) == pid
    if role in ("web", "work"):  # the database is opened by the first who asks it
        wait_until(lambda: any("station.db" in name for name in open_files(pid).values()), f"the database of {role}")
    files = open_files(pid)
    assert files[0] == os.devnull
    assert not [name for name in files.values() if name.endswith("serve.pid")]
    assert any("station.db" in name for name in files.values()) == (role in ("web", "work"))


def open_files(pid: int) -> dict[int, str]:
    """What a process has open, by its numbers."""
    return {int(link.name): str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}


def fork_server_of(running: RunningStation) -> psutil.Process:
    """The process that forks the roles."""
    (found,) = [child for child in psutil.Process(running.process.pid).children() if child.name() == "station-fork"]
    return found


def test_without_the_fork_server_a_role_comes_back_too(tmp_path: Path) -> None:
    """It takes nobody with it when it is killed; who dies afterwards is started by `exec`, which reads all anew."""
    with start_station(tmp_path, demo=False, STATION_HOST="0.0.0.0") as running:
        fork_server_of(running).kill()
        before = {role: running.pid(role) for role in ROLES}
        for role in ("web", "media-0"):
            old = before[role]
            assert old is not None
            os.kill(old, signal.SIGKILL)
            wait_until(lambda role=role, old=old: new_pid(running, role, old), f"a new {role}", 30)  # type: ignore[misc]
        wait_until(running.is_ready, "ready again, over HTTPS", 60)
        new = running.pid("web")
        assert new is not None and "--role" in psutil.Process(new).cmdline()
        assert {role: running.pid(role) for role in ("live", "work")} == {r: before[r] for r in ("live", "work")}
        assert "fork_server_away" in running.log.read_text()
        assert end_process(running.process) == 0


def test_a_role_that_hangs_is_replaced(running_station: RunningStation) -> None:
    """A media process that is there but does nothing any more gives way to a new one."""
    old = running_station.pid("media-0")
    assert old is not None
    patience_s = SILENT_AFTER_S + LAST_CHANCE_S + 30
    os.kill(old, signal.SIGSTOP)
    wait_until(lambda: new_pid(running_station, "media-0", old), "a new media process", patience_s)
    assert not psutil.pid_exists(old)
    assert "role_hung" in running_station.log.read_text()
    wait_until(running_station.is_ready, "ready again", 60)


def test_the_ledger_and_a_grant_from_the_command_line(running_station: RunningStation) -> None:
    """`station ledger verify` passes on the demo's ledger, and `station token` prints a signed grant."""
    verified = running_station.command("ledger", "verify")
    assert verified.returncode == 0, verified.stderr
    assert re.search(r"whole: [1-9]\d* events", verified.stdout)
    token = running_station.command("token", "--room", "hall", "--publish")
    assert token.stdout.strip().count(".") == 2
    refused = running_station.command("token", "--room", "../etc", "--publish")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


def test_doctor_finds_a_running_station_healthy(running_station: RunningStation) -> None:
    """`station doctor` has nothing to complain about while the station runs."""
    result = running_station.command("doctor")
    assert result.returncode == 0, result.stdout
    assert "revision" in result.stdout


def test_a_second_start_on_the_same_data_is_one_sentence(running_station: RunningStation) -> None:
    """Two stations never share a data folder; the second says so and ends."""
    second = running_station.command("serve", "--demo")
    assert second.returncode == 1
    assert "already running" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_one_sentence(running_station: RunningStation, tmp_path: Path) -> None:
    """With its HTTP port taken, another station names the port and what to set, and starts nothing."""
    result = running_station.command("serve", "--data", str(tmp_path / "other"))
    assert result.returncode == 1
    port = running_station.address.rsplit(":", 1)[1]
    assert f"TCP port {port}" in result.stderr
    assert "PORT=" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_all_end_together_and_restarting_keeps_the_data(tmp_path: Path) -> None:
    """SIGTERM ends every role within seconds with exit 0; the next start finds the same keys and the same ledger."""
    with start_station(tmp_path, first_start=True) as first:
        key = (first.data / "keys" / "grant.key").read_bytes()
        children = psutil.Process(first.process.pid).children(recursive=True)
        assert len(children) >= len(ROLES)
        assert end_process(first.process) == 0
        assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        ledger = first.command("ledger", "verify").stdout
    with start_station(tmp_path) as second:
        assert (second.data / "keys" / "grant.key").read_bytes() == key
        assert second.command("ledger", "verify").stdout == ledger


def test_nothing_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    """Even `kill -9` of the supervisor leaves no role behind holding a port."""
    with start_station(tmp_path, demo=False) as running:
        children = psutil.Process(running.process.pid).children(recursive=True)
        running.process.kill()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert alive == []


def test_https_where_phones_join(tmp_path: Path) -> None:
    """With HOST=0.0.0.0 the pages come over HTTPS with a certificate made on the spot, kept for the next start."""
    with start_station(tmp_path, STATION_HOST="0.0.0.0") as running:
        assert running.address.startswith("https://")
        first = (running.data / "tls" / "station.crt").read_bytes()
        wait_until(lambda: "https://" in running.log.read_text(), "the address a phone can open")
    assert (tmp_path / "var" / "tls" / "station.crt").read_bytes() == first


def test_a_database_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    """What cannot be prepared is told without a traceback, and no role is started."""
    database = f"postgresql://station@127.0.0.1:{pick_port()}/station"
    result = subprocess.run(
        [sys.executable, "-m", "station", "serve"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "STATION_HTTP_PORT": str(pick_port()), "STATION_MEDIA_PORT": str(pick_port()),
             "STATION_MEDIA_HTTP_PORT": str(pick_port()), "STATION_LIVE_HTTP_PORT": str(pick_port()),
             "STATION_MEDIA_PROCESSES": "1", "STATION_DATABASE_URL": database}, timeout=60,
    )  # fmt: skip
    assert result.returncode == 1
    assert "station doctor" in result.stderr and "does not start" in result.stderr
    assert "Traceback" not in result.stderr and "role_started" not in result.stderr


@pytest.mark.parametrize("role", ["media", "live"])
def test_a_role_without_the_shared_keys_is_one_sentence(tmp_path: Path, role: str) -> None:
    """Media and live need the key that web makes; without it they say which file is missing and what to do."""
    result = subprocess.run(
        [sys.executable, "-m", "station", "serve", "--role", role, "--data", str(tmp_path / "var")],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert result.returncode == 1
    (sentence,) = result.stderr.strip().splitlines()
    assert "grant.pub" in sentence and "station serve" in sentence


def test_the_data_is_for_its_own_user_alone(running_station: RunningStation) -> None:
    """Whatever the shell's umask is, nobody else on the machine can open the folder, the database or the keys."""
    data = running_station.data
    for path in (data, data / "station.db", data / "keys", data / "keys" / "grant.key", data / "run"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_terminal_says_what_is_being_done(running_station: RunningStation) -> None:
    """Before the address appears, the steps of the start are named in plain words."""
    text = running_station.log.read_text()
    assert 0 <= text.index("准备密钥和数据库") < text.index("检查演示数据") < text.index("启动 4 个进程")
    assert text.index("启动 4 个进程") < text.index(running_station.address)


def test_wrong_settings_are_one_sentence() -> None:
    """A setting that makes no sense is named, without a traceback."""
    result = subprocess.run(
        [sys.executable, "-m", "station", "settings"],
        env={**os.environ, "STATION_HTTP_PORT": "eighty"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.startswith("Wrong settings: STATION_HTTP_PORT")


def test_settings_show_source_and_hide_secrets(tmp_path: Path) -> None:
    """`station settings` tells where a value comes from, and never prints a secret."""
    result = subprocess.run(
        [sys.executable, "-m", "station", "settings"], cwd=tmp_path,
        env={**os.environ, "STATION_TURN_SECRET": "pst-secret", "STATION_DATABASE_URL": "postgresql://u:pw9@db/x"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "pst-secret" not in result.stdout
    assert "pw9" not in result.stdout
    assert "STATION_HTTP_PORT = 8080   [default]" in result.stdout
    assert re.search(r"STATION_TURN_SECRET = .*\[environment\]", result.stdout)
