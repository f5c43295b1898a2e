// A person in a room: joins, publishes, subscribes, and comes back by itself when the network does.

/** @import {Notice, Source} from "./messages.js" */
import { Backoff } from "./backoff.js";
import { DownPeer, UpPeer } from "./peer.js";
import { Roster } from "./roster.js";
import { MediaSocket, Refused } from "./socket.js";

/** Refusals that pass by themselves. */
const PASSING = new Set(["busy", "unavailable"]);

/** @typedef {"connecting" | "connected" | "reconnecting" | "closed"} RoomState */

/**
 * Events, each a CustomEvent: "track" {track, mediaTrack} (again for a known id after a reconnection: play the new one),
 * "trackremoved" {track}, "memberjoined" Member, "memberleft" person, "muted" Track, "recording" Recording,
 * "state" RoomState, "closed" {reason} (a CloseReason, or the code of a refusal),
 * "media" {up, down} (states of the two peer connections: the socket may be open while UDP is blocked).
 */
export class RoomConnection extends EventTarget {
  /** @type {RoomState} */
  state = "closed";
  /** @type {{up: RTCPeerConnectionState, down: RTCPeerConnectionState}} */
  media = { up: "new", down: "new" };
  #roster = new Roster(
    (event, detail) => this.#tell(event, detail),
    () => void this.#down?.want([...this.tracks.values()]),
  );
  #backoff = new Backoff();
  /** @type {Map<Source, {mediaTrack: MediaStreamTrack, muted: boolean}>} */
  #sources = new Map();
  /** @type {Map<Source, string>} track ids that media knows as muted */
  #toldMuted = new Map();
  /** @type {MediaSocket | null} */
  #socket = null;
  /** @type {UpPeer | null} */
  #up = null;
  /** @type {DownPeer | null} */
  #down = null;
  /** @type {Promise<void> | null} */
  #joining = null;
  #over = "";
  #getGrant;

  /**
   * @param {object} options
   * @param {() => Promise<{grant: string, url: string}>} options.getGrant each time a fresh grant, and the URL of the
   *   signalling to use it at: the room may have moved. An error with a string `code` is final
   */
  constructor({ getGrant }) {
    super();
    this.#getGrant = getGrant;
  }

  /** Everybody in the room, by person; ourselves too if media lists us. */
  get members() {
    return this.#roster.members;
  }

  /** The others' tracks, by id. */
  get tracks() {
    return this.#roster.tracks;
  }

  /** Who we are, once joined. */
  get person() {
    return this.#roster.person;
  }

  get recording() {
    return this.#roster.recording;
  }

  /** Resolves when joined, however long the network takes. Rejects with {code, message} when refused. */
  join() {
    if (!this.#joining) {
      addEventListener("online", this.#online);
      this.#setState("connecting");
      this.#joining = this.#connect();
    }
    return this.#joining;
  }

  /**
   * Publishes a track, or puts it in the place of what this source sends; after a reconnection it is published again.
   * Rejects with {code, message} when refused.
   * @param {MediaStreamTrack} mediaTrack @param {Source} source
   */
  async publish(mediaTrack, source) {
    const muted = this.#sources.get(source)?.muted ?? false;
    mediaTrack.enabled = !muted;
    this.#sources.set(source, { mediaTrack, muted });
    const up = this.#up;
    try {
      await up?.set(source, mediaTrack);
    } catch (error) {
      if (up !== this.#up) return; // lost meanwhile: published when back
      this.unpublish(source);
      throw error;
    }
  }

  /** Stops sending a source; the device stays open. @param {Source} source */
  unpublish(source) {
    this.#sources.delete(source);
    this.#toldMuted.delete(source);
    void this.#up?.remove(source).catch(() => {});
  }

  /** @param {Source} source @param {boolean} muted */
  setMuted(source, muted) {
    const sending = this.#sources.get(source);
    if (!sending) return;
    sending.muted = muted;
    sending.mediaTrack.enabled = !muted;
    this.#tellMuted();
  }

  /** Leaves for good. */
  leave() {
    this.#socket?.send("leave");
    this.#finish("left");
  }

  /** How well each track goes, see stats.js. */
  async stats() {
    const [up, down] = await Promise.all([this.#up?.stats() ?? [], this.#down?.stats() ?? []]);
    return { up, down };
  }

  #online = () => {
    this.#backoff.wake();
    void this.#socket?.check();
  };

  /** Tries until joined; throws only what no further try can change. */
  async #connect() {
    while (!this.#over) {
      await this.#backoff.pause();
      try {
        await this.#enter();
        return;
      } catch (error) {
        this.#socket?.close();
        if (!isFinal(error)) continue;
        this.#finish(error.code);
        throw error;
      }
    }
    throw new Refused(this.#over, "the room was closed or left while joining");
  }

  async #enter() {
    const { grant, url } = await this.#getGrant();
    if (this.#over) throw new Error("left");
    const socket = new MediaSocket(url, {
      onNotice: (notice) => this.#notice(notice),
      onLost: () => this.#lost(socket),
    });
    this.#socket = socket;
    await socket.opened();
    const joined = await socket.request("join", { grant });
    this.#backoff.succeeded();
    this.#openPeers(socket, joined.ice_servers ?? []);
    this.#setState("connected");
    this.#roster.compare(joined);
    for (const [source, { mediaTrack }] of this.#sources) void this.#up?.set(source, mediaTrack).catch(() => {});
  }

  /** @param {MediaSocket} socket @param {RTCIceServer[]} iceServers */
  #openPeers(socket, iceServers) {
    /** @type {import("./peer.js").Ask} */
    const ask = (type, fields) => socket.request(type, fields);
    const up = (this.#up = new UpPeer(ask, iceServers));
    const down = (this.#down = new DownPeer(ask, iceServers));
    this.#toldMuted.clear();
    up.onpublished = () => this.#tellMuted();
    down.ontrack = (id, mediaTrack) => {
      const track = this.tracks.get(id);
      if (track) this.#tell("track", { track, mediaTrack });
    };
    up.onstate = (state) => this.#setMedia({ ...this.media, up: state });
    down.onstate = (state) => this.#setMedia({ ...this.media, down: state });
    this.#setMedia({ up: "new", down: "new" });
  }

  /** @param {Notice} notice */
  #notice(notice) {
    if (notice.type !== "closed") this.#roster.apply(notice);
    else if (notice.reason !== "expired") this.#finish(notice.reason);
    else this.#renew();
  }

  #tellMuted() {
    for (const [source, { muted }] of this.#sources) {
      const id = this.#up?.ids.get(source);
      if (!id || (this.#toldMuted.get(source) === id) === muted) continue;
      if (muted) this.#toldMuted.set(source, id);
      else this.#toldMuted.delete(source);
      this.#socket?.send("mute", { track: id, muted });
    }
  }

  /** The grant has expired: joins anew with a fresh one. */
  #renew() {
    const socket = this.#socket;
    socket?.close();
    if (socket) this.#lost(socket);
  }

  /** @param {MediaSocket} socket */
  #lost(socket) {
    if (socket !== this.#socket || this.#over) return;
    this.#socket = null;
    if (!this.#up) return; // lost while joining: #connect goes on
    this.#closePeers();
    this.#backoff.broke();
    this.#setState("reconnecting");
    this.#connect().catch(() => {}); // the event "closed" tells
  }

  /** @param {string} reason */
  #finish(reason) {
    if (this.#over) return;
    this.#over = reason;
    removeEventListener("online", this.#online);
    this.#backoff.wake();
    this.#socket?.close();
    this.#closePeers();
    this.#setState("closed");
    this.#tell("closed", { reason });
  }

  #closePeers() {
    this.#up?.close();
    this.#down?.close();
    this.#up = this.#down = null;
  }

  /** @param {RoomState} state */
  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.#tell("state", state);
  }

  /** @param {{up: RTCPeerConnectionState, down: RTCPeerConnectionState}} media */
  #setMedia(media) {
    this.media = media;
    this.#tell("media", media);
  }

  /** @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @param {unknown} error @returns {error is Error & {code: string}} */
function isFinal(error) {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return false;
  return !PASSING.has(error.code);
}
