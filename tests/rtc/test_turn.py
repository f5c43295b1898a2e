"""TURN through a real coturn, with the short-lived credentials that the station gives."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aioice.stun
import aioice.turn
import pytest
from aiohttp import ClientSession

from station.base.grants import GrantSigner
from station.rtc.http.main import MediaServer
from station.rtc.http.turn import TurnServer
from station.rtc.rooms.messages import IceServer
from station.rtc.transport.addresses import host_addresses
from tests.rtc.conftest import Media, OpenPage, make_settings
from tests.rtc.test_call import HEARD, decodes, holds
from tests.servers import pick_port

SECRET = "a shared secret"
HOST = next(host for host in host_addresses("") if ":" not in host)
ONLY_RELAY = """window.pcs = []; window.refusals = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration) {
    super({ ...configuration, iceTransportPolicy: "relay" });
    this.addEventListener("icecandidateerror", (event) => refusals.push(event.errorCode));
    pcs.push(this);
  }
};"""
RELAYED = """async () => {
  const types = [];
  for (const pc of pcs) {
    const stats = [...(await pc.getStats()).values()];
    const transport = stats.find((item) => item.type === "transport" && item.selectedCandidatePairId);
    const pair = stats.find((item) => item.id === transport?.selectedCandidatePairId);
    types.push(stats.find((item) => item.id === pair?.localCandidateId)?.candidateType ?? "");
  }
  return types;
}"""


@asynccontextmanager
async def coturn(folder: Path) -> AsyncIterator[str]:
    """A coturn as deploy/coturn.conf has it, but on a free port and without TLS; its URLs."""
    port = pick_port()
    process = await asyncio.create_subprocess_exec(
        "turnserver", "-n", f"--listening-ip={HOST}", f"--relay-ip={HOST}", f"--listening-port={port}",
        "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=station", "--fingerprint",
        "--no-tls", "--no-dtls", "--no-cli", "--no-stdout-log", "--log-file=/dev/null", f"--pidfile={folder}/pid",
        f"--userdb={folder}/db", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(15):
            while True:
                assert process.returncode is None, "coturn ended"
                try:
                    _, writer = await asyncio.open_connection(HOST, port)
                except ConnectionError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        yield f"turn:{HOST}:{port}?transport=udp, turn:{HOST}:{port}?transport=tcp"
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def media_with(
    folder: Path, signer: GrantSigner, pages: str, turn_url: str, turn_secret: str
) -> AsyncIterator[Media]:
    origin = pages.rstrip("/")  # media answers pages of its own origin only
    settings = make_settings(folder, turn_url=turn_url, turn_secret=turn_secret, public_origin=origin)
    async with MediaServer(settings) as server, ClientSession() as http:
        yield Media(settings, signer, server, pages, http)


async def allocate(server: IceServer, transport: str) -> None:
    host, _, port = server.urls.removeprefix("turn:").split("?")[0].partition(":")
    relay, _ = await aioice.turn.create_turn_endpoint(
        asyncio.DatagramProtocol, (host, int(port)), server.username, server.credential, transport=transport
    )
    assert relay.get_extra_info("sockname")[0] == HOST
    relay.close()


@pytest.mark.parametrize("url", ["http://x", "turn:a b", "stun:a", "turn://a"])
def test_an_address_that_browsers_refuse_is_refused_at_once(tmp_path: Path, url: str) -> None:
    """One bad URL would keep every page from making a connection: the settings do not take it."""
    with pytest.raises(ValueError, match="turn_url"):
        make_settings(tmp_path, turn_url=url)


async def test_coturn_takes_our_credentials_and_no_others(tmp_path: Path) -> None:
    """Over UDP and TCP an allocation is granted with the shared secret, and refused with another one."""
    async with coturn(tmp_path) as url:
        for server in TurnServer(url, SECRET).servers_for("anna"):
            await allocate(server, server.urls.rpartition("=")[2])
        wrong, *_ = TurnServer(url, "another secret").servers_for("anna")
        with pytest.raises(aioice.stun.TransactionFailed) as raised:
            await allocate(wrong, "udp")
        assert raised.value.response.attributes["ERROR-CODE"][0] == 401


async def test_a_page_that_may_only_relay_meets_another(
    tmp_path: Path, signer: GrantSigner, page_server: str, open_page: OpenPage
) -> None:
    """Behind a firewall that lets nothing but TURN through, picture and sound flow both ways."""
    async with coturn(tmp_path) as url, media_with(tmp_path, signer, page_server, url, SECRET) as media:
        one, other = await open_page(), await open_page()
        await one.add_init_script(ONLY_RELAY)
        await media.enter(one, "anna")
        await media.enter(other, "boris")
        for page in (one, other):
            await decodes(page, 12)
            await holds(page, HEARD)
        assert await one.evaluate(RELAYED) == ["relay", "relay"]


async def test_a_wrong_secret_is_refused(
    tmp_path: Path, signer: GrantSigner, page_server: str, open_page: OpenPage
) -> None:
    """With a secret that coturn does not have, the page is told so and gets no relay."""
    async with coturn(tmp_path) as url, media_with(tmp_path, signer, page_server, url, "another") as media:
        page = await open_page()
        await page.add_init_script(ONLY_RELAY)
        await media.enter(page, "anna")
        await page.wait_for_function("refusals.includes(401)")
        assert not any(session.paths for session in media.server.port.sessions)
