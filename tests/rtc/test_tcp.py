"""ICE over TCP: for networks that block UDP, and against those who only want to hold a connection."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.rtc.formats.framing import BadFraming, Deframer, frame
from station.rtc.transport import session as session_module
from station.rtc.transport.tcp import MAX_STRANGERS, QUEUE_BYTES
from tests.rtc.conftest import Media, OpenPage
from tests.rtc.raw_peer import VIDEO_SSRC, TcpChannel, UdpChannel, call, flows
from tests.rtc.test_call import HEARD, decodes, holds
from tests.rtc.test_http import until
from tests.rtc.test_port import keep_candidates

THREE = {"anna": "whip", "boris": "whep", "lazy": "whep"}
SELECTED = """async () => {
  const found = [];
  for (const pc of pcs) {
    const stats = [...(await pc.getStats()).values()];
    const transport = stats.find((item) => item.type === "transport" && item.selectedCandidatePairId);
    const pair = stats.find((item) => item.id === transport?.selectedCandidatePairId);
    found.push(stats.find((item) => item.id === pair?.remoteCandidateId)?.protocol ?? "");
  }
  return found;
}"""
KEEP_CONNECTIONS = """window.pcs = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...all) { super(...all); pcs.push(this); }
};"""


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.data())
def test_datagrams_survive_any_cutting_of_the_stream(datagrams: list[bytes], data: st.DataObject) -> None:
    """However the stream is cut into pieces, the same datagrams come out."""
    stream = b"".join(frame(datagram) for datagram in datagrams)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    deframer = Deframer()
    found: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += deframer.feed(stream[start:end])
    assert found == datagrams


def test_a_length_no_datagram_has_is_refused() -> None:
    """A stream that announces more than a datagram of ours can hold is not followed."""
    with pytest.raises(BadFraming):
        Deframer().feed(b"\xff\xff")


async def test_browsers_meet_with_udp_blocked(media: Media, open_page: OpenPage) -> None:
    """A page that can only use TCP publishes and watches; its partner uses UDP, and TCP only in need."""
    one, other = await open_page(), await open_page()
    for page in (one, other):
        await page.add_init_script(KEEP_CONNECTIONS)
    await keep_candidates(one, " tcp ")
    await media.enter(one, "anna")
    await media.enter(other, "boris")
    for page in (one, other):
        await decodes(page, 20)
        await holds(page, HEARD)
    assert await one.evaluate(SELECTED) == ["tcp", "tcp"]
    assert await other.evaluate(SELECTED) == ["udp", "udp"]


async def test_a_session_lives_and_ends_with_its_tcp_connection(media: Media) -> None:
    """Media flows over TCP; when the peer cuts the connection, another proved path takes over."""
    publisher, subscriber = await call(media, "whip", "anna"), await call(media, "whep", "boris")
    udp = UdpChannel("127.0.0.1", media.server.media_port)
    tcp = await TcpChannel.open("127.0.0.1", media.server.media_port)
    await publisher.connect(udp)
    await subscriber.connect(tcp)
    await flows(publisher, udp, subscriber, tcp)
    second = UdpChannel("127.0.0.1", media.server.media_port)
    await second.send(subscriber.check(nominates=False))
    await subscriber.take(second)
    tcp.close()
    await until(lambda: not media.server.port.tcp.wires)
    await flows(publisher, udp, subscriber, second)
    udp.close()
    second.close()


async def test_a_viewer_that_never_reads_costs_bounded_memory(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a connection does not take is dropped once its queue is full; another subscriber misses nothing."""
    for allowance in ("INBOUND_BYTES_PER_S", "INBOUND_BURST_BYTES"):  # what one session may send is no matter here
        monkeypatch.setattr(session_module, allowance, 1_000_000_000)
    publisher, subscriber, lazy = [
        await call(media, way, way + n) for way, n in (("whip", ""), ("whep", "1"), ("whep", "2"))
    ]
    port = media.server.media_port
    sending, receiving = UdpChannel("127.0.0.1", port), UdpChannel("127.0.0.1", port)
    await publisher.connect(sending)
    await subscriber.connect(receiving)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port))
    stuck = TcpChannel(*await asyncio.open_connection(sock=narrow, limit=4096))
    await lazy.connect(stuck)
    stuck.writer.transport.pause_reading()  # type: ignore[attr-defined]
    (wire,) = media.server.port.tcp.wires.values()
    sent = 0
    while wire.dropped < 100:
        for _ in range(20):
            sent += 1
            await sending.send(publisher.rtp(b"\x65" + bytes(1099), ssrc=VIDEO_SSRC, payload_type=102))
        async with asyncio.timeout(10):
            while len(subscriber.media) < sent:
                assert await subscriber.take(receiving, 5)
        assert wire.queued_bytes < QUEUE_BYTES + 1500
        assert sent < 5000
    for channel in (sending, receiving, stuck):
        channel.close()


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"\xff\xff", struct.pack("!H", 20) + b"\x80" * 20])
async def test_a_stranger_that_speaks_something_else_is_cut_off(media: Media, said: bytes) -> None:
    """Whatever is no connectivity check ends the connection at once."""
    tcp = await TcpChannel.open("127.0.0.1", media.server.media_port)
    tcp.writer.write(said)
    assert await asyncio.wait_for(tcp.reader.read(), 5) == b""
    await until(lambda: not media.server.port.tcp.wires)
    tcp.close()


async def test_a_stranger_that_says_nothing_is_cut_off(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence, and bytes that trickle in, end after some seconds; a wrong password never begins anything."""
    monkeypatch.setattr("station.rtc.transport.tcp.PROVE_WITHIN_S", 0.3)
    silent = await TcpChannel.open("127.0.0.1", media.server.media_port)
    assert await asyncio.wait_for(silent.reader.read(), 5) == b""
    peer = await call(media, "whip", "anna")
    wrong = await TcpChannel.open("127.0.0.1", media.server.media_port)
    await wrong.send(peer.check(password="wrong"))
    await asyncio.wait_for(wrong.reader.read(), 5)
    assert not media.server.port.tcp.wires
    assert not any(session.paths for session in media.server.port.sessions)
    silent.close()
    wrong.close()


async def test_many_strangers_do_not_keep_a_guest_out(media: Media) -> None:
    """Connections that prove nothing give way, oldest first, to one that does."""
    port = media.server.media_port
    strangers = [await TcpChannel.open("127.0.0.1", port) for _ in range(MAX_STRANGERS + 20)]
    await until(lambda: len(media.server.port.tcp.strangers) == MAX_STRANGERS)
    peer = await call(media, "whip", "anna")
    guest = await TcpChannel.open("127.0.0.1", port)
    await peer.connect(guest)
    assert len(media.server.port.tcp.strangers) < MAX_STRANGERS
    for channel in (*strangers, guest):
        channel.close()
