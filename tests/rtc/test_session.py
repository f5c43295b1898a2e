"""ICE as a lite agent, and what a session takes from whom: with bare peers whose every datagram is decided here."""

from __future__ import annotations

import asyncio
import secrets
import struct

import aioice.stun
import pytest

from station import gateway
from station.rtc.formats.stun import binding_request
from station.rtc.http import signalling
from station.rtc.transport import session as session_module
from tests.rtc.conftest import Media
from tests.rtc.offers import offer
from tests.rtc.raw_peer import AUDIO_SSRC, RawPeer, UdpChannel, call, flows
from tests.rtc.test_http import connect, receive, until


def open_channel(media: Media) -> UdpChannel:
    return UdpChannel("127.0.0.1", media.server.media_port)


async def ask(peer: RawPeer, channel: UdpChannel, datagram: bytes) -> aioice.stun.Message | None:
    """What is answered to a check, as another implementation reads it."""
    peer.stun.clear()
    await channel.send(datagram)
    while not peer.stun:
        if await peer.take(channel) is None:
            return None
    return aioice.stun.parse_message(peer.stun[0])


def unsigned(peer: RawPeer, *attributes: tuple[int, bytes]) -> bytes:
    body = b"".join(struct.pack("!HH", name, len(v)) + v + bytes(-len(v) % 4) for name, v in attributes)
    return struct.pack("!HHI12s", 1, len(body), 0x2112A442, secrets.token_bytes(12)) + body


async def test_checks_are_refused_with_the_code_they_deserve(media: Media) -> None:
    """No signature 400, wrong or unknown 401, an attribute we do not know 420, both sides controlled 487."""
    peer, channel = await call(media, "whip", "anna"), open_channel(media)
    username = f"{peer.remote_ufrag}:{peer.ufrag}"
    transaction = b"abcdefghijkl"
    cases = [
        (400, unsigned(peer, (0x0006, username.encode()))),
        (400, unsigned(peer)),
        (401, peer.check(password="wrong")),
        (401, binding_request(transaction, "nobody:x", peer.password)),
        (420, binding_request(transaction, username, peer.password, more=((0x7FF1, b"what"),))),
        (487, binding_request(transaction, username, peer.password, more=((0x8029, bytes(8)),))),
    ]
    for code, datagram in cases:
        answer = await ask(peer, channel, datagram)
        assert answer is not None
        assert answer.message_class is aioice.stun.Class.ERROR
        assert answer.attributes["ERROR-CODE"][0] == code
    assert peer.stun[0][20:].count(b"Role Conflict") == 1
    assert not any(session.paths for session in media.server.port.sessions)
    broken = bytearray(peer.check())
    broken[-1] ^= 1
    assert await ask(peer, channel, bytes(broken)) is None
    optional = binding_request(transaction, username, peer.password, more=((0xC057, b"news"),))
    answer = await ask(peer, channel, optional)
    assert answer is not None
    assert answer.message_class is aioice.stun.Class.RESPONSE
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == channel.socket.getsockname()
    channel.close()


async def test_thousands_of_strangers_ufrags_cost_nothing(media: Media) -> None:
    """Checks for sessions that never were leave no trace, are answered only so often, and keep no guest out."""
    port, channel = media.server.port, open_channel(media)
    before = port.packets_in
    for number in range(5000):
        await channel.send(binding_request(secrets.token_bytes(12), f"{number:08x}:x", "secret"))
        if number % 100 == 99:
            await until(lambda number=number: port.packets_in - before > number)  # type: ignore[misc]
    assert not port.sessions
    answers = 0
    peer = await call(media, "whip", "anna")
    while await peer.take(channel, 0.05) is not None:
        answers += 1
    assert 0 < answers < 1000
    guest = open_channel(media)
    await peer.connect(guest)
    channel.close()
    guest.close()


async def test_dtls_and_media_before_a_check_are_not_looked_at(media: Media) -> None:
    """A ClientHello from an address that proved nothing gets no answer; sent again after the check, it does."""
    peer, channel = await call(media, "whip", "anna"), open_channel(media)
    (hello,) = peer.dtls.start()
    for early in (hello, b"\x80\x6f" + bytes(40), b"\x80\xc8" + bytes(40)):
        await channel.send(early)
    assert await peer.take(channel) is None
    await channel.send(peer.check())
    assert (await peer.take(channel) or b"\xff")[0] < 4
    await channel.send(b"\x80\x6f" + bytes(40))  # media before the handshake is over
    async with asyncio.timeout(10):
        while peer.dtls.state == "new":  # the retransmission timer does it
            await peer.take(channel)
    assert peer.dtls.state == "connected"
    channel.close()


async def test_a_peer_that_waits_for_our_handshake_gets_it(media: Media) -> None:
    """An offer with setup:passive, as FFmpeg's, is answered actively: we begin once a check has come."""
    publisher, subscriber = await call(media, "whip", "anna", waits=True), await call(media, "whep", "boris")
    assert "a=setup:active" in publisher.answer
    sending, receiving = open_channel(media), open_channel(media)
    await publisher.connect(sending)
    await subscriber.connect(receiving)
    await flows(publisher, sending, subscriber, receiving)
    sending.close()
    receiving.close()


