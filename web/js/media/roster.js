// Who and what is in the room, as media last told.

/** @import {Joined, Member, Notice, Recording, Track} from "./messages.js" */

export class Roster {
  /** @type {Map<string, Member>} by person */
  members = new Map();
  /** @type {Map<string, Track>} by id, those of others only */
  tracks = new Map();
  /** Who we are. */
  person = "";
  /** Ids of tracks whose picture our line does not carry now. @type {Set<string>} */
  paused = new Set();
  /** Who speaks now, the loudest first. @type {string[]} */
  speakers = [];
  /** @type {Recording} */
  recording = { state: "off", alarm: null };
  #tell;
  #onTracks;

  /**
   * @param {(event: string, detail: unknown) => void} tell of each change
   * @param {() => void} onTracks there are other tracks to receive
   */
  constructor(tell, onTracks) {
    this.#tell = tell;
    this.#onTracks = onTracks;
  }

  /** Takes over what media tells at joining; after an absence only the differences are told. @param {Joined} joined */
  compare(joined) {
    this.person = joined.person;
    const present = new Set(joined.members.map((member) => member.person));
    for (const person of [...this.members.keys()]) if (!present.has(person)) this.#removeMember(person);
    const there = new Set(joined.tracks.map((track) => track.id));
    for (const id of [...this.tracks.keys()]) if (!there.has(id)) this.#removeTrack(id);
    for (const member of joined.members) this.#addMember(member);
    for (const track of joined.tracks) this.#addTrack(track);
    this.#setRecording(joined.recording);
    for (const id of [...this.paused]) this.#markPaused(id, false); // told anew if it is still so
    this.#setSpeakers([]);
  }

  /** @param {Notice} notice */
  apply(notice) {
    if (notice.type === "member_joined") this.#addMember(notice.member);
    else if (notice.type === "member_left") this.#removeMember(notice.person);
    else if (notice.type === "track_added") this.#addTrack(notice.track);
    else if (notice.type === "track_removed") this.#removeTrack(notice.track);
    else if (notice.type === "track_muted") this.#markMuted(notice.track, notice.muted);
    else if (notice.type === "track_paused") this.#markPaused(notice.track, notice.paused);
    else if (notice.type === "speakers") this.#setSpeakers(notice.people);
    else if (notice.type === "recording") this.#setRecording({ state: notice.state, alarm: notice.alarm });
  }

  /** @param {Member} member */
  #addMember(member) {
    const isNew = !this.members.has(member.person);
    this.members.set(member.person, member);
    if (isNew) this.#tell("memberjoined", member);
  }

  /** @param {string} person */
  #removeMember(person) {
    for (const track of [...this.tracks.values()]) if (track.person === person) this.#removeTrack(track.id);
    if (this.members.delete(person)) this.#tell("memberleft", person);
  }

  /** @param {Track} track */
  #addTrack(track) {
    if (track.person === this.person) return;
    const known = this.tracks.get(track.id);
    this.tracks.set(track.id, track);
    if (known && known.muted !== track.muted) this.#tell("muted", track);
    this.#onTracks();
  }

  /** @param {string} id */
  #removeTrack(id) {
    const track = this.tracks.get(id);
    if (!track) return;
    this.tracks.delete(id);
    this.paused.delete(id);
    this.#onTracks();
    this.#tell("trackremoved", { track });
  }

  /** @param {string} id @param {boolean} muted */
  #markMuted(id, muted) {
    const track = this.tracks.get(id);
    if (!track || track.muted === muted) return;
    track.muted = muted;
    this.#tell("muted", track);
  }

  /** @param {string} id @param {boolean} paused */
  #markPaused(id, paused) {
    const track = this.tracks.get(id);
    if (!track || this.paused.has(id) === paused) return;
    if (paused) this.paused.add(id);
    else this.paused.delete(id);
    this.#tell("paused", { track, paused });
  }

  /** @param {string[]} people */
  #setSpeakers(people) {
    if (people.join() === this.speakers.join()) return;
    this.speakers = people;
    this.#tell("speakers", people);
  }

  /** @param {Recording} recording */
  #setRecording(recording) {
    const { state, alarm } = this.recording;
    this.recording = recording;
    if (state !== recording.state || alarm !== recording.alarm) this.#tell("recording", recording);
  }
}
