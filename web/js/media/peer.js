// The two peer connections of a person: one up, one down, both offered by us, so that offers never collide.

/** @import {Answers, Source} from "./messages.js" */
import { preferCodecs } from "./codecs.js";
import { downStats, upStats } from "./stats.js";

/** @typedef {<T extends keyof Answers>(type: T, fields: object) => Promise<Answers[T]>} Ask */

const DISCONNECTED_MS = 4000;
const RESTART_MS = [200, 500, 1000, 2000, 4000, 8000];
const MAX_BITRATE = { camera: 1_500_000, screen: 2_500_000, microphone: 64_000 };

/** Negotiates one at a time, and builds itself anew when the connection breaks. */
class Peer {
  /** @type {Promise<void> | null} the run that has not begun yet: whoever asks meanwhile shares it */
  #next = null;
  /** @type {Promise<void>} */
  #last = Promise.resolve();
  #timer = 0;
  #failures = 0;
  #isClosed = false;
  #iceServers;
  /** @type {RTCPeerConnection} */
  pc;

  /** @param {Ask} ask @param {RTCIceServer[]} iceServers */
  constructor(ask, iceServers) {
    this.ask = ask;
    this.#iceServers = iceServers;
    this.onstate = /** @type {(state: RTCPeerConnectionState) => void} */ (() => {});
    this.pc = this.#open();
  }

  /** Negotiates what has changed. @returns {Promise<void>} */
  negotiate() {
    this.#next ??= this.#last = this.#last
      .catch(() => {})
      .then(() => {
        this.#next = null;
        return this.#run();
      });
    return this.#next;
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.pc.close();
  }

  /** One round of offer and answer; for the subclass. @param {RTCPeerConnection} _pc @returns {Promise<void>} */
  async exchange(_pc) {}

  /** Adds everything to a new connection; for the subclass. */
  rebuild() {}

