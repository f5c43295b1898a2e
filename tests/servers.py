"""Real, private servers for tests: Redis, mail, a browser, a whole station; each is ended by its pid."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import itertools
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from playwright.async_api import Browser, async_playwright

ROOT = Path(__file__).parent.parent
READY_S = 90.0
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    # Half of its usual rate: whether pictures come is what is tested, and two meetings share the machine's cores.
    "--use-fake-device-for-media-stream=fps=10",
    "--use-fake-ui-for-media-stream",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


def _ports_of_worker() -> Iterator[int]:
    # Below those that the kernel gives to outgoing connections, so that none is taken between the look and its use;
    # with room behind each for those that a program takes in a row. Each worker has a range of its own, begun
    # anywhere: another run may be on this machine.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = 22_000 // IN_A_ROW // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    start = secrets.randbelow(size)
    return (10_000 + (worker * size + (start + step) % size) * IN_A_ROW for step in itertools.count())


IN_A_ROW = 8
PORTS = _ports_of_worker()


def pick_port() -> int:
    """A port of this machine that was free a moment ago, for UDP and TCP."""
    return next(port for port in PORTS if _is_free(port))


def pick_ports(count: int) -> int:
    """The first of `count` (at most IN_A_ROW) ports in a row that were free a moment ago, UDP and TCP."""
    while True:
        first = pick_port()
        if first + count < 2**16 and all(_is_free(port) for port in range(first, first + count)):
            return first


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    """Return as soon as the condition holds; fail with `what` when it does not in time."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain: {what}")
        time.sleep(0.05)


async def wait_for(condition: Callable[[], Awaitable[bool]], what: str, timeout_s: float = 30.0) -> None:
    """`wait_until` for coroutines, on the loop."""
    end = time.monotonic() + timeout_s
    while not await condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain: {what}")
        await asyncio.sleep(0.05)


def end_process(process: subprocess.Popen[bytes], number: int = signal.SIGTERM, grace_s: float = 15.0) -> int:
    """Ask this one process to end, and make it after the grace; gives its exit code."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def answers(port: int) -> bool:
    """Whether something accepts connections on this port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def free_port() -> int:
    """A TCP port that nobody listens on."""
    return pick_port()


@pytest.fixture(scope="session")
def node() -> str:
    """Node, which runs our browser modules without a browser: see `tests.scripts`."""
    program = shutil.which("node")
    if program is None:
        raise RuntimeError("node was not found: run make test, which installs it")
    return program


# --- Redis, mail, browser --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis server of our own that keeps nothing."""
    port = pick_port()
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError("redis-server was not found: run make test, which installs it")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
    try:
        wait_until(lambda: server.poll() is not None or answers(port), "Redis")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        end_process(server)


@dataclass(slots=True)
class MailServer:
    """An SMTP server on this machine, and every message it was given."""

    port: int
    messages: list[Envelope] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Take the message."""
        self.messages.append(envelope)
        return "250 taken"


@pytest.fixture
def smtp_server() -> Iterator[MailServer]:
    """A mail server that keeps what it is given."""
    mail = MailServer(pick_port())
    controller = Controller(mail, hostname="127.0.0.1", port=mail.port)
    controller.start()
    yield mail
    controller.stop()


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium whose camera and microphone are test patterns; contexts of it are separate people."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise RuntimeError("chromium was not found: run make test, which installs it")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        try:
            yield started
        finally:
            await started.close()


# --- A whole station -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class RunningStation:
    """`station serve` with all its roles, in a folder of its own."""

    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    address: str
    data: Path
    log: Path

    def pid(self, role: str) -> int | None:
        """The process that plays this role now; None while there is none."""
        try:
            return int((self.data / "run" / f"{role}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def is_ready(self) -> bool:
        """Whether all its parts answer."""
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(self.address + "/readyz", timeout=5, context=trusting) as answer:
                return bool(json.load(answer)["ready"])
        except OSError:
            return False

    def wait_until_ready(self) -> None:
        """Return once `/readyz` says so; fail with the end of the log otherwise."""
        try:
            wait_until(lambda: self.process.poll() is not None or self.is_ready(), "ready", READY_S)
            assert self.process.poll() is None, "station serve ended by itself"
        except AssertionError as error:
            tail = self.log.read_text(errors="replace")[-6000:]
            raise AssertionError(f"{error}; the log ends with\n{tail}") from error

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `station …` with this station's settings."""
        return subprocess.run(
            [sys.executable, "-m", "station", *arguments],
            env=self.environment, cwd=self.data.parent, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip


@cache
def demo_data() -> Path:
    """A data folder as `station serve --demo` leaves it after its first start, made once: copy it."""
    folder = Path(tempfile.mkdtemp(prefix="station-demo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("STATION_")}
    environment = {**bare, "PYTHONPATH": str(ROOT), "STATION_DATA": str(folder / "var"), "STATION_DEMO": "true"}
    subprocess.run([sys.executable, "-m", "station", "prepare"], env=environment, cwd=folder, check=True)
    return folder / "var"


@contextlib.contextmanager
def start_station(
    folder: Path, demo: bool = True, first_start: bool = False, **settings: str
) -> Iterator[RunningStation]:
    """`python -m station serve` on free ports with data in `folder`; ready when it is yielded, ended afterwards."""
    host = settings.get("STATION_HOST", "127.0.0.1")
    port = settings.get("STATION_HTTP_PORT") or str(pick_port())
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STATION_")},
        "PYTHONPATH": str(ROOT),
        "STATION_DATA": str(folder / "var"),
        "STATION_HTTP_PORT": port,
        "STATION_MEDIA_PORT": str(pick_ports(1)),
        "STATION_MEDIA_HTTP_PORT": str(pick_port()),
        "STATION_MEDIA_PROCESSES": "1",  # a second one would need the ports beside these
        "STATION_LIVE_HTTP_PORT": str(pick_port()),
        **settings,
    }
    if demo and not first_start and not (folder / "var").exists() and "STATION_DATABASE_URL" not in settings:
        shutil.copytree(demo_data(), folder / "var")  # saves each its first start
    log = folder / "station.log"
    arguments = ["serve", "--demo"] if demo else ["serve"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "station", *arguments], env=environment, cwd=folder, stdout=output, stderr=output
        )
    address = f"{'http' if host == '127.0.0.1' else 'https'}://127.0.0.1:{port}"
    running = RunningStation(process, environment, address, folder / "var", log)
    try:
        running.wait_until_ready()
        yield running
    finally:
        end_process(process)


@pytest.fixture(scope="module")
def running_station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStation]:
    """A whole station with demo data, shared by the tests of one module."""
    with start_station(tmp_path_factory.mktemp("running")) as running:
        yield running
