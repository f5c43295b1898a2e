"""A bare peer whose every datagram the test decides: ICE, DTLS and SRTP over UDP or TCP."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import struct
import time
from typing import Protocol

from station.rtc.formats.rtp import HEADER, HEADER_BYTES
from station.rtc.formats.stun import binding_request
from station.rtc.transport.dtls_srtp import DtlsPeer, Scratch, srtp_protect, srtp_unprotect
from tests.rtc.conftest import ROOM, Media
from tests.rtc.offers import CERTIFICATE, offer

VIDEO_SSRC, AUDIO_SSRC = 0x1111, 0x2222


class Channel(Protocol):
    """How datagrams go to the station and come back."""

    async def send(self, datagram: bytes) -> None: ...
    async def receive(self) -> bytes: ...
    def close(self) -> None: ...


class UdpChannel:
    """A UDP socket of its own."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect((host, port))

    async def send(self, datagram: bytes) -> None:
        self.socket.send(datagram)

    async def receive(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self.socket, 4096)

    def close(self) -> None:
        self.socket.close()


class TcpChannel:
    """A TCP connection with RFC 4571 framing."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, host: str, port: int) -> TcpChannel:
        return cls(*await asyncio.open_connection(host, port))

    async def send(self, datagram: bytes) -> None:
        self.writer.write(struct.pack("!H", len(datagram)) + datagram)

    async def receive(self) -> bytes:
        (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        return await self.reader.readexactly(size)

    def close(self) -> None:
        self.writer.close()


class RawPeer:
    """Has an answer of the station; the test sends what it likes."""

    def __init__(self, answer: str, ufrag: str, location: str, *, waits: bool = False) -> None:
        remote = dict(re.findall(r"^a=(ice-ufrag|ice-pwd|fingerprint):(.*?)\r?$", answer, re.MULTILINE))
        self.answer = answer
        self.location = location
        self.ufrag = ufrag
        self.remote_ufrag, self.password = remote["ice-ufrag"], remote["ice-pwd"]
        algorithm, value = remote["fingerprint"].split()
        self.dtls = DtlsPeer(CERTIFICATE, [(algorithm, value)], is_server=waits)
        self._waits = waits
        self.scratch = Scratch()
        self.stun: list[bytes] = []  # answers to checks
        self.media: list[bytes] = []  # decrypted
        self._sequence = 1000

    def check(self, *, nominates: bool = True, password: str = "", transaction: bytes = b"") -> bytes:
        username = f"{self.remote_ufrag}:{self.ufrag}"
        return binding_request(
            transaction or secrets.token_bytes(12), username, password or self.password, use_candidate=nominates
        )

    async def connect(self, channel: Channel, timeout_s: float = 10) -> None:
        """A check, then the handshake."""
        await channel.send(self.check())
        async with asyncio.timeout(timeout_s):
            while not self.stun:
                await self.take(channel)
            for datagram in [] if self._waits else self.dtls.start():
                await channel.send(datagram)
            while self.dtls.state == "new":
                await self.take(channel)
        assert self.dtls.state == "connected"

    async def take(self, channel: Channel, within_s: float = 0.2) -> bytes | None:
        """Receives one datagram and does what it asks for; None if there is none in time."""
        try:
            datagram = await asyncio.wait_for(channel.receive(), within_s)
        except TimeoutError:
            for piece in self.dtls.due(time.monotonic()):
                await channel.send(piece)
            return None
        if datagram[0] < 4:
            self.stun.append(datagram)
        elif datagram[0] < 64:
            for piece in self.dtls.receive(datagram):
                await channel.send(piece)
        elif self.dtls.incoming is not None and not 192 <= datagram[1] <= 223:
            self.scratch.view[: len(datagram)] = datagram
            self.scratch.size[0] = len(datagram)
            if srtp_unprotect(self.dtls.incoming.handle, self.scratch.pointer, self.scratch.size) == 0:
                self.media.append(bytes(self.scratch.view[: self.scratch.size[0]]))
        return datagram

    def rtp(
        self,
        payload: bytes = b"sound",
        *,
        ssrc: int = AUDIO_SSRC,
        payload_type: int = 111,
        at: int | None = None,
    ) -> bytes:
        """The next packet, encrypted; without `at`, its timestamp, 20 ms of sound later than the one before."""
        self._sequence += 1
        end = HEADER_BYTES + len(payload)
        when = 960 * self._sequence if at is None else at
        HEADER.pack_into(self.scratch.bytes_, 0, 0x80, payload_type, self._sequence, when & 0xFFFFFFFF, ssrc)
        self.scratch.view[HEADER_BYTES:end] = payload
        self.scratch.size[0] = end
        assert self.dtls.outgoing is not None
        assert srtp_protect(self.dtls.outgoing.handle, self.scratch.pointer, self.scratch.size) == 0
        return bytes(self.scratch.view[: self.scratch.size[0]])


async def flows(publisher: RawPeer, sending: Channel, subscriber: RawPeer, receiving: Channel) -> None:
    """Waits until a packet that the publisher sends now reaches the subscriber."""
    payload = secrets.token_bytes(20)
    async with asyncio.timeout(10):
        while not any(packet.endswith(payload) for packet in subscriber.media):
            await sending.send(publisher.rtp(payload))
            await subscriber.take(receiving)


async def call(media: Media, way: str, person: str, room: str = ROOM, *, waits: bool = False) -> RawPeer:
    """Posts an offer by WHIP (`whip`) or WHEP (`whep`), perhaps as one that `waits` to be the DTLS server."""
    ufrag = secrets.token_hex(4)
    body = offer("sendonly" if way == "whip" else "recvonly", ufrag, (VIDEO_SSRC, AUDIO_SSRC))
    body = body.replace("setup:actpass", "setup:passive") if waits else body
    headers = {"Authorization": f"Bearer {media.grant(person, room=room)}", "Content-Type": "application/sdp"}
    async with media.http.post(f"{media.url}/{way}/{room}", data=body, headers=headers) as response:
        assert response.status == 201, await response.text()
        return RawPeer(await response.text(), ufrag, response.headers["Location"], waits=waits)
