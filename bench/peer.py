"""A bare WebRTC peer: real ICE, DTLS and SRTP over one blocking socket, and nothing that costs time afterwards."""

from __future__ import annotations

import json
import re
import secrets
import socket
import time
import urllib.request
from dataclasses import dataclass

from station.rtc.adapter import Certificate, DtlsPeer, SrtpStream
from station.rtc.stun import binding_request

HANDSHAKE_S = 5.0
CERTIFICATE = Certificate()


@dataclass
class Peer:
    """A connected peer. `check()` renews its consent."""

    socket: socket.socket
    username: str
    password: str
    outgoing: SrtpStream
    incoming: SrtpStream

    def check(self) -> None:
        self.socket.send(binding_request(secrets.token_bytes(12), self.username, self.password))


def offer(direction: str, ufrag: str, ssrcs: tuple[int, int]) -> str:
    """An offer of H.264 and Opus, as a browser's but shorter."""
    transport = [
        "c=IN IP4 0.0.0.0", f"a={direction}", "a=rtcp-mux", f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{ufrag * 4}",
        f"a=fingerprint:sha-256 {CERTIFICATE.fingerprint}", "a=setup:actpass",
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
    ]  # fmt: skip
    video = [
        "m=video 9 UDP/TLS/RTP/SAVPF 102", "a=mid:0", *transport, "a=rtpmap:102 H264/90000",
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "a=rtcp-fb:102 nack", "a=rtcp-fb:102 nack pli",
    ]  # fmt: skip
    audio = ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:1", *transport, "a=rtpmap:111 opus/48000/2"]
    if direction == "sendonly":
        video.append(f"a=ssrc:{ssrcs[0]} cname:bench")
        audio.append(f"a=ssrc:{ssrcs[1]} cname:bench")
    head = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
    return "\r\n".join(head + video + audio) + "\r\n"


def connect(url: str, grant: str, port: int, direction: str, ssrcs: tuple[int, int] = (1, 2)) -> Peer:
    """Publishes (`sendonly`) or watches (`recvonly`) by WHIP or WHEP. Raises RuntimeError when it does not work."""
    ufrag = secrets.token_hex(4)
    body = offer(direction, ufrag, ssrcs).encode()
    headers = {"Authorization": f"Bearer {grant}", "Content-Type": "application/sdp"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as response:
        answer = response.read().decode()
    remote = dict(re.findall(r"^a=(ice-ufrag|ice-pwd|fingerprint):(.*?)\r?$", answer, re.MULTILINE))
    algorithm, fingerprint = remote["fingerprint"].split()
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
    wire.connect(("127.0.0.1", port))
    username = f"{remote['ice-ufrag']}:{ufrag}"
    dtls = _shake_hands(wire, username, remote["ice-pwd"], (algorithm, fingerprint))
    assert dtls.outgoing is not None
    assert dtls.incoming is not None
    return Peer(wire, username, remote["ice-pwd"], dtls.outgoing, dtls.incoming)


def _shake_hands(wire: socket.socket, username: str, password: str, fingerprint: tuple[str, str]) -> DtlsPeer:
    dtls = DtlsPeer(CERTIFICATE, [fingerprint], is_server=False)
    wire.settimeout(0.2)
    wire.send(binding_request(secrets.token_bytes(12), username, password))
    pending: list[bytes] = []
    end_s = time.monotonic() + HANDSHAKE_S
    while dtls.state == "new" and time.monotonic() < end_s:
        try:
            datagram = wire.recv(2048)
        except TimeoutError:
            pending = dtls.due(time.monotonic())
        else:
            if datagram[0] < 4:  # our check was answered: now DTLS is welcome
                pending = dtls.start()
            elif 19 < datagram[0] < 64:
                pending = dtls.receive(datagram)
        for piece in pending:
            wire.send(piece)
        pending = []
    if dtls.state != "connected":
        raise RuntimeError("no handshake with the media role")
    return dtls


def read_metric(url: str, name: str) -> float:
    """One number from /metrics."""
    with urllib.request.urlopen(url + "/metrics", timeout=10) as response:
        found = re.search(rf"^station_media_{name} (\S+)$", response.read().decode(), re.MULTILINE)
    return float(found[1]) if found else float("nan")


def dump(value: object) -> None:
    """Says something to the parent process."""
    print(json.dumps(value), flush=True)
