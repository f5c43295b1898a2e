// How well each track goes, out of the browser's many counters.

/** @import {Source} from "./messages.js" */

/** @typedef {{rid: string, height: number, framesPerSecond: number, bytesSent: number, active: boolean}} Layer */
/**
 * @typedef {object} UpStats
 * @property {Source} source
 * @property {Layer[]} layers from small to large; one without a name if there are no several
 * @property {number} framesSent
 * @property {number} framesPerSecond
 * @property {number} bytesSent
 * @property {number} height of the largest picture that is really sent
 * @property {number} sourceHeight of what the camera gives, held as the picture that is sent
 * @property {string} limitedBy none, cpu, bandwidth or other; unknown where the browser does not say (Firefox)
 * @property {number} packetsLost as the other end counts
 * @property {number} fractionLost lately, 0 to 1, as the other end counts
 * @property {number} roundTripTime in seconds
 */
/**
 * @typedef {object} DownStats
 * @property {string} track the track's id
 * @property {"audio" | "video"} kind
 * @property {number} framesDecoded
 * @property {number} framesPerSecond
 * @property {number} height of the picture
 * @property {number} freezeCount
 * @property {number} freezeTime in seconds
 * @property {number} packetsLost
 * @property {number} packetsReceived
 * @property {number} nacks how often packets were asked for again
 * @property {number} roundTripTime of the whole connection, in seconds
 * @property {number} bytesReceived
 * @property {number} bufferTime seconds that all samples or frames together waited in the jitter buffer
 * @property {number} buffered how many waited
 * @property {number} neededTime seconds that they would have waited if nobody had asked for more
 * @property {number} jitter of the arrival, in seconds
 * @property {number} samples heard
 * @property {number} samplesConcealed made up because they were missing
 * @property {number} audioEnergy grows with what is heard
 */

/** @typedef {Record<string, any>} Entry */

/** @param {Source} source @param {RTCRtpSender} sender @returns {Promise<UpStats>} */
export async function upStats(source, sender) {
  const entries = [...(await sender.getStats()).values()];
  const sent = entries.filter((entry) => entry.type === "outbound-rtp").sort(bySize);
  const heard = entries.filter((entry) => entry.type === "remote-inbound-rtp");
  const layers = sent.map(layerOf);
  return {
    source,
    layers,
    framesSent: Math.max(0, ...sent.map((entry) => entry.framesSent ?? 0)),
    framesPerSecond: Math.max(0, ...layers.map((layer) => layer.framesPerSecond)),
    bytesSent: sum(sent, "bytesSent"),
    height: Math.max(0, ...layers.filter((layer) => layer.framesPerSecond > 0).map((layer) => layer.height)),
    sourceHeight: sourceHeight(sender.track, sent),
    limitedBy: limitation(sent),
    packetsLost: sum(heard, "packetsLost"),
    fractionLost: Math.max(0, ...heard.map((entry) => entry.fractionLost ?? 0)),
    roundTripTime: Math.max(0, ...heard.map((entry) => entry.roundTripTime ?? 0)),
  };
}

/**
 * The camera's own height. Firefox's media-source tells the size after it has been made smaller, so the track is asked;
 * a phone held upright may still tell the size of its camera lying down.
 * @param {MediaStreamTrack | null} track @param {Entry[]} sent
 */
function sourceHeight(track, sent) {
  const { width = 0, height = 0 } = track?.getSettings() ?? {};
  if (!width || !height) return height;
  const isUpright = sent.some((entry) => entry.frameHeight > entry.frameWidth);
  return isUpright ? Math.max(width, height) : Math.min(width, height);
}

/** @param {Entry[]} sent */
function limitation(sent) {
  const told = sent.map((entry) => entry.qualityLimitationReason).filter((why) => why !== undefined);
  if (sent.length > 0 && told.length === 0) return "unknown";
  return told.find((why) => why !== "none") ?? "none";
}

/** @param {Entry} entry @returns {Layer} */
function layerOf(entry) {
  const { rid = "", frameHeight: height = 0, framesPerSecond = 0, bytesSent = 0, active = true } = entry;
  return { rid, height, framesPerSecond, bytesSent, active };
}

/** The browser lists layers in no order, and some have no size yet. @param {Entry} one @param {Entry} other */
function bySize(one, other) {
  return "qhf".indexOf(one.rid ?? "") - "qhf".indexOf(other.rid ?? "");
}

/** @param {string} track @param {RTCRtpReceiver} receiver @returns {Promise<DownStats>} */
export async function downStats(track, receiver) {
  const entries = [...(await receiver.getStats()).values()];
  /** @type {Entry} */
  const got = entries.find((entry) => entry.type === "inbound-rtp") ?? {};
  const path = entries.find((entry) => entry.type === "candidate-pair" && entry.nominated);
  return {
    track,
    kind: receiver.track.kind === "audio" ? "audio" : "video",
    framesDecoded: got.framesDecoded ?? 0,
    framesPerSecond: got.framesPerSecond ?? 0,
    height: got.frameHeight ?? 0,
    freezeCount: got.freezeCount ?? 0,
    freezeTime: got.totalFreezesDuration ?? 0,
    packetsLost: got.packetsLost ?? 0,
    packetsReceived: got.packetsReceived ?? 0,
    nacks: got.nackCount ?? 0,
    roundTripTime: path?.currentRoundTripTime ?? 0,
    bytesReceived: got.bytesReceived ?? 0,
    bufferTime: got.jitterBufferDelay ?? 0,
    buffered: got.jitterBufferEmittedCount ?? 0,
    neededTime: got.jitterBufferMinimumDelay ?? 0,
    jitter: got.jitter ?? 0,
    samples: got.totalSamplesReceived ?? 0,
    samplesConcealed: got.concealedSamples ?? 0,
    audioEnergy: got.totalAudioEnergy ?? 0,
  };
}

/** @param {Entry[]} entries @param {string} name */
function sum(entries, name) {
  return entries.reduce((total, entry) => total + (entry[name] ?? 0), 0);
}
