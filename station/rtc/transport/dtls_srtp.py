"""The one file that touches undocumented parts of pylibsrtp and the details of pyOpenSSL's DTLS.

Held by a contract test: when a new version of one of them breaks an assumption, that test says which.
"""

from __future__ import annotations

import datetime
import hmac
import secrets
import time
from collections.abc import Iterable
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

from station.rtc.formats.rtp import MAX_DATAGRAM

_DTLS_1_2 = 0xFEFD
_DTLS_MTU = 1200
_RECORD_HEAD = 13
_REPLAY_WINDOW = 1024
_CIPHERS = b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA"
_DIGESTS = {"sha-256": hashes.SHA256(), "sha-384": hashes.SHA384(), "sha-512": hashes.SHA512()}
_KEY_LABEL = b"EXTRACTOR-dtls_srtp"  # RFC 5764 section 4.2
# name in OpenSSL → (libsrtp profile, key bytes, salt bytes); the server's order counts, GCM is the cheapest
_PROFILES = {
    b"SRTP_AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}

# The calls of the forwarding loop, bare: (session handle, buffer, int*) → 0 when it worked.
srtp_protect = lib.srtp_protect
srtp_protect_rtcp = lib.srtp_protect_rtcp
srtp_unprotect = lib.srtp_unprotect
srtp_unprotect_rtcp = lib.srtp_unprotect_rtcp


class Scratch:
    """A buffer that libsrtp works on in place: `bytes_` and `view` are what Python sees of it."""

    __slots__ = ("bytes_", "pointer", "size", "view")

    def __init__(self, capacity: int = MAX_DATAGRAM) -> None:
        self.bytes_ = bytearray(capacity + 256)  # room for authentication tags
        self.view = memoryview(self.bytes_)
        self.pointer: Any = ffi.from_buffer(self.bytes_)
        self.size: Any = ffi.new("int *")


class SrtpStream:
    """One direction of an SRTP session; `handle` goes into the calls above."""

    __slots__ = ("_session", "handle")

    def __init__(self, key: bytes, profile: int, *, outbound: bool) -> None:
        kind = Policy.SSRC_ANY_OUTBOUND if outbound else Policy.SSRC_ANY_INBOUND
        policy = Policy(key=key, ssrc_type=kind, srtp_profile=profile)
        policy.window_size = _REPLAY_WINDOW
        policy.allow_repeat_tx = outbound  # a NACK is answered with the very same packet
        self._session = Session(policy)
        self.handle: Any = self._session._srtp[0]


class Certificate:
    """The key and self-signed certificate of this process; browsers know it by its fingerprint only."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, secrets.token_hex(8))])
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        certificate = builder.not_valid_after(now + datetime.timedelta(days=3650)).sign(key, hashes.SHA256())
        self.fingerprint = _fingerprint(certificate, "sha-256")
        self.context = SSL.Context(SSL.DTLS_METHOD)
        # DTLS 1.3 packs several record formats into a datagram; 1.2 is what every browser and encoder speaks.
        self.context.set_max_proto_version(_DTLS_1_2)
        self.context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU)
        self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_cipher_list(_CIPHERS)
        self.context.set_tlsext_use_srtp(b":".join(_PROFILES))


class DtlsPeer:
    """DTLS over datagrams that someone else carries: feed what arrived, send what comes back (RFC 5764)."""

    def __init__(
        self, certificate: Certificate, fingerprints: Iterable[tuple[str, str]], *, is_server: bool = True
    ) -> None:
        self._fingerprints = tuple(fingerprints)
        self._is_server = is_server
        self._ssl = SSL.Connection(certificate.context, None)
        self._ssl.set_ciphertext_mtu(_DTLS_MTU)
        if is_server:
            self._ssl.set_accept_state()
        else:
            self._ssl.set_connect_state()
        self._deadline: float | None = None
        self.state: Literal["new", "connected", "failed", "closed"] = "new"
        self.incoming: SrtpStream | None = None
        self.outgoing: SrtpStream | None = None

    def receive(self, datagram: bytes) -> list[bytes]:
        """Takes one datagram and returns those to send. Looks at nothing once it has failed or closed."""
        if self.state in ("failed", "closed") or not datagram:  # OpenSSL takes an empty one for an error
            return []
        self._ssl.bio_write(datagram)
        return self._handshake() if self.state == "new" else self._read()

    def start(self) -> list[bytes]:
        """The first flight of a client."""
        return self._handshake()

    def due(self, now_s: float) -> list[bytes]:
        """What has to be sent again by `time.monotonic()` because the peer has not answered."""
        if self.state != "new" or self._deadline is None or now_s < self._deadline:
            return []
        try:
            self._ssl.DTLSv1_handle_timeout()
        except SSL.Error:
            self.state = "failed"
        self._set_deadline()
        return self._outbox()

    def close(self) -> list[bytes]:
        """Ends the association; returns the alert that tells the peer."""
        if self.state == "connected":
            self.state = "closed"
            try:
                self._ssl.shutdown()
            except SSL.Error:
                return []
            return self._outbox()
        self.state = "closed"
        return []

    def _handshake(self) -> list[bytes]:
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            self._set_deadline()
        except SSL.Error:
            self.state = "failed"
        else:
            self._finish()
        return self._outbox()

    def _finish(self) -> None:
        peer = self._ssl.get_peer_certificate(as_cryptography=True)
        profile = self._ssl.get_selected_srtp_profile()
        if peer is None or profile not in _PROFILES or not self._is_expected(peer):
            self.state = "failed"
            return
        number, key_bytes, salt_bytes = _PROFILES[profile]
        material = self._ssl.export_keying_material(_KEY_LABEL, 2 * (key_bytes + salt_bytes))
        keys = material[: 2 * key_bytes]
        salts = material[2 * key_bytes :]
        client = keys[:key_bytes] + salts[:salt_bytes]
        server = keys[key_bytes:] + salts[salt_bytes:]
        ours, theirs = (server, client) if self._is_server else (client, server)
        self.outgoing = SrtpStream(ours, number, outbound=True)
        self.incoming = SrtpStream(theirs, number, outbound=False)
        self._deadline = None
        self.state = "connected"

    def _is_expected(self, peer: x509.Certificate) -> bool:
        return any(
            algorithm in _DIGESTS and hmac.compare_digest(_fingerprint(peer, algorithm), value.upper())
            for algorithm, value in self._fingerprints
        )

    def _read(self) -> list[bytes]:
        try:
            self._ssl.recv(1500)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.state = "closed"
        except SSL.Error:
            pass  # a bad record after the handshake changes nothing (RFC 9147 section 4.5.2)
        return self._outbox()

    def _set_deadline(self) -> None:
        left = self._ssl.DTLSv1_get_timeout()
        self._deadline = None if left is None else time.monotonic() + left

    def _outbox(self) -> list[bytes]:
        flight = bytearray()
        while True:
            try:
                flight += self._ssl.bio_read(4096)
            except SSL.Error:
                return _datagrams(bytes(flight))


def _datagrams(flight: bytes) -> list[bytes]:
    """Records of a flight packed into datagrams again: a memory BIO forgets where one ended."""
    datagrams: list[bytes] = []
    current = b""
    while len(flight) >= _RECORD_HEAD:
        size = _RECORD_HEAD + int.from_bytes(flight[11:13], "big")
        record, flight = flight[:size], flight[size:]
        if current and len(current) + len(record) > _DTLS_MTU:
            datagrams.append(current)
            current = b""
        current += record
    return [*datagrams, current] if current else datagrams


def _fingerprint(certificate: x509.Certificate, algorithm: str) -> str:
    digest = certificate.fingerprint(_DIGESTS[algorithm]).hex().upper()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


__all__ = [
    "Certificate",
    "DtlsPeer",
    "Scratch",
    "SrtpError",
    "SrtpStream",
    "srtp_protect",
    "srtp_protect_rtcp",
    "srtp_unprotect",
    "srtp_unprotect_rtcp",
]
