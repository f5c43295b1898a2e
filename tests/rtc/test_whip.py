"""WHIP (RFC 9725) and WHEP to the letter, and by clients that nobody here wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from station.base.grants import GrantSigner
from station.rtc.formats.fragment import BadFragment, parse_fragment, write_fragment
from station.rtc.http.main import MediaServer
from tests.rtc.conftest import Media, OpenPage, make_settings
from tests.rtc.offers import offer
from tests.rtc.raw_peer import RawPeer, UdpChannel, call, flows
from tests.rtc.test_call import holds
from tests.rtc.test_http import until

FRAGMENT = "application/trickle-ice-sdpfrag"
LINK = r'<([^>]+)>; rel="ice-server"; username="(\d+:anna)"; credential="([^"]+)"; credential-type="password"'
TURN = {"turn_url": "turn:192.0.2.1:3478?transport=udp, turns:turn.example.cn:5349", "turn_secret": "secret"}


def fragment(ufrag: str, password: str = "p" * 22) -> str:
    lines = [
        "a=group:BUNDLE 0 1", "m=video 9 UDP/TLS/RTP/SAVPF 102", "a=mid:0", f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}", "a=candidate:1 1 udp 1 192.0.2.1 9 typ host", "a=end-of-candidates",
    ]  # fmt: skip
    return "\r\n".join(lines) + "\r\n"


async def test_candidates_and_restarts_come_by_patch(media: Media) -> None:
    """Trickle is 204, a restart 200 with new credentials and ETag; a stale tag is 412, none at all 428."""
    publisher, subscriber = await call(media, "whip", "anna"), await call(media, "whep", "boris")
    sending, receiving, moved = [UdpChannel("127.0.0.1", media.server.media_port) for _ in range(3)]
    await publisher.connect(sending)
    await subscriber.connect(receiving)
    first = f'"{publisher.remote_ufrag}"'
    fresh = fragment("afterwards")

    async def patch(body: str, **headers: str) -> tuple[int, dict[str, str], str]:
        sent = {"Authorization": f"Bearer {media.grant('anna')}", "Content-Type": FRAGMENT, **headers}
        async with media.http.patch(media.url + publisher.location, data=body, headers=sent) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, await answer.text()

    status, headers, body = await patch(fragment(publisher.ufrag), **{"If-Match": first})
    assert (status, body, "etag" in headers) == (204, "", False)
    for body, wrong in [
        (fresh, {}),
        (fresh, {"If-Match": '"old"'}),
        (fresh, {"If-Match": "*", "Content-Type": "application/sdp"}),
        ("a=ice-ufrag:afterwards\r\n", {"If-Match": "*"}),
        ("rubbish", {"If-Match": "*"}),
        ("a=x:" + "y" * 40_000, {"If-Match": "*"}),
    ]:
        status, headers, _ = await patch(body, **wrong)
        assert headers["content-type"].startswith("application/problem+json")
        assert status == {"": 428, '"old"': 412}.get(wrong.get("If-Match", "")) or status in (400, 413, 415)
    await flows(publisher, sending, subscriber, receiving)  # refusals have changed nothing
    status, headers, body = await patch(fresh, **{"If-Match": "*"})
    assert (status, headers["content-type"]) == (200, FRAGMENT)
    assert headers["etag"] not in ("", first)
    assert all(line in body for line in ("a=ice-lite", "m=video 9", "a=mid:0", "a=candidate:1 1 udp"))
    restarted = RawPeer(publisher.answer + body, "afterwards", publisher.location)
    assert f'"{restarted.remote_ufrag}"' == headers["etag"]
    await moved.send(restarted.check())
    assert (await restarted.take(moved) or b"\xff")[0] < 4
    await flows(publisher, moved, subscriber, receiving)
    status, _, _ = await patch(fragment("afterwards"), **{"If-Match": first})
    assert status == 412
    for channel in (sending, receiving, moved):
        channel.close()


RESTART = """async ([url, grant]) => {
  const headers = { Authorization: `Bearer ${grant}`, "Content-Type": "application/sdp" };
  const pc = (window.pc = new RTCPeerConnection());
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  for (const track of media.getTracks()) pc.addTrack(track, media);
  await pc.setLocalDescription();
  const created = await fetch(url, { method: "POST", body: pc.localDescription.sdp, headers });
  const answer = await created.text();
  await pc.setRemoteDescription({ type: "answer", sdp: answer });
  await new Promise((resolve) => {
    pc.onconnectionstatechange = () => pc.connectionState === "connected" && resolve();
  });
  pc.restartIce();
  await pc.setLocalDescription();
  const wanted = /^(m=|a=mid:|a=ice-ufrag:|a=ice-pwd:|a=candidate:)/;
  const body = pc.localDescription.sdp.split("\\r\\n").filter((line) => wanted.test(line)).join("\\r\\n") + "\\r\\n";
  const restarted = await fetch(new URL(created.headers.get("Location"), url), {
    method: "PATCH", body, headers: { ...headers, "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*" },
  });
  const fragment = await restarted.text();
  const fresh = (name) => fragment.match(new RegExp(`a=${name}:.*`))[0];
  const sdp = answer.replace(/a=ice-ufrag:.*/g, fresh("ice-ufrag")).replace(/a=ice-pwd:.*/g, fresh("ice-pwd"));
  await pc.setRemoteDescription({ type: "answer", sdp });
  return [created.status, restarted.status, fresh("ice-ufrag").split(":")[1].trim(), restarted.headers.get("ETag")];
}"""
SENT = """async () => [...(await pc.getStats()).values()].find((item) => item.type === "transport").bytesSent"""


async def test_a_browser_restarts_ice(media: Media, open_page: OpenPage) -> None:
    """Chromium takes our new credentials, nominates with them, and goes on sending without a new handshake."""
    page = await open_page()
    await page.goto(media.pages)
    created, restarted, ufrag, etag = await page.evaluate(RESTART, [f"{media.url}/whip/mt_test", media.grant("anna")])
    assert (created, restarted, etag) == (201, 200, f'"{ufrag}"')
    (session,) = media.server.port.sessions
    await until(lambda: list(session.ufrags) == [ufrag])
    before = await page.evaluate(SENT)
    await holds(page, f"async () => (await ({SENT})()) > {before + 20_000}")
    assert await page.evaluate("pc.connectionState") == "connected"


async def test_the_urls_answer_by_the_letter(media: Media) -> None:
    """OPTIONS, GET and methods nobody has; pages of other sites may read what they need; a DELETE ends it."""
    peer = await call(media, "whip", "anna")
    mine = {"Authorization": f"Bearer {media.grant('anna')}"}
    accepts = {"/whip/mt_test": "Accept-Post", "/whep/mt_test": "Accept-Post", peer.location: "Accept-Patch"}
    for path, accepted in accepts.items():
        async with media.http.options(media.url + path, headers={"Origin": "https://else.example"}) as answer:
            assert answer.status == 200
            assert accepted in answer.headers
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert {"Location", "Link", "ETag"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
            assert "If-Match" in answer.headers["Access-Control-Allow-Headers"]
        async with media.http.get(media.url + path) as answer:
            assert (answer.status, await answer.text()) == (204, "")
        async with media.http.put(media.url + path, headers=mine) as answer:
            assert answer.status == 405
    for method, path, status in (
        ("POST", "/whip/mt_test", 401),
        ("PATCH", peer.location, 401),
        ("DELETE", peer.location, 401),
    ):
        async with media.http.request(method, media.url + path, data="x") as answer:
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (status, "Bearer")
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
    for status in (200, 404):
        async with media.http.delete(media.url + peer.location, headers={**mine, "If-Match": '"old"'}) as answer:
            assert answer.status == status
    async with media.http.post(media.url + "/whep/mt_test", data=offer("recvonly", "abcd", (1, 2)), headers={
        "Authorization": f"Bearer {media.grant('boris')}", "Content-Type": "application/sdp"
    }) as answer:  # fmt: skip
        assert (answer.status, answer.headers["Retry-After"]) == (409, "2")


async def test_each_post_is_a_session_of_its_own(media: Media) -> None:
    """An encoder that begins anew with the same certificate shakes hands again, and the room sees one encoder."""
    port = media.server.media_port
    first, channel = await call(media, "whip", "anna"), UdpChannel("127.0.0.1", port)
    await first.connect(channel)
    second, other = await call(media, "whip", "anna"), UdpChannel("127.0.0.1", port)
    assert second.location != first.location
    await second.connect(other)
    assert len(media.server.port.sessions) == 1
    assert len(media.server.rooms.rooms["mt_test"].sources) == 2
    channel.close()
    other.close()


async def test_more_tracks_than_we_take_are_refused_whole(media: Media) -> None:
    """A third picture is not silently left out of the answer."""
    video = offer("sendonly", "abcd", (1, 2)).split("m=audio")[0]
    head, line = video.split("m=video")
    lines = [f"m=video{line}".replace("a=mid:0", f"a=mid:{n}").replace("ssrc:1", f"ssrc:{n + 1}") for n in range(3)]
    headers = {"Authorization": f"Bearer {media.grant('anna')}", "Content-Type": "application/sdp"}
    async with media.http.post(f"{media.url}/whip/mt_test", data=head + "".join(lines), headers=headers) as answer:
        assert answer.status == 422
    assert not media.server.port.sessions


async def refused(media: Media, way: str, body: str) -> str:
    """The problem that an offer is refused with; nothing of it is left."""
    headers = {"Authorization": f"Bearer {media.grant('anna')}", "Content-Type": "application/sdp"}
    async with media.http.post(f"{media.url}/{way}/mt_test", data=body, headers=headers) as answer:
        assert answer.status == 422
        return json.dumps(await answer.json(content_type=None), ensure_ascii=False)


async def test_an_encoder_that_bundles_publishes_all_its_tracks(media: Media) -> None:
    """Lines on the first one's port are taken like it, as GStreamer's max-bundle writes them."""
    body = offer("sendonly", "abcd", (1, 2)).replace("m=audio 9", "m=audio 0")
    headers = {"Authorization": f"Bearer {media.grant('anna')}", "Content-Type": "application/sdp"}
    body = body.replace("a=mid:1", "a=mid:1\r\na=bundle-only")
    async with media.http.post(f"{media.url}/whip/mt_test", data=body, headers=headers) as answer:
        assert answer.status == 201
        assert (await answer.text()).count("a=recvonly") == 2
    kinds = [source.track.state.kind for source in media.server.rooms.rooms["mt_test"].sources.values()]
    assert kinds == ["video", "audio"]


async def test_what_cannot_be_taken_is_named(media: Media) -> None:
    """An unknown codec, a third picture, a transport of its own: all is refused, and the line is named."""
    good = offer("sendonly", "abcd", (1, 2))
    assert "“0”（video）" in await refused(media, "whip", good.replace("H264/90000", "VP9/90000"))
    assert "“1”（audio）" in await refused(media, "whip", good.replace("opus/48000/2", "PCMU/8000"))
    assert "not-bundled" in await refused(media, "whip", good.replace("a=group:BUNDLE 0 1", "a=x"))
    assert not media.server.port.sessions
    assert not media.server.rooms.rooms.get("mt_test") or not media.server.rooms.rooms["mt_test"].members


async def test_turn_servers_come_in_link_headers(tmp_path: Path, signer: GrantSigner) -> None:
    """Each TURN URL is a link with short-lived credentials: with the answer, and for OPTIONS with a grant."""
    settings = make_settings(tmp_path, **TURN)
    async with MediaServer(settings) as server, ClientSession() as http:
        media = Media(settings, signer, server, "", http)
        headers = {"Authorization": f"Bearer {media.grant('anna')}", "Content-Type": "application/sdp"}
        body = offer("sendonly", "abcd", (1, 2))
        async with http.post(f"{media.url}/whip/mt_test", data=body, headers=headers) as answer:
            created = answer.headers["Link"]
        async with http.options(f"{media.url}/whip/mt_test", headers=headers) as answer:
            asked = answer.headers["Link"]
        async with http.options(f"{media.url}/whip/mt_test") as answer:
            assert "Link" not in answer.headers
    for links in (created, asked):
        found = re.findall(
            r'<([^>]+)>; rel="ice-server"; username="(\d+:anna)"; credential="([^"]+)"; credential-type="password"',
            links,
        )
        assert [url for url, _, _ in found] == ["turn:192.0.2.1:3478?transport=udp", "turns:turn.example.cn:5349"]


async def test_oversized_and_strange_offers_are_refused(media: Media) -> None:
    """Whatever is posted, the answer is a 4xx within its bounds, and nothing is half made."""
    good = offer("sendonly", "abcd", (1, 2))
    headers = {"Authorization": f"Bearer {media.grant('anna')}", "Content-Type": "application/sdp"}

    async def endless() -> Any:
        for _ in range(100):
            yield b"a=x:y\r\n" * 1000

    bodies: list[Any] = [
        endless(), good * 40, good + "m=audio 9 RTP/AVP 0\r\n" * 200, good.replace("\r\n", "\0"), b"\xff" * 1000,
        good.replace("a=mid:0", "a=mid:" + "x" * 5000), "v=0" + "\r\na" * 30_000,
    ]  # fmt: skip
    for body in bodies:
        async with media.http.post(f"{media.url}/whip/mt_test", data=body, headers=headers) as answer:
            assert 400 <= answer.status < 500
    assert not media.server.port.sessions
    assert not media.server.rooms.rooms.get("mt_test") or not media.server.rooms.rooms["mt_test"].members


@given(st.text(max_size=300))
def test_any_text_is_a_fragment_or_is_not(text: str) -> None:
    """Parsing answers with a fragment or with BadFragment; ours is understood by our own parser."""
    for candidate in (text, fragment("abcd") + text):
        try:
            found = parse_fragment(candidate)
        except BadFragment:
            continue
        assert (
            parse_fragment(write_fragment(found, found.ufrag, "q" * 22, ("1 1 udp 1 192.0.2.1 9 typ host",))) == found
        )
