/** A person's place in a room: joins, publishes, watches all others, and comes back by itself. */

import { DownPeer, UpPeer } from "./peer.js";
import { MediaError, Signalling } from "./signalling.js";
import { trackStats } from "./stats.js";

/** @typedef {import("./messages.js").Source} Source */
/** @typedef {import("./messages.js").TrackDescription} TrackDescription */
/** @typedef {"connecting"|"connected"|"reconnecting"|"closed"} State */

const RETRY_MS = [300, 700, 1500, 3000, 6000];

/**
 * Events (all with `detail`):
 * "state" {state} · "memberjoined" {member} · "memberleft" {person} · "members" {members} ·
 * "trackadded" {track} · "track" {track, mediaTrack}, again for the same id after a reconnection ·
 * "trackmuted" {track} · "trackremoved" {track} · "recording" {state, alarm} · "failed" {code, message} ·
 * "closed" {reason}, after which nothing happens any more.
 */
export class RoomConnection extends EventTarget {
  /** @param {{url?: string, getGrant: () => Promise<string>}} options */
  constructor({ url = "/media/ws", getGrant }) {
    super();
    this._url = url;
    this._getGrant = getGrant;
    /** @type {State} */
    this.state = "connecting";
    /** @type {string} */
    this.person = "";
    /** @type {Map<string, import("./messages.js").MemberInfo>} by person */
    this.members = new Map();
    /** @type {Map<string, TrackDescription & {mediaTrack: MediaStreamTrack|null}>} by id, of everyone */
    this.tracks = new Map();
    /** @type {import("./messages.js").RecordingInfo} */
    this.recording = { state: "off", alarm: null };
    /** @type {Map<Source, {track: MediaStreamTrack, muted: boolean}>} what we publish */
    this._local = new Map();
    /** @type {Signalling|null} */
    this._signalling = null;
    /** @type {UpPeer|null} */
    this._up = null;
    /** @type {DownPeer|null} */
    this._down = null;
    this._failures = 0;
  }

  /** Enters the room. Rejects with MediaError when media refuses or cannot be reached; then it may be tried again. */
  async join() {
    this._setState("connecting");
    await this._enter();
  }

  /**
   * Publishes a track as camera, microphone or screen; published again, it takes the earlier one's place.
   * @param {MediaStreamTrack} track
   * @param {Source} source
   */
  async publish(track, source) {
    const old = this._local.get(source);
    this._local.set(source, { track, muted: false });
    track.enabled = true;
    if (this.state !== "connected" || !this._up) return; // done on the way back in
    try {
      await this._up.publish(track, source);
      if (old?.muted) this._tellMuted(source, false);
    } catch (error) {
      if (error instanceof MediaError && error.code !== "unreachable") this._local.delete(source);
      throw error;
    }
  }

  /** The others see at once that it is muted; black or silence is sent, so that nothing has to be negotiated.
   * @param {Source} source @param {boolean} muted */
  setMuted(source, muted) {
    const local = this._local.get(source);
    if (!local || local.muted === muted) return;
    local.muted = muted;
    local.track.enabled = !muted;
    this._tellMuted(source, muted);
  }

  /** @param {Source} source */
  async unpublish(source) {
    this._local.delete(source);
    await this._up?.unpublish(source).catch(() => {});
  }

  /** Leaves for good. */
  leave() {
    if (this.state === "closed") return;
    const signalling = this._signalling;
    signalling?.request("leave", {}).catch(() => {}).finally(() => signalling.close());
    this._close("left");
  }

  /** @returns {Promise<Record<string, import("./stats.js").TrackStats>>} by track id, own tracks included */
  stats() {
    return trackStats([this._up, this._down]);
  }

  async _enter() {
    const signalling = new Signalling(this._url);
    this._signalling?.close();
    this._signalling = signalling;
    try {
      await signalling.opened;
      const joined = await signalling.request("join", { grant: await this._getGrant() });
      if (this._signalling !== signalling) throw new MediaError("replaced");
      signalling.addEventListener("message", (event) => this._hear(/** @type {CustomEvent} */ (event).detail));
      signalling.addEventListener("down", () => this._signalling === signalling && this._comeBack());
      this._welcome(joined);
    } catch (error) {
      signalling.close();
      throw error;
    }
    this._setState("connected");
    this._failures = 0;
    this._buildDown();
    await this._buildUp();
  }

  /** @param {import("./messages.js").Joined} joined */
  _welcome(joined) {
    this.person = joined.person;
    const people = new Set(joined.members.map((member) => member.person));
    for (const person of [...this.members.keys()]) if (!people.has(person)) this._memberLeft(person);
    for (const member of joined.members) this._memberJoined(member);
    const ids = new Set(joined.tracks.map((track) => track.id));
    for (const id of [...this.tracks.keys()]) if (!ids.has(id)) this._trackRemoved(id);
    for (const track of joined.tracks) this._trackAdded(track);
    this.recording = joined.recording;
    this._emit("recording", this.recording);
  }

