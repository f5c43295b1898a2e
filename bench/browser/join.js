// One join after another in one page, and how long each part of it took since the click.

import { RoomConnection } from "/js/media/connection.js";

/** @typedef {Record<string, number>} Marks milliseconds since the click */

/** @type {(name: string) => void} */
let mark = () => {};

const NativeSocket = window.WebSocket;
window.WebSocket = class extends NativeSocket {
  /** @param {string | URL} url */
  constructor(url) {
    super(url);
    this.addEventListener("open", () => mark("socket open"));
  }
};

const NativePeer = window.RTCPeerConnection;
window.RTCPeerConnection = class extends NativePeer {
  #receives = false;

  /** @param {RTCConfiguration} [configuration] */
  constructor(configuration) {
    super(configuration);
    this.addEventListener("iceconnectionstatechange", () => this.#mark(this.iceConnectionState));
    this.addEventListener("connectionstatechange", () => this.#mark(this.connectionState));
  }

  /** @param {RTCSessionDescriptionInit} description */
  async setRemoteDescription(description) {
    this.#receives ||= /^a=sendonly/m.test(description.sdp ?? "");
    await super.setRemoteDescription(description);
    this.#mark("answered");
  }

  /** @param {string} state */
  #mark(state) {
    if (this.#receives && state === "answered") mark("subscribe answered");
    // ICE says "connected" at its first working pair; the whole connection once DTLS is through as well.
    if (this.#receives && state === "connected") mark(this.connectionState === "connected" ? "DTLS done" : "ICE done");
  }
};

/** @type {MediaStream | null} */
let own = null;

/**
 * Joins a room where somebody publishes, publishes too, waits for the first frame, leaves.
 * @param {{url: string, grant: string, size: object, timeoutMs: number}} options
 * @returns {Promise<Marks>}
 */
async function joinOnce({ url, grant, size, timeoutMs }) {
  own ??= await navigator.mediaDevices.getUserMedia({ audio: true, video: size });
  /** @type {Marks} */
  const marks = {};
  const clicked = performance.now();
  mark = (name) => (marks[name] ??= performance.now() - clicked);
  const room = new RoomConnection({ getGrant: async () => ({ grant, url }) });
  const seen = new Promise((resolve) => {
    room.addEventListener("track", (event) => {
      const { track, mediaTrack } = /** @type {CustomEvent} */ (event).detail;
      if (track.kind === "video") show(mediaTrack).then(resolve);
    });
  });
  await room.join();
  mark("joined");
  for (const mediaTrack of own.getTracks())
    void room.publish(mediaTrack, mediaTrack.kind === "video" ? "camera" : "microphone");
  await Promise.race([seen, new Promise((resolve) => setTimeout(resolve, timeoutMs))]);
  mark = () => {};
  room.leave();
  document.body.replaceChildren();
  return marks;
}

/** @param {MediaStreamTrack} mediaTrack */
async function show(mediaTrack) {
  const video = document.createElement("video");
  video.autoplay = true;
  video.srcObject = new MediaStream([mediaTrack]);
  document.body.append(video);
  await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  mark("first frame");
}

Object.assign(window, { joinOnce });
