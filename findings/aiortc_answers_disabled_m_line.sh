#!/usr/bin/env bash
# Seen 2026-11-30 with aiortc 1.16.0 on Python 3.11.
#
# An offer may hold an m-line with port 0 and without a=bundle-only: the stream is disabled, and the answer's port for it
# MUST be zero (RFC 3264 section 6 and 8.2). One would expect aiortc to answer port 0 there, and to tell that line from one
# with port 0 and a=bundle-only, which is live (RFC 9143 section 6). It does neither: it does not look at the offered port,
# so both are answered as live, put into BUNDLE and given a receiver. Whoever parses offers with aiortc.sdp must decide
# by port and a=bundle-only, and a test peer made with aiortc accepts what a browser has switched off.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "aiortc==1.16.0"
cat >"$folder/try.py" <<'PY'
import asyncio

from aiortc import RTCPeerConnection, RTCSessionDescription


def with_port_zero(sdp: str, bundle_only: bool) -> str:
    lines, in_video = [], False
    for line in sdp.split("\r\n"):
        if line.startswith("m="):
            in_video = line.startswith("m=video")
        if in_video and line.startswith("m=video"):
            fields = line.split(" ")
            line = " ".join([fields[0], "0", *fields[2:]])
        lines.append(line)
        if in_video and bundle_only and line.startswith("a=mid:"):
            lines.append("a=bundle-only")
    return "\r\n".join(lines)


async def answer_to(bundle_only: bool) -> str:
    offerer, answerer = RTCPeerConnection(), RTCPeerConnection()
    offerer.addTransceiver("audio", direction="sendonly")
    offerer.addTransceiver("video", direction="sendonly")
    await offerer.setLocalDescription(await offerer.createOffer())
    offer = with_port_zero(offerer.localDescription.sdp, bundle_only)
    await answerer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await answerer.setLocalDescription(await answerer.createAnswer())
    sdp = answerer.localDescription.sdp
    await offerer.close()
    await answerer.close()
    return sdp


for bundle_only in (False, True):
    sdp = asyncio.run(answer_to(bundle_only))
    video = sdp[sdp.index("m=video"):]
    port = int(video.split(" ")[1])
    direction = next(line for line in video.splitlines() if line in ("a=recvonly", "a=inactive"))
    group = next(line for line in sdp.splitlines() if line.startswith("a=group:BUNDLE"))
    print(f"port 0, bundle-only={bundle_only}: answered {'port 0' if port == 0 else 'a port'}, {direction}, {group}")
    assert port != 0 and direction == "a=recvonly" and group == "a=group:BUNDLE 0 1", "the behaviour has changed"
PY
"$folder/venv/bin/python" "$folder/try.py"
# port 0, bundle-only=False: answered a port, a=recvonly, a=group:BUNDLE 0 1
# port 0, bundle-only=True: answered a port, a=recvonly, a=group:BUNDLE 0 1
