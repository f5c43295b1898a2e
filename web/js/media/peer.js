// A peer connection to media, offered by us, so that offers never collide: up_peer.js sends, down_peer.js receives.

/** @import {Answers} from "./messages.js" */

/** @typedef {<T extends keyof Answers>(type: T, fields: object) => Promise<Answers[T]>} Ask */

const DISCONNECTED_MS = 1500;
const NEW_PATH_MS = 4000;
const RESTART_MS = [200, 500, 1000, 2000, 4000, 8000];

/** Negotiates one at a time; when the connection breaks, looks for another path, and then builds itself anew. */
export class Peer {
  /** @type {Promise<void> | null} the run that has not begun yet: whoever asks meanwhile shares it */
  #next = null;
  /** @type {Promise<void>} */
  #last = Promise.resolve();
  #rebuildTimer = 0;
  #pathTimer = 0;
  #failures = 0;
  #isClosed = false;
  #iceServers;
  /** @type {RTCPeerConnection} */
  pc;
  /** An offer is due although no track has changed. */
  wantsPath = false;

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
    this.#forgetRepairs();
    this.pc.close();
  }

  /** One round of offer and answer; for the subclass. @param {RTCPeerConnection} _pc @returns {Promise<void>} */
  async exchange(_pc) {}

  /** Adds everything to a new connection; for the subclass. */
  rebuild() {}

  /**
   * Takes media's answer, unless the connection is another by now.
   * @param {RTCPeerConnection} pc @param {string} sdp @returns {Promise<boolean>} whether it was taken
   */
  async accept(pc, sdp) {
    if (pc !== this.pc) return false;
    this.wantsPath = false;
    if (pc.remoteDescription && isFirst(sdp)) {
      // Media has forgotten our session and begun another, whose handshake this connection would never make.
      this.restart();
      return false;
    }
    await pc.setRemoteDescription({ type: "answer", sdp });
    return pc === this.pc;
  }

  /**
   * The network has changed: looks for a new path for the connection that is there (ICE restart, RFC 8445 section 9).
   * If that does not help within four seconds, the connection is built anew.
   */
  findPath() {
    const pc = this.pc;
    if (this.#isClosed || !pc.remoteDescription) return;
    this.#forgetRepairs();
    this.wantsPath = true;
    pc.restartIce();
    this.#pathTimer = setTimeout(() => {
      if (pc === this.pc && pc.connectionState !== "connected") this.restart();
    }, NEW_PATH_MS);
    this.negotiate().catch(() => this.restartSoon());
  }

  /** Builds the connection anew, later each time it fails. */
  restartSoon() {
    clearTimeout(this.#rebuildTimer);
    const delay = RESTART_MS[Math.min(this.#failures++, RESTART_MS.length - 1)];
    this.#rebuildTimer = setTimeout(() => this.restart(), delay);
  }

  async #run() {
    const pc = this.pc;
    if (this.#isClosed) return;
    try {
      await this.exchange(pc);
      // What was to be repaired may just have been: a track that media no longer had is no longer asked for.
      if (!["failed", "disconnected"].includes(pc.connectionState)) clearTimeout(this.#rebuildTimer);
    } catch (error) {
      if (this.#isClosed || pc !== this.pc) return;
      if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" });
      throw error;
    }
  }

  /** Builds the connection anew, now. */
  restart() {
    if (this.#isClosed) return;
    this.#forgetRepairs();
    this.wantsPath = false;
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
    this.onstate(pc.connectionState);
    if (pc.connectionState === "connected") {
      this.#failures = 0;
      this.#forgetRepairs();
    }
    if (pc.connectionState === "failed") this.restartSoon();
    if (pc.connectionState === "disconnected" && !this.wantsPath) {
      clearTimeout(this.#pathTimer);
      this.#pathTimer = setTimeout(() => this.findPath(), DISCONNECTED_MS);
    }
  }

  #forgetRepairs() {
    clearTimeout(this.#rebuildTimer);
    clearTimeout(this.#pathTimer);
  }
}

/**
 * Whether an answer is the first of its session: media counts them in the origin line (RFC 8866).
 * @param {string} sdp
 */
function isFirst(sdp) {
  return /^o=\S+ \S+ 1 /m.test(sdp);
}
