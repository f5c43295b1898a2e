/**
 * Signalling messages, as `station/rtc/messages.py` has them; a test holds both lists equal.
 *
 * @typedef {{person: string, name: string}} MemberInfo
 * @typedef {"camera"|"microphone"|"screen"} Source
 * @typedef {{id: string, person: string, source: Source, kind: "video"|"audio", codec: string, muted: boolean}} TrackDescription
 * @typedef {{state: "off"|"recording"|"paused", alarm: string|null}} RecordingInfo
 *
 * @typedef {{type: "join", id: number, grant: string}} Join
 * @typedef {{type: "publish", id: number, sdp: string, sources: Record<string, Source>}} Publish
 * @typedef {{type: "subscribe", id: number, sdp: string, tracks: Record<string, string>}} Subscribe
 * @typedef {{type: "mute", track: string, muted: boolean}} Mute
 * @typedef {{type: "leave", id: number}} Leave
 * @typedef {{type: "ping", id: number}} Ping
 * @typedef {{type: "joined", re: number, person: string, room: string, members: MemberInfo[], tracks: TrackDescription[], recording: RecordingInfo}} Joined
 * @typedef {{type: "published", re: number, sdp: string, tracks: Record<string, string>}} Published
 * @typedef {{type: "subscribed", re: number, sdp: string}} Subscribed
 * @typedef {{type: "pong", re: number}} Pong
 * @typedef {{type: "member_joined", member: MemberInfo}} MemberJoined
 * @typedef {{type: "member_left", person: string}} MemberLeft
 * @typedef {{type: "track_added", track: TrackDescription}} TrackAdded
 * @typedef {{type: "track_removed", track: string}} TrackRemoved
 * @typedef {{type: "track_muted", track: string, muted: boolean}} TrackMuted
 * @typedef {{type: "recording", state: RecordingInfo["state"], alarm: string|null}} Recording
 * @typedef {{type: "closed", reason: "ended"|"removed"|"replaced"|"expired"|"left", re: number|null}} Closed
 * @typedef {{type: "failed", code: string, message: string, re: number|null}} Failed
 *
 * @typedef {Joined|Published|Subscribed|Pong|MemberJoined|MemberLeft|TrackAdded|TrackRemoved|TrackMuted|Recording|Closed|Failed} FromMedia
 */

/** What media may send, and the fields that must be there. */
export const FROM_MEDIA = Object.freeze({
  joined: ["re", "person", "room", "members", "tracks", "recording"],
  published: ["re", "sdp", "tracks"],
  subscribed: ["re", "sdp"],
  pong: ["re"],
  member_joined: ["member"],
  member_left: ["person"],
  track_added: ["track"],
  track_removed: ["track"],
  track_muted: ["track", "muted"],
  recording: ["state", "alarm"],
  closed: ["reason", "re"],
  failed: ["code", "message", "re"],
});

/** What we may send. */
export const TO_MEDIA = Object.freeze({
  join: ["id", "grant"],
  publish: ["id", "sdp", "sources"],
  subscribe: ["id", "sdp", "tracks"],
  mute: ["track", "muted"],
  leave: ["id"],
  ping: ["id"],
});

/**
 * The message in a text, or null when it is none that we know.
 * @param {string} text
 * @returns {FromMedia|null}
 */
export function decode(text) {
  const message = JSON.parse(text);
  const fields = /** @type {Record<string, string[]>} */ (FROM_MEDIA)[message.type];
  return fields?.every((field) => field in message) ? message : null;
}
