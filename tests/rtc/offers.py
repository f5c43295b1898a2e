"""An offer as a browser's, but shorter."""

from __future__ import annotations

from station.rtc.transport.dtls_srtp import Certificate

CERTIFICATE = Certificate()


def offer(direction: str, ufrag: str, ssrcs: tuple[int, int]) -> str:
    """One picture in H.264 and one sound in Opus, to send (`sendonly`, with sources) or to receive (`recvonly`)."""
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
