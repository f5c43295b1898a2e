#!/usr/bin/env bash
# Seen 2026-11-30 with sdp-transform 3.0.0 on Node 20.
#
# SDP identifiers are tokens: mid and rid (RFC 5888, RFC 8851), ICE user names (RFC 8839), profile-level-id (RFC 6184). One
# would expect strings. The library turns each into a number when it happens to be made of digits without a leading zero:
# a mid of "0" is the number 0 (and so false), a user name compares unequal to its own text once in a while, and
# profile-level-id is a string for baseline 42e01f but a number for High level 4.0 (640028), where string methods throw.
# It also drops the ufrag extension of a candidate (RFC 8839 section 5.1), by which an ICE restart is told apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund "sdp-transform@3.0.0" >/dev/null
cat >try.cjs <<'JS'
const assert = require("node:assert");
const sdp = require("sdp-transform");

const level = (id) => sdp.parseParams(`packetization-mode=1;profile-level-id=${id}`)["profile-level-id"];
const offer = [
  "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0",
  "m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:0", "a=ice-ufrag:1234", "a=ice-pwd:aaaabbbbccccddddeeeeff",
  "a=rtpmap:96 VP8/90000", "a=rid:1 send", "a=rid:h send", "a=simulcast:send 1;h",
  "a=candidate:1 1 udp 2122260223 192.0.2.5 50000 typ host generation 0 ufrag 1234", "",
].join("\r\n");
const media = sdp.parse(offer).media[0];
const seen = {
  levels: [level("42e01f"), level("640028")],
  mid: media.mid,
  ufrag: media.iceUfrag,
  rids: media.rids.map((rid) => rid.id),
  candidateUfrag: media.candidates[0].ufrag ?? null,
};
console.log(JSON.stringify(seen));
assert.deepStrictEqual(
  seen,
  { levels: ["42e01f", 640028], mid: 0, ufrag: 1234, rids: [1, "h"], candidateUfrag: null },
  "the behaviour has changed",
);
JS
node try.cjs
# {"levels":["42e01f",640028],"mid":0,"ufrag":1234,"rids":[1,"h"],"candidateUfrag":null}
