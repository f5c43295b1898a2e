// In which sizes each source is sent: a camera in up to three at once, so that every viewer gets what its line carries.

/** @import {Source} from "./messages.js" */

/** From small to large, as RFC 8853 wants layers named: a quarter, a half, the full picture. */
const CAMERA_LAYERS = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];
const MAX_BITRATE = { camera: 1_500_000, screen: 2_500_000, microphone: 64_000 };
const THREE_FROM = 540;
const TWO_FROM = 360;

/**
 * How many sizes of a camera are worth sending: a quarter of a small picture helps nobody.
 * @param {number} height of the shorter side, in pixels; 0 if unknown
 */
export function layersFor(height) {
  if (height === 0 || height >= THREE_FROM) return 3;
  return height >= TWO_FROM ? 2 : 1;
}

/**
 * Adds what is to be sent as this source; one size where the browser or the other end cannot do several.
 * @param {RTCPeerConnection} pc @param {Source} source @param {MediaStreamTrack} track @param {boolean} inSizes
 */
export function addSender(pc, source, track, inSizes) {
  const whole = [{ maxBitrate: MAX_BITRATE[source] }];
  const sendEncodings = source === "camera" && inSizes ? CAMERA_LAYERS.map((layer) => ({ ...layer })) : whole;
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

/** @param {RTCRtpEncodingParameters[]} encodings from small to large @param {MediaStreamTrack | null} track */
function fitCamera(encodings, track) {
  const { width = 0, height = 0 } = track?.getSettings() ?? {};
  const layers = layersFor(Math.min(width, height));
  encodings.forEach((encoding, at) => (encoding.active = at + layers >= encodings.length));
}
