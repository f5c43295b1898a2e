// Which codecs we send and take: those that can be recorded and broadcast without transcoding come first.

/** @param {RTCRtpCodec} codec */
function isConstrainedBaseline(codec) {
  const line = codec.sdpFmtpLine ?? "";
  const profile = /profile-level-id=42([0-9a-f]{2})/i.exec(line);
  // constraint_set1_flag makes baseline (66 = 0x42) constrained: RFC 6184 section 8.1.
  return /packetization-mode=1/.test(line) && profile !== null && (parseInt(profile[1], 16) & 0x40) !== 0;
}

/** @param {RTCRtpCodec} codec */
function rank(codec) {
  const name = codec.mimeType.toLowerCase();
  if (name === "video/h264") return isConstrainedBaseline(codec) ? 0 : -1;
  return ["", "video/vp8", "video/rtx"].indexOf(name);
}

/** Which of the codecs that a room may be in this browser can show, as they are called in the messages. */
export function decodableCodecs() {
  const known = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
  const names = { "video/h264": "h264", "video/vp8": "vp8" };
  return Object.entries(names)
    .filter(([type]) => known.some((codec) => codec.mimeType.toLowerCase() === type && rank(codec) >= 0))
    .map(([, name]) => name);
}

/**
 * H.264 constrained baseline, then VP8, then what retransmits lost packets (RTX); leaves a browser without both as it
 * is.
 * @param {RTCRtpTransceiver} transceiver of kind video
 */
export function preferCodecs(transceiver) {
  for (const direction of [RTCRtpSender, RTCRtpReceiver]) {
    const known = direction.getCapabilities("video")?.codecs ?? [];
    const wanted = known.filter((codec) => rank(codec) >= 0).sort((one, other) => rank(one) - rank(other));
    if (!wanted.some((codec) => rank(codec) < 2)) continue;
    try {
      transceiver.setCodecPreferences(wanted);
      return;
    } catch {
      // Browsers differ in which direction's list they check against.
    }
  }
}
