"""The shipped nginx.conf as it stands, run in front of a whole station: what visitors get through it."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import segno
from aiohttp import ClientSession, CookieJar, TCPConnector
from icalendar import Calendar
from playwright.async_api import Browser

from station.serve.certificate import ensure_certificate
from tests.servers import ROOT, RunningStation, answers, end_process, pick_port, start_station, wait_until

HOST = "station.example.cn"
LIN = "/deputies/dp_demo_linxiulan"


@dataclass(frozen=True, slots=True)
class Front:
    """A station behind nginx, on a port of its own as if the firewall gave it no 443."""

    running: RunningStation
    port: int
    folder: Path

    @property
    def host(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def origin(self) -> str:
        return f"https://{self.host}"


def shipped_conf(folder: Path, port: int, running: RunningStation) -> Path:
    """deploy/nginx.conf with this machine's ports and certificate put in, inside the http block that Debian has."""
    made = ensure_certificate(folder / "tls", [HOST], [], dt.datetime.now(dt.UTC))
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    changes = {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "/etc/ssl/station/cert.pem": str(made.certificate),
        "/etc/ssl/station/key.pem": str(made.key),
        "127.0.0.1:8080": f"127.0.0.1:{running.environment['STATION_HTTP_PORT']}",
        "127.0.0.1:8171": f"127.0.0.1:{running.environment['STATION_LIVE_HTTP_PORT']}",
        "default      8172;": f"default      {running.environment['STATION_MEDIA_HTTP_PORT']};",
    }
    for shipped, here in changes.items():
        assert shipped in text, shipped
        text = text.replace(shipped, here)
    (folder / "station.conf").write_text(text, encoding="utf-8")
    folders = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "main.conf"
    main.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log {folder}/access.log; {folders} include {folder}/station.conf; }}\n",
        encoding="utf-8",
    )
    return main


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A station with the settings that the file names, and nginx in front of it."""
    folder, port = tmp_path_factory.mktemp("front"), pick_port()
    program = shutil.which("nginx", path="/usr/sbin:/sbin:/usr/bin:/usr/local/bin") or ""
    assert program, "nginx was not found: run make test, which installs it"
    folder.chmod(0o755)  # nginx's workers are another user
    with start_station(folder, STATION_TRUSTED_PROXIES="127.0.0.1", STATION_CODES_PER_ADDRESS="120") as running:
        conf = shipped_conf(folder, port, running)
        server = subprocess.Popen([program, "-c", conf, "-p", folder], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: server.poll() is not None or answers(port), "nginx")
            assert server.poll() is None, (folder / "error.log").read_text()
            yield Front(running, port, folder)
        finally:
            end_process(server)


@asynccontextmanager
async def visitor(front: Front) -> AsyncIterator[ClientSession]:
    """Who types the public name; this machine stands for its address."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    headers = {"Host": front.host, "Accept-Language": "zh-CN"}
    # From an address that the station does not trust as a proxy, as every visitor's is.
    connector = TCPConnector(ssl=trusting, local_addr=("127.0.0.2", 0))
    base = f"https://127.0.0.1:{front.port}"
    async with ClientSession(base, headers=headers, connector=connector, cookie_jar=CookieJar(unsafe=True)) as session:
        yield session


async def token_of(session: ClientSession) -> str:
    async with session.get("/signin") as page:
        found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', await page.text())
    assert found
    return found[1]


async def test_cookies_are_secure_and_hsts_is_sent(front: Front) -> None:
    """The proxy speaks TLS, the station knows it."""
    async with visitor(front) as session, session.get("/signin") as page:
        assert page.status == 200
        assert "Secure" in page.headers["Set-Cookie"]
        assert page.headers["Strict-Transport-Security"].startswith("max-age=")


async def test_codes_and_posters_lead_back_through_the_proxy(front: Front) -> None:
    """A printed code holds https, the public name and its port; so does the line to type."""
    async with visitor(front) as session:
        async with session.get(LIN + "/poster") as page:
            found = re.search(rf"{re.escape(front.host)}(/d/\w+)", await page.text())
        assert found
        async with session.get(LIN + "/qr.svg") as picture:
            drawn = await picture.text()
        path = re.search(r'<path [^>]*d="([^"]+)"', drawn)
        assert path
        expected = segno.make(front.origin + found[1], error="m", micro=False)
        assert expected.svg_inline(scale=8, border=4, dark="#000", light="#fff").count(path[1]) == 1
        async with session.get(found[1], allow_redirects=False) as answer:
            assert answer.headers["Location"] == LIN


