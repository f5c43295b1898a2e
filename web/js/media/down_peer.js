// What we receive, over one peer connection.

import { preferCodecs } from "./codecs.js";
import { Patience } from "./patience.js";
import { Peer } from "./peer.js";
import { downStats } from "./stats.js";

/** @typedef {{id: string, person: string, kind: "audio" | "video"}} Wanted */
/**
 * @typedef {{transceiver: RTCRtpTransceiver, kind: string, id: string, isShown: boolean}} Slot `id` is empty when free
 */

const ADAPT_EVERY_MS = 1000;

/** What we receive: one transceiver a remote track, used again when its track has gone. */
export class DownPeer extends Peer {
  /** @type {Map<string, Wanted>} */
  #wanted = new Map();
  /** @type {Map<string, number>} how late retransmissions from a track's publisher come, in ms */
  #late = new Map();
  /** @type {Slot[]} */
  #slots = [];
  /** @type {Map<string, Patience>} by person */
  #patience = new Map();
  #adapting = setInterval(() => void this.#adapt(), ADAPT_EVERY_MS);
  /** Called when a track of the room has become a track to play. */
  ontrack = /** @type {(id: string, mediaTrack: MediaStreamTrack) => void} */ (() => {});
  /** Called when media does not send us a track, since it is in no codec that we offered. */
  onrefused = /** @type {(id: string) => void} */ (() => {});

  /** Receives exactly these tracks from now on. @param {Wanted[]} wanted */
  async want(wanted) {
    this.#wanted = new Map(wanted.map((track) => [track.id, track]));
    await this.negotiate().catch(() => this.restartSoon());
  }

  /** What the publisher's line loses of a track comes so much later. @param {string} id @param {number} wait_ms */
  waitFor(id, wait_ms) {
    if (wait_ms > 0) this.#late.set(id, wait_ms);
    else this.#late.delete(id);
  }

  async stats() {
    const used = this.#slots.filter((slot) => slot.id);
    return Promise.all(used.map((slot) => downStats(slot.id, slot.transceiver.receiver)));
  }

  /** @override */
  close() {
    clearInterval(this.#adapting);
    super.close();
  }

  /** Lets what a person sends wait longer on lines that need it, audio and video alike. */
  async #adapt() {
    if (!("jitterBufferTarget" in RTCRtpReceiver.prototype)) return;
    const people = this.#people();
    for (const person of this.#patience.keys()) if (!people.has(person)) this.#patience.delete(person);
    for (const [person, slots] of people) {
      // A voice alone never waits, and reading its counters would cost a cheap phone something each second.
      const wait_ms = slots.some(({ kind }) => kind === "video") ? await this.#wait(person, slots) : null;
      for (const { transceiver } of slots) transceiver.receiver.jitterBufferTarget = wait_ms;
    }
  }

  /** The slots in use, by whose tracks they have. @returns {Map<string, Slot[]>} */
  #people() {
    const people = new Map();
    for (const slot of this.#slots) {
      const person = this.#wanted.get(slot.id)?.person;
      if (person) people.set(person, [...(people.get(person) ?? []), slot]);
    }
    return people;
  }

  /**
   * @param {string} person @param {Slot[]} slots @returns {Promise<number | null>} what they wait from now on, in ms
   */
  async #wait(person, slots) {
    const stats = await Promise.all(slots.map(({ id, transceiver }) => downStats(id, transceiver.receiver)));
    const patience = this.#patience.get(person) ?? new Patience();
    this.#patience.set(person, patience);
    return patience.target(stats, Math.max(...slots.map(({ id }) => this.#late.get(id) ?? 0)), performance.now());
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
      if (slot.transceiver.currentDirection === "recvonly") this.ontrack(slot.id, slot.transceiver.receiver.track);
      else this.onrefused(slot.id);
    }
  }

  /**
   * Frees slots of tracks that have gone, and gives each new one a slot.
   * @returns {boolean} whether anything changed
   */
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
