"""One peer connection from our side: a session, what stands behind it, and offer → answer on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from station.rtc.formats.candidates import write_candidates
from station.rtc.formats.sdp import AnswerMedia, Offer, Transport, write_answer
from station.rtc.forwarding.downstream import Downstream
from station.rtc.forwarding.upstream import Upstream
from station.rtc.transport.dtls_srtp import Certificate
from station.rtc.transport.port import MediaPort
from station.rtc.transport.session import Session

End = TypeVar("End", Upstream, Downstream)


@dataclass(frozen=True, slots=True)
class MediaContext:
    """What all sessions of the process stand on."""

    port: MediaPort
    addresses: tuple[str, ...]
    certificate: Certificate = field(default_factory=Certificate)

    def new_session(self, offer: Offer) -> Session:
        """A session that nobody can reach before it has been answered for."""
        return Session(self.port, self.certificate, offer.fingerprints, is_dtls_server=not offer.waits)


class PeerConnection(Generic[End]):
    """A session with its end, and the version of its description. `close()` may be called twice."""

    def __init__(self, context: MediaContext, session: Session, end: End) -> None:
        self._context = context
        self.session = session
        self.end: End = end
        self._version = 0
        session.end = end

    def is_same_peer(self, offer: Offer) -> bool:
        """Whether the offer is from the same browser object: a new one has another certificate."""
        return not self.session.closed and self.session.fingerprints == offer.fingerprints

    def answer(self, offer: Offer, media: list[AnswerMedia]) -> str:
        """Our description; from here on the peer can reach the session."""
        self._version += 1
        return write_answer(self.transport(offer.ufrag), media, self._version)

    def transport(self, remote_ufrag: str) -> Transport:
        """Our side of the transport; with fresh credentials for a peer that restarts ICE."""
        ufrag, password = self.session.local_credentials(remote_ufrag)
        candidates = write_candidates(self._context.addresses, self._context.port.number)
        fingerprint = self._context.certificate.fingerprint
        return Transport(ufrag, password, fingerprint, candidates, self.session.is_dtls_server)

    def close(self, reason: str = "left") -> None:
        """End session and media without telling the owner."""
        self.session.on_closed = _nothing
        self.session.close(reason)
        self.end.close()


_nothing: Callable[[str], None] = lambda _reason: None  # noqa: E731


AnyConnection = PeerConnection[Upstream] | PeerConnection[Downstream]
