"""A bare WebRTC peer: real ICE, DTLS and SRTP over one socket, and nothing that costs time afterwards."""

from __future__ import annotations

import secrets
import socket
import time

from bench.description import Line, Local, Remote, read, write_answer, write_offer
from bench.ice import check_answer, check_request, is_success
from station.rtc.transport.dtls_srtp import Certificate, DtlsPeer, Scratch, SrtpStream, srtp_protect, srtp_protect_rtcp

CONNECT_S = 10.0
CHECK_EVERY_S = 2.5  # as Chromium does on a pair that works
_AGAIN_S = 0.05
_RECEIVE_BUFFER = 4 * 2**20
_CERTIFICATE = Certificate()


class Peer:
    """Describe it (`offer` and `accept`, or `answer`), then `connect()`; afterwards the owner reads `socket`."""

    def __init__(self, host: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self.socket.bind((host, 0))
        address = (host, int(self.socket.getsockname()[1]))
        self.local = Local(secrets.token_hex(4), secrets.token_hex(16), _CERTIFICATE.fingerprint, address)
        self.remote: Remote | None = None
        self.outgoing: SrtpStream | None = None
        self.incoming: SrtpStream | None = None
        self._is_controlling = True
        self._is_server = False
        self._dtls: DtlsPeer | None = None

    def offer(self, lines: list[Line]) -> str:
        """Our offer; its answer goes to `accept`."""
        return write_offer(self.local, lines)

    def accept(self, answer: str) -> None:
        """Takes the answer to our offer. Raises ValueError when it makes no sense."""
        self.remote = read(answer)
        self._is_server = self.remote.setup == "active"

    def answer(self, offer: str) -> str:
        """Takes an offer and answers it. Raises ValueError when it makes no sense."""
        self.remote = read(offer)
        self._is_controlling = self.remote.is_lite
        self._is_server = True
        return write_answer(self.local, offer)

    def connect(self) -> None:
        """ICE, then DTLS. Raises RuntimeError when that takes longer than 10 s."""
        remote = self.remote
        assert remote is not None
        self.socket.connect(remote.address)
        self.socket.settimeout(_AGAIN_S)
        self._dtls = DtlsPeer(_CERTIFICATE, [remote.fingerprint], is_server=self._is_server)
        end_s = time.monotonic() + CONNECT_S
        is_reached = False
        while self._dtls.state != "connected":
            if time.monotonic() > end_s or self._dtls.state == "failed":
                raise RuntimeError(f"no connection with {remote.address}: DTLS is {self._dtls.state}")
            if not is_reached:
                self.check()
            is_reached = self._receive(self._dtls, is_reached)
        self.outgoing, self.incoming = self._dtls.outgoing, self._dtls.incoming
        self.socket.setblocking(False)

    def _receive(self, dtls: DtlsPeer, is_reached: bool) -> bool:
        """Takes one datagram of the handshake; whether the other end is known to hear us."""
        pieces: list[bytes] = []
        try:
            datagram = self.socket.recv(2048)
        except TimeoutError:
            pieces = dtls.due(time.monotonic())
        except ConnectionError:  # it does not listen yet
            time.sleep(_AGAIN_S)
        else:
            if datagram[0] < 4:
                self.take_check(datagram)
                if is_success(datagram) and not is_reached:
                    is_reached = True
                    pieces = [] if self._is_server else dtls.start()
            elif 19 < datagram[0] < 64:
                pieces = dtls.receive(datagram)
        for piece in pieces:
            self.socket.send(piece)
        return is_reached

    def check(self) -> None:
        """A connectivity check: it opens the way, and later renews consent (RFC 7675)."""
        assert self.remote is not None
        username = f"{self.remote.ufrag}:{self.local.ufrag}"
        self._send(check_request(username, self.remote.password, self._is_controlling))

    def take_check(self, datagram: bytes) -> None:
        """Answers the other end's check; anything else is left alone."""
        assert self.remote is not None
        answer = check_answer(datagram, self.remote.address, self.local.password)
        if answer is not None:
            self._send(answer)

    def send_rtp(self, packet: bytes, scratch: Scratch) -> None:
        """Encrypts and sends a packet."""
        assert self.outgoing is not None
        scratch.view[: len(packet)] = packet
        scratch.size[0] = len(packet)
        if srtp_protect(self.outgoing.handle, scratch.pointer, scratch.size) == 0:
            self._send(scratch.view[: scratch.size[0]])

    def send_rtcp(self, packet: bytes, scratch: Scratch) -> None:
        """Encrypts and sends a compound RTCP packet."""
        assert self.outgoing is not None
        scratch.view[: len(packet)] = packet
        scratch.size[0] = len(packet)
        if srtp_protect_rtcp(self.outgoing.handle, scratch.pointer, scratch.size) == 0:
            self._send(scratch.view[: scratch.size[0]])

    def close(self) -> None:
        """Leaves without a word."""
        self.socket.close()

    def _send(self, datagram: bytes | memoryview) -> None:
        try:
            self.socket.send(datagram)
        except (BlockingIOError, ConnectionError):  # a full buffer, or an ICMP error of an earlier one: it is lost
            return