  /** @param {import("./messages.js").FromMedia} message */
  _hear(message) {
    switch (message.type) {
      case "member_joined": return this._memberJoined(message.member);
      case "member_left": return this._memberLeft(message.person);
      case "track_added": this._trackAdded(message.track); return this._syncDown();
      case "track_removed": this._trackRemoved(message.track); return this._syncDown();
      case "track_muted": return this._trackMuted(message.track, message.muted);
      case "recording":
        this.recording = { state: message.state, alarm: message.alarm };
        return this._emit("recording", this.recording);
      case "closed": return this._close(message.reason);
      case "failed": return this._emit("failed", { code: message.code, message: message.message });
      default: return undefined;
    }
  }

  /** @param {import("./messages.js").MemberInfo} member */
  _memberJoined(member) {
    if (this.members.has(member.person)) return;
    this.members.set(member.person, member);
    this._emit("memberjoined", { member });
    this._emit("members", { members: [...this.members.values()] });
  }

  /** @param {string} person */
  _memberLeft(person) {
    if (!this.members.delete(person)) return;
    this._emit("memberleft", { person });
    this._emit("members", { members: [...this.members.values()] });
  }

  /** @param {TrackDescription} track */
  _trackAdded(track) {
    const mediaTrack = this.tracks.get(track.id)?.mediaTrack ?? null;
    this.tracks.set(track.id, { ...track, mediaTrack });
    this._emit("trackadded", { track: this.tracks.get(track.id) });
  }

  /** @param {string} id */
  _trackRemoved(id) {
    const track = this.tracks.get(id);
    if (this.tracks.delete(id)) this._emit("trackremoved", { track });
  }

  /** @param {string} id @param {boolean} muted */
  _trackMuted(id, muted) {
    const track = this.tracks.get(id);
    if (!track) return;
    track.muted = muted;
    this._emit("trackmuted", { track });
  }

  _buildDown() {
    this._down?.close();
    this._down = new DownPeer(this._request(), () => this._rebuild(() => this._buildDown()), (id, mediaTrack) => {
      const track = this.tracks.get(id);
      if (!track) return;
      track.mediaTrack = mediaTrack;
      this._emit("track", { track, mediaTrack });
    });
    this._syncDown();
  }

  _syncDown() {
    const down = this._down;
    down?.sync(() => [...this.tracks.values()].filter((track) => track.person !== this.person)).catch((error) => {
      if (down === this._down && error instanceof MediaError && error.code !== "unreachable") {
        this._emit("failed", { code: error.code, message: error.message });
        this._rebuild(() => this._buildDown());
      }
    });
  }

  async _buildUp() {
    this._up?.close();
    const up = new UpPeer(this._request(), () => this._rebuild(() => this._buildUp()));
    this._up = up;
    for (const [source, { track, muted }] of this._local) {
      await up.publish(track, source).catch((error) => this._emit("failed", { code: error.code ?? error.name, message: error.message }));
      if (muted) this._tellMuted(source, true);
    }
  }

  /** @returns {import("./peer.js").Request} */
  _request() {
    const signalling = this._signalling;
    return (type, fields) => (signalling ? signalling.request(type, fields) : Promise.reject(new MediaError("unreachable")));
  }

  /** A peer connection is lost though signalling is there: make a new one. @param {() => unknown} build */
  _rebuild(build) {
    setTimeout(() => this.state === "connected" && build(), 500);
  }

  async _comeBack() {
    if (this.state === "closed" || this.state === "reconnecting") return;
    this._setState("reconnecting");
    while (this.state === "reconnecting") {
      const wait = RETRY_MS[Math.min(this._failures, RETRY_MS.length - 1)];
      this._failures += 1;
      await new Promise((resolve) => setTimeout(resolve, wait * (0.7 + 0.6 * Math.random())));
      if (this.state !== "reconnecting") return;
      await this._enter().catch((error) => this._emit("failed", { code: error.code ?? error.name, message: error.message }));
    }
  }

  /** @param {Source} source @param {boolean} muted */
  _tellMuted(source, muted) {
    const track = this._up?.ids.get(source);
    if (track) this._signalling?.tell("mute", { track, muted });
  }

  /** @param {string} reason */
  _close(reason) {
    if (this.state === "closed") return;
    this._setState("closed");
    this._up?.close();
    this._down?.close();
    if (reason !== "left") this._signalling?.close();
    this._emit("closed", { reason });
  }

  /** @param {State} state */
  _setState(state) {
    if (this.state === state) return;
    this.state = state;
    this._emit("state", { state });
  }

  /** @param {string} name @param {object} [detail] */
  _emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
