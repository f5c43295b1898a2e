// What we send, over one peer connection.

/** @import {Source} from "./messages.js" */
import { preferCodecs } from "./codecs.js";
import { addSender, sizesRefused, tune } from "./encodings.js";
import { Peer } from "./peer.js";
import { upStats } from "./stats.js";

/** What we send: one track a source. */
export class UpPeer extends Peer {
  /** @type {Map<Source, {track: MediaStreamTrack, transceiver: RTCRtpTransceiver}>} */
  #sent = new Map();
  /** @type {Map<Source, RTCRtpTransceiver>} kept for when the source comes back */
  #idle = new Map();
  /** @type {Map<Source, string>} the ids that media gave our tracks */
  ids = new Map();
  #inSizes = true;
  /** Called after each answer. */
  onpublished = () => {};

  /**
   * Sends this track as that source, in place of what it sent before.
   * @param {Source} source @param {MediaStreamTrack} track
   */
  async set(source, track) {
    const sent = this.#sent.get(source);
    if (source === "screen") track.contentHint = "detail";
    if (sent) {
      sent.track = track;
      await sent.transceiver.sender.replaceTrack(track);
      if (this.ids.has(source)) return tune(sent.transceiver.sender, source);
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
    const offer = pc.localDescription?.sdp ?? "";
    const answer = await this.ask("publish", { sdp: offer, sources: Object.fromEntries(sources) });
    if (pc === this.pc && this.#inSizes && sizesRefused(offer, answer.sdp)) {
      // Going on in one size would do once; but Chromium could not make another offer on such a connection.
      this.#inSizes = false;
      return this.restart();
    }
    if (!(await this.accept(pc, answer.sdp))) return;
    for (const [mid, id] of Object.entries(answer.tracks)) {
      const source = sources.get(mid);
      if (source && this.#sent.has(source)) this.ids.set(source, id);
    }
    // After each answer: it switches on again what was off, for media takes all sizes.
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
    const transceiver = addSender(this.pc, source, track, this.#inSizes);
    if (track.kind === "video") preferCodecs(transceiver);
    this.#sent.set(source, { track, transceiver });
  }
}
