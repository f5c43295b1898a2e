"""`station serve`: prepares what all roles need, starts them, keeps them alive, ends them together."""

from __future__ import annotations

import asyncio
import datetime as dt
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from station.base.database import migrate
from station.base.grants import GrantSigner
from station.base.logging import set_up_logging
from station.base.settings import Settings
from station.serve.addresses import is_loopback, names_for_certificate, reachable_hosts
from station.serve.certificate import ensure_certificate
from station.serve.child import Child
from station.serve.folder import close_to_others
from station.serve.ports import CannotStart, check_ports
from station.serve.roles import parts_of

log = structlog.get_logger()

SLOW_START_S = 60.0


def serve(settings: Settings) -> None:
    """Run the whole station until SIGTERM or SIGINT. Raises CannotStart with a sentence for the terminal."""
    set_up_logging(settings, "serve")
    with _only_one(settings.data):
        check_ports(settings)
        settings, fingerprint = secure(settings, dt.datetime.now(dt.UTC))
        asyncio.run(_serve(settings, fingerprint))


def secure(settings: Settings, now: dt.datetime) -> tuple[Settings, str]:
    """The settings with a certificate where HTTPS is needed and none is named, and that certificate's fingerprint."""
    if is_loopback(settings.host) or settings.tls_cert is not None:
        return settings, ""
    names, addresses = names_for_certificate(settings.host)
    made = ensure_certificate(settings.data / "tls", names, addresses, now)
    return settings.model_copy(update={"tls_cert": made.certificate, "tls_key": made.key}), made.fingerprint


async def prepare(settings: Settings) -> None:
    """Keys, database and demo data, before any role looks for them; each step is said: the first start takes long."""
    _say("准备密钥和数据库", "Preparing keys and database")
    GrantSigner.load(settings.keys)
    await asyncio.to_thread(migrate, settings)
    if settings.demo:
        _say("检查演示数据，第一次要半分钟", "Looking at the demo data; the first time it takes half a minute")
        from station.app import close_station, open_station  # noqa: PLC0415  the supervisor itself stays small
        from station.demo import seed  # noqa: PLC0415

        station = open_station(settings)
        try:
            await seed(station)
        finally:
            await close_station(station)


def environment_for(settings: Settings) -> dict[str, str]:
    """This process's environment, with what was decided here put where the roles read it."""
    changed = {
        "STATION_HOST": settings.host,
        "STATION_HTTP_PORT": str(settings.http_port),
        "STATION_MEDIA_PORT": str(settings.media_port),
        "STATION_MEDIA_PROCESSES": str(settings.media_processes),
        "STATION_DATA": str(settings.data.resolve()),
        "STATION_DEMO": "true" if settings.demo else "false",
    }
    for name, path in (("STATION_TLS_CERT", settings.tls_cert), ("STATION_TLS_KEY", settings.tls_key)):
        if path is not None:
            changed[name] = str(path.resolve())
    return {**os.environ, **changed}


async def _serve(settings: Settings, fingerprint: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await prepare(settings)
    if stop.is_set():
        return
    _say(f"启动 {len(parts_of(settings))} 个进程", f"Starting {len(parts_of(settings))} processes")
    states = settings.data / "run"
    environment = environment_for(settings)
    tasks = [asyncio.create_task(Child(part, states, environment).run()) for part in parts_of(settings)]
    tasks.append(asyncio.create_task(_announce(settings, fingerprint)))
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


async def _announce(settings: Settings, fingerprint: str) -> None:
    if await _ready(settings):
        print(welcome(settings, fingerprint), flush=True)


async def _ready(settings: Settings) -> bool:
    scheme = "https" if settings.tls_cert else "http"
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "localhost") else settings.host  # noqa: S104
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.http_port}/readyz"
    began = asyncio.get_running_loop().time()
    warned = False
    async with ClientSession(timeout=ClientTimeout(total=5)) as session:
        while True:
            try:
                async with session.get(url, ssl=False) as answer:  # our own certificate, on our own machine
                    if answer.status == 200:
                        return True
                    state = (await answer.text())[:500]
            except (ClientError, TimeoutError) as error:
                state = str(error)
            if not warned and asyncio.get_running_loop().time() - began > SLOW_START_S:
                warned = True
                log.warning("not_ready_yet", after_s=SLOW_START_S, state=state)
            await asyncio.sleep(0.2)


def welcome(settings: Settings, fingerprint: str = "") -> str:
    """What the terminal shows when the station is ready: where to go, and with which logins."""
    scheme = "https" if settings.tls_cert else "http"
    addresses = [f"{scheme}://{host}:{settings.http_port}" for host in reachable_hosts(settings.host)]
    lines = ["", "联络站已就绪 / The station is ready:", *(f"  {address}" for address in addresses)]
    if fingerprint:
        lines += [
            "自签名证书，浏览器会提示一次，指纹如下 / Self-signed certificate: the browser asks once, its SHA-256 is",
            f"  {fingerprint}",
        ]
    if settings.demo:
        from station.demo.accounts import describe_logins  # noqa: PLC0415  loaded only where it is asked for

        lines += ["", describe_logins(addresses[0])]
    if sys.stdout.isatty():
        lines += ["", "按 Ctrl-C 停止 / Ctrl-C stops it"]
    return "\n".join([*lines, ""])
