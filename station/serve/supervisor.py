"""`station serve`: prepares what all roles need, starts them, keeps them alive, ends them together."""

from __future__ import annotations

import asyncio
import datetime as dt
import fcntl
import os
import signal
import ssl
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from station.base.grants import GrantSigner
from station.base.link_keys import hash_key, link_of, make_key
from station.base.logging import set_up_logging
from station.base.settings import Settings
from station.serve.addresses import is_loopback, names_for_certificate, reachable_origin, reachable_origins
from station.serve.child import Child
from station.serve.folder import close_to_others, is_set_up_open
from station.serve.fork_server import ForkServer
from station.serve.ports import CannotStart, check_ports
from station.serve.processes import Processes
from station.serve.pulse import open_pulse, release_given
from station.serve.roles import parts_of
from station.serve.tasks import LINK_HASH, PREPARE

log = structlog.get_logger()

SLOW_START_S = 60.0


def serve(settings: Settings, fork_server: ForkServer | None) -> None:
    """Run the whole station until SIGTERM or SIGINT. Raises CannotStart with a sentence for the terminal."""
    set_up_logging(settings, "serve")
    with _only_one(settings.data):
        check_ports(settings)
        settings, fingerprint = secure(settings, dt.datetime.now(dt.UTC))
        asyncio.run(_serve(settings, fingerprint, fork_server))


def secure(settings: Settings, now: dt.datetime) -> tuple[Settings, str]:
    """The settings with a certificate where HTTPS is needed and none is named, and that certificate's fingerprint."""
    if is_loopback(settings.host) or settings.tls_cert is not None:
        return settings, ""
    from station.serve.certificate import ensure_certificate  # noqa: PLC0415  loaded only where it is needed

    names, addresses = names_for_certificate(settings.host)
    made = ensure_certificate(settings.data / "tls", names, addresses, now)
    return settings.model_copy(update={"tls_cert": made.certificate, "tls_key": made.key}), made.fingerprint


async def _serve(settings: Settings, fingerprint: str, fork_server: ForkServer | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    processes = Processes(settings, fork_server)
    with processes.watched():
        key = make_key()
        if await _unless(stop, _prepare(settings, processes, hash_key(key))):
            link = link_of(reachable_origin(settings), key) if is_set_up_open(settings.data) else ""
            await _keep(settings, welcome(settings, fingerprint, link), processes, stop)


async def _unless(stop: asyncio.Event, steps: Coroutine[Any, Any, None]) -> bool:
    """Whether the steps are done; they are left where they are when it is time to stop."""
    doing, stopping = asyncio.create_task(steps), asyncio.create_task(stop.wait())
    await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
    for task in (doing, stopping):
        task.cancel()
    await asyncio.wait((doing, stopping))
    if not doing.cancelled():
        doing.result()
    return not stop.is_set()


async def _prepare(settings: Settings, processes: Processes, link_hash: str) -> None:
    """Keys, database and demo data, before any role looks for them; each step is said: the first start takes long."""
    _say("准备密钥和数据库", "Preparing keys and database")
    GrantSigner.load(settings.keys)
    await processes.wait_until_ready()
    if settings.demo:
        _say("检查演示数据，第一次要几秒钟", "Looking at the demo data; the first time it takes some seconds")
    with open_pulse() as pulse:
        process = processes.start(PREPARE, pulse.given, {LINK_HASH: link_hash})
        release_given(pulse)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            process.send_signal(signal.SIGTERM)
            await process.wait()
            raise
    if code:
        raise CannotStart("The station does not start, as its database could not be prepared: what is above says why")


async def _keep(settings: Settings, greeting: str, processes: Processes, stop: asyncio.Event) -> None:
    """Run all roles until it is time to stop."""
    _say(f"启动 {len(parts_of(settings))} 个进程", f"Starting {len(parts_of(settings))} processes")
    states = settings.data / "run"
    tasks = [asyncio.create_task(Child(part, states, processes).run()) for part in parts_of(settings)]
    tasks.append(asyncio.create_task(_announce(settings, greeting)))
    try:
        await stop.wait()
        log.info("stopping")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _say(chinese: str, english: str) -> None:
    """A step of the start, for who waits at the terminal."""
    print(f"{chinese} / {english} ...", flush=True)


@contextmanager
def _only_one(data: Path) -> Iterator[None]:
    # The lock goes with the process, however it ends, so a stale file never keeps a station from starting.
    folder = data / "run"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        close_to_others(data)
        file = (folder / "serve.pid").open("a+")
    except OSError as error:
        raise CannotStart(f"The data folder {data} cannot be written to ({error.strerror}): set DATA=…") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotStart(
                f"A station is already running on the data folder {data}: stop it, or use make run DATA=… PORT=…"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)


async def _announce(settings: Settings, greeting: str) -> None:
    if await _ready(settings):
        print(greeting, flush=True)


async def _ready(settings: Settings) -> bool:
    scheme = "https" if settings.tls_cert else "http"
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "localhost") else settings.host  # noqa: S104
    began = asyncio.get_running_loop().time()
    warned = False
    while True:
        try:
            async with asyncio.timeout(5):
                answer = await _ask(host, settings.http_port, scheme == "https")
        except (OSError, TimeoutError) as error:
            answer = str(error)
        if answer.startswith("HTTP/1.1 200 "):
            return True
        if not warned and asyncio.get_running_loop().time() - began > SLOW_START_S:
            warned = True
            log.warning("not_ready_yet", after_s=SLOW_START_S, state=answer[-500:])
        await asyncio.sleep(0.2)


async def _ask(host: str, port: int, tls: bool) -> str:
    """What web answers to /readyz. By hand, as a library for it would stay in this process's memory for good."""
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # our own certificate, on our own machine
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        writer.write(f"GET /readyz HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        return (await reader.read()).decode(errors="replace")
    finally:
        writer.close()


def welcome(settings: Settings, fingerprint: str = "", link: str = "") -> str:
    """What the terminal shows when the station is ready: where to go, and with which logins.

    The link to set-up is for a terminal only: what is written to a file or to a journal would stay there.
    """
    addresses = reachable_origins(settings)
    lines = ["", "联络站已就绪 / The station is ready:", *(f"  {address}" for address in addresses)]
    if fingerprint:
        lines += [
            "自签名证书，浏览器会提示一次，指纹如下 / Self-signed certificate: the browser asks once, its SHA-256 is",
            f"  {fingerprint}",
        ]
    if link:
        lines += ["", "第一次开站，请在浏览器里打开 / To set the station up, open"]
        lines += [f"  {link if sys.stdout.isatty() else 'station setup-link'}"]
    if settings.demo:
        from station.demo.logins import describe_logins  # noqa: PLC0415  loaded only where it is asked for

        lines += ["", describe_logins(addresses[0])]
    if sys.stdout.isatty():
        lines += ["", "按 Ctrl-C 停止 / Ctrl-C stops it"]
    return "\n".join([*lines, ""])
