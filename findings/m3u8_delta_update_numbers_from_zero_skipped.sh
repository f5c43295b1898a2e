#!/usr/bin/env bash
# Seen 2026-11-30 with m3u8 6.0.0 on Python 3.11.
#
# In a playlist delta update EXT-X-SKIP stands in the place of the older segments (RFC 8216bis section 4.4.5.2), so the first
# segment written has the number EXT-X-MEDIA-SEQUENCE + SKIPPED-SEGMENTS. The library reads SKIPPED-SEGMENTS and keeps it in
# `playlist.skip`, but numbers the segments as if nothing had been skipped: whoever joins a delta to the playlist that it
# updates by `media_sequence` puts new segments over old ones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "m3u8==6.0.0"
cat >"$folder/try.py" <<'PY'
import m3u8

DELTA = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0,CAN-SKIP-UNTIL=12.0
#EXT-X-PART-INF:PART-TARGET=0.33334
#EXT-X-MEDIA-SEQUENCE:10
#EXT-X-SKIP:SKIPPED-SEGMENTS=20
#EXTINF:2.0,
s30.mp4
#EXTINF:2.0,
s31.mp4
"""
playlist = m3u8.loads(DELTA)
numbers = [segment.media_sequence for segment in playlist.segments]
print("skipped:", playlist.skip.skipped_segments, "numbers:", numbers, "right: [30, 31]")
assert playlist.skip.skipped_segments == 20
assert numbers == [10, 11], "the behaviour has changed"
PY
"$folder/venv/bin/python" "$folder/try.py"
# skipped: 20 numbers: [10, 11] right: [30, 31]
