"""The contract with pyOpenSSL and pylibsrtp that the adapter rests on."""

from __future__ import annotations

import pytest

from station.rtc.transport.dtls_srtp import (
    Certificate,
    DtlsPeer,
    Scratch,
    srtp_protect,
    srtp_protect_rtcp,
    srtp_unprotect,
    srtp_unprotect_rtcp,
)

RTP = bytes.fromhex("80600001000000020000000361626364")


@pytest.fixture(scope="module")
def certificates() -> tuple[Certificate, Certificate]:
    return Certificate(), Certificate()


def shake_hands(server: DtlsPeer, client: DtlsPeer) -> None:
    to_server = client.start()
    for _ in range(6):
        to_client = [answer for datagram in to_server for answer in server.receive(datagram)]
        to_server = [answer for datagram in to_client for answer in client.receive(datagram)]


def peers(pair: tuple[Certificate, Certificate], expected: str | None = None) -> tuple[DtlsPeer, DtlsPeer]:
    ours, theirs = pair
    server = DtlsPeer(ours, [("sha-256", expected or theirs.fingerprint)])
    client = DtlsPeer(theirs, [("sha-256", ours.fingerprint)], is_server=False)
    shake_hands(server, client)
    return server, client


def put(scratch: Scratch, packet: bytes) -> None:
    scratch.view[: len(packet)] = packet
    scratch.size[0] = len(packet)


def test_what_one_side_encrypts_the_other_reads(certificates: tuple[Certificate, Certificate]) -> None:
    """After the handshake RTP and RTCP go both ways, worked on in place, and a repeated packet can be sent again."""
    server, client = peers(certificates)
    assert (server.state, client.state) == ("connected", "connected")
    for sender, receiver in ((server, client), (client, server)):
        assert sender.outgoing is not None
        assert receiver.incoming is not None
        scratch = Scratch()
        put(scratch, RTP)
        assert srtp_protect(sender.outgoing.handle, scratch.pointer, scratch.size) == 0
        first = bytes(scratch.view[: scratch.size[0]])
        assert first[:12] == RTP[:12]
        assert RTP[12:] not in first
        put(scratch, RTP)
        assert srtp_protect(sender.outgoing.handle, scratch.pointer, scratch.size) == 0
        assert bytes(scratch.view[: scratch.size[0]]) == first
        assert srtp_unprotect(receiver.incoming.handle, scratch.pointer, scratch.size) == 0
        assert bytes(scratch.view[: scratch.size[0]]) == RTP
        put(scratch, first)
        assert srtp_unprotect(receiver.incoming.handle, scratch.pointer, scratch.size) != 0, "a replay"
        report = bytes.fromhex("80c9000100000001")
        put(scratch, report)
        assert srtp_protect_rtcp(sender.outgoing.handle, scratch.pointer, scratch.size) == 0
        assert srtp_unprotect_rtcp(receiver.incoming.handle, scratch.pointer, scratch.size) == 0
        assert bytes(scratch.view[: scratch.size[0]]) == report


def test_another_certificate_is_refused(certificates: tuple[Certificate, Certificate]) -> None:
    """A peer whose certificate is not the one in its offer gets no keys."""
    server, _ = peers(certificates, expected=certificates[0].fingerprint)
    assert server.state == "failed"
    assert server.incoming is None


def test_rubbish_does_not_end_the_association(certificates: tuple[Certificate, Certificate]) -> None:
    """Malformed DTLS after the handshake is dropped; the peer's goodbye ends it."""
    server, client = peers(certificates)
    for datagram in (b"\x16", bytes(40), b"\x17\xfe\xfd" + bytes(30), b"\x15\xfe\xfd" + bytes(8) + b"\0\2\2\x28"):
        server.receive(datagram)
        assert server.state == "connected"
    for datagram in client.close():
        server.receive(datagram)
    assert server.state == "closed"


def test_a_lost_flight_is_sent_again(certificates: tuple[Certificate, Certificate]) -> None:
    """When the answer to the client's hello is lost, the client's timer sends the hello again."""
    ours, theirs = certificates
    server = DtlsPeer(ours, [("sha-256", theirs.fingerprint)])
    client = DtlsPeer(theirs, [("sha-256", ours.fingerprint)], is_server=False)
    assert client.start()
    again: list[bytes] = []
    import time

    deadline = time.monotonic() + 5
    while not again and time.monotonic() < deadline:
        again = client.due(time.monotonic())
    assert again
    to_client = [answer for datagram in again for answer in server.receive(datagram)]
    to_server = [answer for datagram in to_client for answer in client.receive(datagram)]
    for datagram in to_server:
        for answer in server.receive(datagram):
            client.receive(answer)
    assert (server.state, client.state) == ("connected", "connected")