async def test_a_replayed_or_foreign_packet_changes_nothing(media: Media) -> None:
    """Repeated packets, packets from elsewhere with the right SSRC, and overheard checks have no effect."""
    publisher, subscriber = await call(media, "whip", "anna"), await call(media, "whep", "boris")
    sending, receiving, elsewhere = [open_channel(media) for _ in range(3)]
    await publisher.connect(sending)
    await subscriber.connect(receiving)
    await flows(publisher, sending, subscriber, receiving)
    (session,) = [one for one in media.server.port.sessions if one.address == sending.socket.getsockname()]
    packet, overheard = publisher.rtp(b"once only"), publisher.check()
    for channel in (sending, sending, elsewhere):
        await channel.send(packet)
    forged = b"\x80\x6f" + struct.pack("!HII", 7, 7, AUDIO_SSRC) + bytes(40)
    await sending.send(forged)
    await elsewhere.send(forged)
    await sending.send(overheard)
    await publisher.take(sending)
    await elsewhere.send(overheard)
    await flows(publisher, sending, subscriber, receiving)
    assert sum(packet.endswith(b"once only") for packet in subscriber.media) == 1
    assert session.address == sending.socket.getsockname()
    assert list(session.paths) == [session.address]
    for channel in (sending, receiving, elsewhere):
        channel.close()


async def test_nobody_takes_over_the_address_of_a_living_session(media: Media) -> None:
    """A good check of one session from the address where another is being heard is not followed."""
    anna, mallory, channel = (
        await call(media, "whip", "anna"),
        await call(media, "whip", "mallory"),
        open_channel(media),
    )
    await anna.connect(channel)
    assert await ask(mallory, channel, mallory.check()) is None
    assert [session.is_connected for session in media.server.port.sessions if session.paths] == [True]
    channel.close()


async def test_a_peer_moves_by_nomination_and_by_media(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscriber's new address counts once nominated, or once authentic media comes over a path that was proved."""
    monkeypatch.setattr("station.rtc.transport.session.SETTLED_S", 0.0)
    publisher, subscriber = await call(media, "whip", "anna"), await call(media, "whep", "boris")
    sending, first, second = [open_channel(media) for _ in range(3)]
    await publisher.connect(sending)
    await subscriber.connect(first)
    await flows(publisher, sending, subscriber, first)
    await second.send(subscriber.check(nominates=False))
    assert (await subscriber.take(second) or b"\xff")[0] < 4
    await flows(publisher, sending, subscriber, first)
    await second.send(subscriber.check())
    await flows(publisher, sending, subscriber, second)
    await first.send(subscriber.rtp())
    await flows(publisher, sending, subscriber, first)
    for channel in (sending, first, second):
        channel.close()


async def test_ice_restarts_by_signalling(media: Media) -> None:
    """An offer with a new ufrag and the same certificate gets new credentials; media goes on over the new path."""
    publisher, sending = await call(media, "whip", "anna"), open_channel(media)
    await publisher.connect(sending)
    socket, joined = await connect(media, media.grant("boris"))
    tracks = {"0": joined["tracks"][0]["id"], "1": joined["tracks"][1]["id"]}
    subscriber, answers = None, []
    for ufrag in ("before", "afterwards"):
        request = {"type": "subscribe", "id": ufrag, "sdp": offer("recvonly", ufrag, (1, 2)), "tracks": tracks}
        await socket.send_json(request)
        answers.append((await receive(socket, "subscribed"))["sdp"])
        if subscriber is None:
            subscriber, first = RawPeer(answers[0], ufrag, ""), open_channel(media)
            await subscriber.connect(first)
            await flows(publisher, sending, subscriber, first)
    assert subscriber is not None
    fresh, second = RawPeer(answers[1], "afterwards", ""), open_channel(media)
    assert fresh.remote_ufrag != subscriber.remote_ufrag
    answer = await ask(fresh, second, fresh.check())
    assert answer is not None
    assert "XOR-MAPPED-ADDRESS" in answer.attributes
    await flows(publisher, sending, subscriber, second)
    answer = await ask(subscriber, first, subscriber.check())  # the old credentials have had their day
    assert answer is not None
    assert answer.attributes["ERROR-CODE"][0] == 401
    await socket.close()
    for channel in (sending, first, second):
        channel.close()


async def test_a_closed_lid_leaves_no_ghost(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that falls silent without a goodbye, its WebSocket half open, is out of the room within 15 s."""
    assert session_module.CONSENT_S <= 15
    assert signalling.HEARTBEAT_S * 1.5 <= 15  # aiohttp waits half a heartbeat for the answer
    assert gateway.HEARTBEAT_S * 1.5 <= 15
    monkeypatch.setattr(signalling, "HEARTBEAT_S", 0.4)
    socket = await media.http.ws_connect(media.url + "/media/ws", autoping=False)
    await socket.send_json({"type": "join", "id": "1", "grant": media.grant("anna")})
    await receive(socket, "joined")
    assert media.server.rooms.rooms["mt_test"].members
    await until(lambda: not media.server.rooms.rooms["mt_test"].members)
    await socket.close()


async def test_a_flood_of_one_publisher_leaves_other_rooms_alone(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its allowance a publisher's packets are dropped unread; a session of another room loses none."""
    monkeypatch.setattr(session_module, "INBOUND_BYTES_PER_S", 10_000)
    monkeypatch.setattr(session_module, "INBOUND_BURST_BYTES", 100_000)
    flooding, flood = await call(media, "whip", "mallory", room="mt_loud"), open_channel(media)
    await flooding.connect(flood)
    publisher, subscriber = await call(media, "whip", "anna"), await call(media, "whep", "boris")
    sending, receiving = open_channel(media), open_channel(media)
    await publisher.connect(sending)
    await subscriber.connect(receiving)
    (loud,) = media.server.rooms.rooms["mt_loud"].members.values()
    assert loud.up is not None
    session = loud.up.session
    while session.dropped_in < 500:
        for _ in range(50):
            await flood.send(flooding.rtp(bytes(1100)))
        await flows(publisher, sending, subscriber, receiving)
    seen = [int.from_bytes(packet[2:4], "big") for packet in subscriber.media]
    assert seen == list(range(seen[0], seen[0] + len(seen)))
    for channel in (flood, sending, receiving):
        channel.close()
