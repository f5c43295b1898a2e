// A person in a room: joins, publishes, subscribes, and comes back by itself when the network does.

/** @import {Notice, Source} from "./messages.js" */
import { Backoff } from "./backoff.js";
import { findLack } from "./capabilities.js";
import { decodableCodecs } from "./codecs.js";
import { DownPeer } from "./down_peer.js";
import { describeBrowser, describePeer, Trace } from "./dump.js";
import { onNetworkChange } from "./network.js";
import { Reports } from "./report.js";
import { Roster } from "./roster.js";
import { MediaSocket, Refused } from "./socket.js";
import { Sources } from "./sources.js";
import { UpPeer } from "./up_peer.js";

/** Refusals that pass by themselves. */
const PASSING = new Set(["busy", "unavailable", "too-many-rooms", "too-many-requests"]);
const REPORT_EVERY_MS = 5000;
/** How long a socket may be silent after the network has changed: TCP would take minutes to say that it is dead. */
const ALIVE_WITHIN_MS = 3000;

/** @typedef {"connecting" | "connected" | "reconnecting" | "closed"} RoomState */

/**
 * Events, each a CustomEvent: "track" {track, mediaTrack} (again for a known id after a reconnection: play the new
 * one), "trackremoved" {track}, "memberjoined" Member, "memberleft" person, "muted" Track, "recording" Recording,
 * "unplayable" {track, willChange} (this browser cannot show it; `willChange`: another codec was asked for),
 * "paused" {track, paused} (our line does not carry this picture now), "speakers" person[] (the loudest first),
 * "state" RoomState, "closed" {reason} (a CloseReason, or the code of a refusal), "measured" Measures (every 5 s),
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
  #sources = new Sources();
  #reports = new Reports();
  #trace = new Trace();
  /** @type {Record<string, number>} */
  #shown = {};
  #reportTimer = 0;
  #stopWatching = () => {};
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
    if (findLack() === "webrtc") return Promise.reject(new Refused("unsupported", "no RTCPeerConnection"));
    if (!this.#joining) {
      this.#stopWatching = onNetworkChange(() => this.#networkChanged());
      this.#reportTimer = setInterval(() => void this.#report(), REPORT_EVERY_MS);
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
    this.#sources.set(source, mediaTrack);
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
    void this.#up?.remove(source).catch(() => {});
  }

  /** @param {Source} source @param {boolean} muted */
  setMuted(source, muted) {
    this.#sources.mute(source, muted);
    this.#tellMuted();
  }

  /**
   * Tells media how high each picture is shown, so that it sends no larger ones; again after a reconnection.
   * @param {Record<string, number>} heights in device pixels by track id; 0: not shown now
   */
  show(heights) {
    this.#shown = heights;
    if (this.state === "connected") this.#socket?.send("show", { tracks: heights });
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

  /** What helps to find out what went wrong, with neither names nor addresses nor keys in it. */
  async dump() {
    const [up, down] = await Promise.all([this.#up, this.#down].map((peer) => peer && describePeer(peer.pc)));
    const tracks = [...this.tracks.values()].map(({ id, source, codec, muted }) => ({ id, source, codec, muted }));
    return {
      at: new Date().toISOString(),
      browser: describeBrowser(),
      state: this.state,
      tracks,
      shown: this.#shown,
      paused: [...this.#roster.paused],
      trace: this.#trace.entries,
      up,
      down,
    };
  }

  #networkChanged() {
    this.#trace.note("network changed");
    this.#backoff.wake();
    void this.#socket?.check(ALIVE_WITHIN_MS);
    this.#up?.findPath();
    this.#down?.findPath();
  }

  async #report() {
    if (this.state !== "connected") return;
    const { up, down } = await this.stats();
    const reports = this.#reports.next(down, performance.now());
    if (this.state !== "connected") return;
    if (down.length > 0) this.#socket?.send("report", { tracks: reports });
    this.#tell("measured", { up, down, reports, paused: this.#roster.paused });
  }

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
    this.#trace.note("opened");
    const joined = await socket.request("join", { grant, decodes: decodableCodecs() });
    this.#backoff.succeeded();
    this.#trace.note("joined");
    try {
      this.#openPeers(socket, joined.ice_servers ?? []);
    } catch (error) {
      throw new Refused("unsupported", String(error)); // trying again would join and leave for ever
    }
    this.#setState("connected");
    this.#roster.compare(joined);
    for (const [source, mediaTrack] of this.#sources.tracks) void this.#up?.set(source, mediaTrack).catch(() => {});
    if (Object.keys(this.#shown).length > 0) this.show(this.#shown);
  }

  /** @param {MediaSocket} socket @param {RTCIceServer[]} iceServers */
  #openPeers(socket, iceServers) {
    /** @type {import("./peer.js").Ask} */
    const ask = async (type, fields) => {
      const answer = await socket.request(type, fields);
      this.#trace.note(type);
      return answer;
    };
    const up = new UpPeer(ask, iceServers);
    const down = new DownPeer(ask, iceServers);
    this.#up = up;
    this.#down = down;
    this.#sources.forgetTold();
    up.onpublished = () => this.#tellMuted();
    down.ontrack = (id, mediaTrack) => {
      const track = this.tracks.get(id);
      this.#trace.note("track", id);
      if (track) this.#tell("track", { track, mediaTrack });
    };
    down.onrefused = (id) => this.#refused(id);
    up.onstate = (state) => this.#setMedia({ ...this.media, up: state });
    down.onstate = (state) => this.#setMedia({ ...this.media, down: state });
    this.#setMedia({ up: "new", down: "new" });
  }

  /** @param {string} id of a track that media does not send us */
  #refused(id) {
    const track = this.tracks.get(id);
    if (track?.kind !== "video") return;
    this.#trace.note("unplayable", id);
    const willChange = decodableCodecs().some((codec) => track.codecs.includes(codec));
    this.#tell("unplayable", { track, willChange });
  }

  /** @param {Notice} notice */
  #notice(notice) {
    if (notice.type === "track_late") this.#down?.waitFor(notice.track, notice.wait_ms);
    else if (notice.type === "codec_needed") void this.#up?.negotiate().catch(() => {});
    else if (notice.type !== "closed") this.#roster.apply(notice);
    else this.#finish(notice.reason);
  }

  #tellMuted() {
    const up = this.#up;
    if (up) for (const news of this.#sources.untold(up.ids)) this.#socket?.send("mute", news);
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
    this.#stopWatching();
    clearInterval(this.#reportTimer);
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
    this.#trace.note("state", state);
    this.#tell("state", state);
  }

  /** @param {{up: RTCPeerConnectionState, down: RTCPeerConnectionState}} media */
  #setMedia(media) {
    this.media = media;
    this.#trace.note("media", media);
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
