// One person in a room, and a diary of what the person sees: each frame that is shown, and the browser's own counters.

import { RoomConnection } from "/js/media/connection.js";

const SAMPLE_MS = 1000;
const KINDS = new Set(["inbound-rtp", "outbound-rtp", "remote-inbound-rtp", "candidate-pair"]);

/** @type {RTCPeerConnection[]} every one that the page has ever made */
const peers = [];
const NativePeer = window.RTCPeerConnection;
window.RTCPeerConnection = class extends NativePeer {
  /** @param {RTCConfiguration} [configuration] */
  constructor(configuration) {
    super(configuration);
    peers.push(this);
  }
};

/** Unix milliseconds, the same in all pages of a machine. */
const now = () => performance.timeOrigin + performance.now();

const diary = {
  /** @type {Record<string, [number, number, number][]>} by track id: when shown, how high, frames shown since the last */
  shown: {},
  /** @type {{ms: number, stats: object[]}[]} */
  samples: [],
  /** @type {[number, string, unknown][]} */
  events: [],
};

/** @param {HTMLVideoElement} video @param {string} id */
function noteFrames(video, id) {
  diary.shown[id] ??= [];
  const shown = diary.shown[id];
  let presented = 0;
  /** @param {number} _ @param {VideoFrameCallbackMetadata} frame */
  const note = (_, frame) => {
    const since = presented && frame.presentedFrames > presented ? frame.presentedFrames - presented : 1;
    shown.push([performance.timeOrigin + frame.presentationTime, frame.height, since]);
    presented = frame.presentedFrames;
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
}

/** @param {{id: string, kind: "audio" | "video", person: string}} track @param {MediaStreamTrack} mediaTrack */
function play(track, mediaTrack) {
  let player = /** @type {HTMLMediaElement | null} */ (document.getElementById(track.id));
  if (!player) {
    player = document.createElement(track.kind);
    player.id = track.id;
    player.dataset.person = track.person;
    player.autoplay = true;
    document.body.append(player);
    if (player instanceof HTMLVideoElement) noteFrames(player, track.id);
  }
  player.srcObject = new MediaStream([mediaTrack]);
}

async function sample() {
  const all = await Promise.all(peers.map(statsOf));
  diary.samples.push({ ms: now(), stats: all.flat() });
}

/** @param {RTCPeerConnection} peer @param {number} number */
async function statsOf(peer, number) {
  if (peer.connectionState === "closed") return [];
  const entries = [...(await peer.getStats()).values()];
  return entries
    .filter((entry) => KINDS.has(entry.type) && (entry.type !== "candidate-pair" || entry.nominated))
    .map((entry) => ({ ...entry, id: `${number}/${entry.id}` }));
}

/**
 * Joins, plays what others publish, and publishes camera and microphone if asked to.
 * @param {{url: string, grant: string, size: MediaTrackConstraints | null, sound: boolean | MediaTrackConstraints}} options
 */
async function enter({ url, grant, size, sound }) {
  const getGrant = async () => ({ grant: (await window.freshGrant?.()) ?? grant, url });
  const room = new RoomConnection({ getGrant });
  for (const name of ["state", "media", "track", "trackremoved", "closed", "speakers", "paused"])
    room.addEventListener(name, (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      diary.events.push([now(), name, JSON.parse(JSON.stringify(detail ?? null))]);
    });
  room.addEventListener("track", (event) => {
    const { track, mediaTrack } = /** @type {CustomEvent} */ (event).detail;
    play(track, mediaTrack);
  });
  Object.assign(window, { room });
  setInterval(() => void sample(), SAMPLE_MS);
  await room.join();
  if (!size) return;
  const stream = await navigator.mediaDevices.getUserMedia({ audio: sound, video: size });
  Object.assign(window, { own: stream });
  await room.publish(stream.getVideoTracks()[0], "camera");
  await room.publish(stream.getAudioTracks()[0], "microphone");
}

Object.assign(window, { enter, diary, sample, now, peers, ready: true });
