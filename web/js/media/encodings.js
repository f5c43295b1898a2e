// In which sizes each source is sent: a camera in up to three at once, so that every viewer gets what its line carries.

/** @import {Source} from "./messages.js" */

/** From small to large, as RFC 8853 wants them named. */
const RIDS = ["q", "h", "f"];
/**
 * By how many sizes there are: what each is divided by, and its most bits per second. Those without an entry are
 * off.
 */
const SIZES = [
  [],
  [{ scaleResolutionDownBy: 1, maxBitrate: 700_000 }],
  [
    { scaleResolutionDownBy: 2, maxBitrate: 300_000 },
    { scaleResolutionDownBy: 1, maxBitrate: 1_000_000 },
  ],
  [
    { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
    { scaleResolutionDownBy: 2, maxBitrate: 500_000 },
    { scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
  ],
];
const MAX_BITRATE = { camera: 1_500_000, screen: 2_500_000, microphone: 40_000 };
// Chromium sends the first two sizes at most of less than nearly 960 × 540 pixels, whatever it is asked for.
const THREE_FROM = 960 * 540;
const TWO_FROM = 640 * 360;

/**
 * How many sizes of a camera are worth sending: a quarter of a small picture helps nobody.
 * @param {MediaTrackSettings} camera
 */
export function countSizes({ width = 1280, height = 720 }) {
  const pixels = width * height;
  if (pixels >= THREE_FROM) return 3;
  return pixels >= TWO_FROM ? 2 : 1;
}

/** @param {MediaStreamTrack | null} track @returns {RTCRtpEncodingParameters[]} from small to large */
function sizesOf(track) {
  const sizes = SIZES[countSizes(track?.getSettings() ?? {})];
  return RIDS.map((rid, at) => ({ rid, active: at < sizes.length, ...(sizes[at] ?? { scaleResolutionDownBy: 1 }) }));
}

/**
 * Adds what is to be sent as this source; one size where the browser or the other end cannot do several.
 * @param {RTCPeerConnection} pc @param {Source} source @param {MediaStreamTrack} track @param {boolean} inSizes
 */
export function addSender(pc, source, track, inSizes) {
  const whole = [{ maxBitrate: MAX_BITRATE[source] }];
  const sendEncodings = source === "camera" && inSizes ? sizesOf(track) : whole;
  try {
    return pc.addTransceiver(track, { direction: "sendonly", sendEncodings });
  } catch {
    return pc.addTransceiver(track, { direction: "sendonly", sendEncodings: whole });
  }
}

/** Whether sizes were offered and none taken. @param {string} offer @param {string} answer */
export function sizesRefused(offer, answer) {
  return offer.includes("\r\na=simulcast:") && !answer.includes("\r\na=simulcast:");
}

/**
 * Fits the sizes to the camera's real one, and tells what to give up first on a weak line.
 * @param {RTCRtpSender} sender @param {Source} source
 */
export async function tune(sender, source) {
  if (source === "microphone") return;
  const parameters = sender.getParameters();
  const before = JSON.stringify(parameters);
  parameters.degradationPreference = source === "screen" ? "maintain-resolution" : "balanced";
  if (source === "camera") fitCamera(parameters.encodings ?? [], sender.track);
  if (JSON.stringify(parameters) === before) return;
  await sender.setParameters(parameters).catch(() => {}); // a wish: not every browser knows it
}

/** @param {RTCRtpEncodingParameters[]} encodings @param {MediaStreamTrack | null} track */
function fitCamera(encodings, track) {
  const sizes = new Map(sizesOf(track).map((size) => [size.rid, size]));
  for (const encoding of encodings) Object.assign(encoding, sizes.get(encoding.rid));
}
