// What we receive, over one peer connection.

import { preferCodecs } from "./codecs.js";
import { Peer } from "./peer.js";
import { downStats } from "./stats.js";

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
    if (!this.#assign() && !this.wantsPath) return;
    await pc.setLocalDescription();
    const used = this.#slots.filter((slot) => slot.id);
    const tracks = Object.fromEntries(used.map((slot) => [slot.transceiver.mid, slot.id]));
    const answer = await this.ask("subscribe", { sdp: pc.localDescription?.sdp, tracks });
    if (!(await this.accept(pc, answer.sdp))) return;
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
