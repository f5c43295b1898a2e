// How well each track goes, out of the browser's many counters.

/** @import {Source} from "./messages.js" */

/**
 * @typedef {object} UpStats
 * @property {Source} source
 * @property {number} framesSent
 * @property {number} framesPerSecond
 * @property {number} bytesSent
 * @property {number} packetsLost as the other end counts
 * @property {number} roundTripTime in seconds
 */
/**
 * @typedef {object} DownStats
 * @property {string} track the track's id
 * @property {number} framesDecoded
 * @property {number} framesPerSecond
 * @property {number} freezeCount
 * @property {number} packetsLost
 * @property {number} audioEnergy grows with what is heard
 */

/** @param {Source} source @param {RTCRtpSender} sender @returns {Promise<UpStats>} */
export async function upStats(source, sender) {
  const all = byType(await sender.getStats());
  const sent = all.get("outbound-rtp") ?? {};
  const heard = all.get("remote-inbound-rtp") ?? {};
  return {
    source,
    framesSent: sent.framesSent ?? 0,
    framesPerSecond: sent.framesPerSecond ?? 0,
    bytesSent: sent.bytesSent ?? 0,
    packetsLost: heard.packetsLost ?? 0,
    roundTripTime: heard.roundTripTime ?? 0,
  };
}

/** @param {string} track @param {RTCRtpReceiver} receiver @returns {Promise<DownStats>} */
export async function downStats(track, receiver) {
  const got = byType(await receiver.getStats()).get("inbound-rtp") ?? {};
  return {
    track,
    framesDecoded: got.framesDecoded ?? 0,
    framesPerSecond: got.framesPerSecond ?? 0,
    freezeCount: got.freezeCount ?? 0,
    packetsLost: got.packetsLost ?? 0,
    audioEnergy: got.totalAudioEnergy ?? 0,
  };
}

/** @param {RTCStatsReport} report @returns {Map<string, Record<string, number | undefined>>} */
function byType(report) {
  const types = new Map();
  report.forEach((entry) => types.set(entry.type, entry));
  return types;
}
