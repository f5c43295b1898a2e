#!/usr/bin/env bash
# Seen 2026-11-30 with m3u8 6.0.0 on Python 3.11.
#
# A low-latency playlist ends in the parts of the segment that is still being made (EXT-X-PART without an EXTINF behind,
# RFC 8216bis section 4.4.4.9). One would expect `segments` to hold the media segments and the open parts to stand apart.
# The library makes one more segment of them, with uri None and duration None, so that len(segments), sum of durations,
# `files` and a loop that fetches each uri all go wrong at the live edge, and only there: a finished playlist is read well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "m3u8==6.0.0"
cat >"$folder/try.py" <<'PY'
import m3u8

LIVE = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0
#EXT-X-PART-INF:PART-TARGET=0.33334
#EXT-X-MEDIA-SEQUENCE:10
#EXT-X-MAP:URI="init.mp4"
#EXTINF:2.0,
s10.mp4
#EXTINF:2.0,
s11.mp4
#EXT-X-PART:DURATION=0.33334,URI="s12.p0.mp4",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.33334,URI="s12.p1.mp4"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="s12.p2.mp4"
"""
playlist = m3u8.loads(LIVE)
for segment in playlist.segments:
    print(segment.media_sequence, segment.uri, segment.duration, [part.uri for part in segment.parts])
print("files:", playlist.files)
assert len(playlist.segments) == 3, "the behaviour has changed"
assert playlist.segments[2].uri is None and playlist.segments[2].duration is None, "the behaviour has changed"
assert playlist.files == ["s10.mp4", "s11.mp4", None], "the behaviour has changed"
PY
"$folder/venv/bin/python" "$folder/try.py"
# 10 s10.mp4 2.0 []
# 11 s11.mp4 2.0 []
# 12 None None ['s12.p0.mp4', 's12.p1.mp4']
# files: ['s10.mp4', 's11.mp4', None]