@pytest.mark.parametrize(("origin", "status"), [("", 303), ("https://evil.example", 403), (HOST, 403)])
async def test_forms_of_our_own_pages_are_taken_on_this_port(front: Front, origin: str, status: int) -> None:
    """Origin has the port, and Host as nginx sends it has it too; other origins stay outside."""
    async with visitor(front) as session:
        form = {"phone": "13912345678", "csrf": await token_of(session)}
        headers = {"Origin": origin or front.origin}
        async with session.post("/signin", data=form, headers=headers, allow_redirects=False) as answer:
            assert answer.status == status, await answer.text()


async def test_metrics_are_not_public_and_head_is_answered(front: Front) -> None:
    """Prometheus asks on the machine itself; monitors outside may ask by HEAD whether the station lives."""
    async with visitor(front) as session:
        async with session.get("/metrics") as answer:
            assert answer.status == 404
        for path in ("/", "/healthz", "/deputies", LIN + "/qr.svg"):
            async with session.head(path) as answer:
                assert answer.status == 200, path
    async with ClientSession() as local, local.get(front.running.address + "/metrics") as answer:
        assert "station_web_requests_total" in await answer.text()


async def test_addresses_that_let_somebody_in_stand_in_no_log(front: Front) -> None:
    """The link of the first start and those of invites; every other address is logged as usual."""
    async with visitor(front) as session:
        for path in ("/setup?key=secret-key", "/invite/secret-token", "/invite/secret-token/password", "/deputies?q=1"):
            async with session.get(path) as answer:
                assert answer.status != 502, path
    log = front.folder / "access.log"
    wait_until(lambda: "/deputies?q=1" in log.read_text(), "the line of the last request")
    assert "secret" not in log.read_text()


async def test_signalling_reaches_media_through_the_proxy(front: Front) -> None:
    """The socket of our own page is opened on this port and speaks with media; another site's page is turned away."""
    async with visitor(front) as session:
        async with session.ws_connect("/media/0/ws", origin=front.origin) as socket:
            await socket.send_json({"type": "ping", "id": "1"})
            assert "re" in await socket.receive_json(timeout=10)
        async with session.get("/live/nothing/index.m3u8") as answer:
            assert answer.status == 404


async def test_the_chain_of_addresses_is_believed_to_the_proxy_only(front: Front) -> None:
    """What a visitor writes into X-Forwarded-For counts for nothing: the address that nginx saw is counted."""
    async with visitor(front) as session:
        statuses = []
        for number in range(14):  # more than one address may ask for in a minute: a tenth of the hour
            form = {"phone": "13912345600", "csrf": await token_of(session)}
            headers = {"Origin": front.origin, "X-Forwarded-For": f"203.0.113.{number}"}
            async with session.post("/signin", data=form, headers=headers, allow_redirects=False) as answer:
                statuses.append(answer.status)
        assert 429 in statuses


async def test_a_browser_signs_in_and_books_its_calendar_through_the_proxy(front: Front, browser: Browser) -> None:
    """A real browser's Origin, cookies and redirects agree with the station's on this port."""
    context = await browser.new_context(ignore_https_errors=True, locale="zh-CN")
    page = await context.new_page()
    address = f"https://127.0.0.1:{front.port}"
    await page.goto(f"{address}/signin")
    await page.fill("#phone", "13800001234")
    await page.click("main form button")
    await page.wait_for_url("**/signin/code**")
    outbox = await context.new_page()
    await outbox.goto(f"{address}/demo")
    sent = await outbox.locator("[data-to='13800001234']").first.inner_text()
    code = re.search(r"\d{6}", sent)
    assert code
    await page.fill("#code", code[0])
    await page.click("main form button")
    await page.wait_for_url("**/my")
    cookies = await context.cookies()
    assert {cookie["name"] for cookie in cookies if cookie["secure"]} >= {"station_session", "station_visit"}
    link = await page.locator("a[href^='/bookings/']").first.get_attribute("href")
    answer = await context.request.get(f"{address}{link}/calendar.ics")
    entry = Calendar.from_ical(await answer.text()).walk("VEVENT")[0]
    assert str(entry["url"]) == f"{address}{link}"
    assert "127.0.0.1" not in str(entry["uid"]) + str(entry["organizer"])
    await context.close()