  /** Builds the connection anew, later each time it fails. */
  restartSoon() {
    clearTimeout(this.#timer);
    const delay = RESTART_MS[Math.min(this.#failures++, RESTART_MS.length - 1)];
    this.#timer = setTimeout(() => this.#restart(), delay);
  }

  async #run() {
    const pc = this.pc;
    if (this.#isClosed) return;
    try {
      await this.exchange(pc);
      // What was to be repaired may just have been: a track that media no longer had is no longer asked for.
      if (!["failed", "disconnected"].includes(pc.connectionState)) clearTimeout(this.#timer);
    } catch (error) {
      if (this.#isClosed || pc !== this.pc) return;
      if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" });
      throw error;
    }
  }

  #restart() {
    if (this.#isClosed) return;
    this.pc.close();
    this.pc = this.#open();
    this.rebuild();
    this.negotiate().catch(() => this.restartSoon());
  }

  #open() {
    const pc = new RTCPeerConnection({ iceServers: this.#iceServers, bundlePolicy: "max-bundle" });
    pc.onconnectionstatechange = () => this.#watch(pc);
    return pc;
  }

  /** @param {RTCPeerConnection} pc */
  #watch(pc) {
    if (pc !== this.pc || this.#isClosed) return;
    clearTimeout(this.#timer);
    this.onstate(pc.connectionState);
    if (pc.connectionState === "connected") this.#failures = 0;
    if (pc.connectionState === "failed") this.restartSoon();
    if (pc.connectionState === "disconnected") this.#timer = setTimeout(() => this.restartSoon(), DISCONNECTED_MS);
  }
}

/** What we send: one track a source. */
export class UpPeer extends Peer {
  /** @type {Map<Source, {track: MediaStreamTrack, transceiver: RTCRtpTransceiver}>} */
  #sent = new Map();
  /** @type {Map<Source, RTCRtpTransceiver>} kept for when the source comes back */
  #idle = new Map();
  /** @type {Map<Source, string>} the ids that media gave our tracks */
  ids = new Map();
  /** Called after each answer. */
  onpublished = () => {};

  /** Sends this track as that source, in place of what it sent before. @param {Source} source @param {MediaStreamTrack} track */
  async set(source, track) {
    const sent = this.#sent.get(source);
    if (source === "screen") track.contentHint = "detail";
    if (sent) {
      sent.track = track;
      await sent.transceiver.sender.replaceTrack(track);
      if (this.ids.has(source)) return;
    } else {
      this.#add(source, track);
    }
    await this.negotiate();
  }

  /** Stops sending this source. @param {Source} source */
  async remove(source) {
    const sent = this.#sent.get(source);
    if (!sent) return;
    this.#sent.delete(source);
    this.ids.delete(source);
    this.#idle.set(source, sent.transceiver);
    sent.transceiver.direction = "inactive";
    await sent.transceiver.sender.replaceTrack(null);
    await this.negotiate();
  }

  async stats() {
    return Promise.all([...this.#sent].map(([source, { transceiver }]) => upStats(source, transceiver.sender)));
  }

  /** @override */
  rebuild() {
    const sent = [...this.#sent];
    this.#sent.clear();
    this.#idle.clear();
    this.ids.clear();
    for (const [source, { track }] of sent) this.#add(source, track);
  }

  /** @override @param {RTCPeerConnection} pc */
  async exchange(pc) {
    if (pc.getTransceivers().length === 0) return;
    await pc.setLocalDescription();
    /** @type {Map<string, Source>} */
    const sources = new Map();
    for (const [source, { transceiver }] of this.#sent) if (transceiver.mid) sources.set(transceiver.mid, source);
    const answer = await this.ask("publish", { sdp: pc.localDescription?.sdp, sources: Object.fromEntries(sources) });
    if (pc !== this.pc) return;
    await pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    for (const [mid, id] of Object.entries(answer.tracks)) {
      const source = sources.get(mid);
      if (source && this.#sent.has(source)) this.ids.set(source, id);
    }
    for (const [source, { transceiver }] of this.#sent) await tune(transceiver.sender, source);
    this.onpublished();
  }

  /** @param {Source} source @param {MediaStreamTrack} track */
  #add(source, track) {
    const idle = this.#idle.get(source);
    if (idle) {
      this.#idle.delete(source);
      idle.direction = "sendonly";
      void idle.sender.replaceTrack(track);
      this.#sent.set(source, { track, transceiver: idle });
      return;
    }
    const transceiver = this.pc.addTransceiver(track, {
      direction: "sendonly",
      sendEncodings: [{ maxBitrate: MAX_BITRATE[source] }],
    });
    if (track.kind === "video") preferCodecs(transceiver);
    this.#sent.set(source, { track, transceiver });
  }
}

/** @param {RTCRtpSender} sender @param {Source} source */
async function tune(sender, source) {
  const parameters = sender.getParameters();
  const wanted = source === "screen" ? "maintain-resolution" : "balanced";
  if (source === "microphone" || parameters.degradationPreference === wanted) return;
  parameters.degradationPreference = wanted;
  await sender.setParameters(parameters).catch(() => {}); // a wish: not every browser knows it
}

/** @typedef {{id: string, kind: "audio" | "video"}} Wanted */
/** @typedef {{transceiver: RTCRtpTransceiver, kind: string, id: string, isShown: boolean}} Slot `id` is empty when free */

/** What we receive: one transceiver a remote track, used again when its track has gone. */
export class DownPeer extends Peer {
  /** @type {Map<string, Wanted>} */
  #wanted = new Map();
  /** @type {Slot[]} */
  #slots = [];
  /** Called when a track of the room has become a track to play. */
  ontrack = /** @type {(id: string, mediaTrack: MediaStreamTrack) => void} */ (() => {});

  /** Receives exactly these tracks from now on. @param {Wanted[]} wanted */
  async want(wanted) {
    this.#wanted = new Map(wanted.map((track) => [track.id, track]));
    await this.negotiate().catch(() => this.restartSoon());
  }

  async stats() {
    const used = this.#slots.filter((slot) => slot.id);
    return Promise.all(used.map((slot) => downStats(slot.id, slot.transceiver.receiver)));
  }

  /** @override */
  rebuild() {
    this.#slots = [];
  }

  /** @override @param {RTCPeerConnection} pc */
  async exchange(pc) {
    if (!this.#assign()) return;
    await pc.setLocalDescription();
    const used = this.#slots.filter((slot) => slot.id);
    const tracks = Object.fromEntries(used.map((slot) => [slot.transceiver.mid, slot.id]));
    const answer = await this.ask("subscribe", { sdp: pc.localDescription?.sdp, tracks });
    if (pc !== this.pc) return;
    await pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    for (const slot of used) {
      if (slot.isShown || !this.#wanted.has(slot.id)) continue;
      slot.isShown = true;
      this.ontrack(slot.id, slot.transceiver.receiver.track);
    }
  }

  /** Frees slots of tracks that have gone, and gives each new one a slot. @returns {boolean} whether anything changed */
  #assign() {
    let changed = this.#slots.some((slot) => slot.id && !slot.isShown);
    const taken = new Set(this.#slots.map((slot) => slot.id));
    for (const slot of this.#slots) {
      if (!slot.id || this.#wanted.has(slot.id)) continue;
      Object.assign(slot, { id: "", isShown: false });
      slot.transceiver.direction = "inactive";
      changed = true;
    }
    for (const { id, kind } of this.#wanted.values()) {
      if (taken.has(id)) continue;
      const slot = this.#slots.find((free) => !free.id && free.kind === kind) ?? this.#addSlot(kind);
      slot.id = id;
      slot.transceiver.direction = "recvonly";
      changed = true;
    }
    return changed;
  }

  /** @param {"audio" | "video"} kind */
  #addSlot(kind) {
    const transceiver = this.pc.addTransceiver(kind, { direction: "recvonly" });
    if (kind === "video") preferCodecs(transceiver);
    const slot = { transceiver, kind, id: "", isShown: false };
    this.#slots.push(slot);
    return slot;
  }
}
