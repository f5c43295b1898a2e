// The messages between browser and media role: the same list as station/rtc/messages.py, compared by a test.

/** @typedef {"camera" | "microphone" | "screen"} Source */
/** @typedef {{person: string, name: string}} Member */
/** @typedef {{id: string, person: string, source: Source, kind: "audio" | "video", codec: string, muted: boolean}} Track */
/** @typedef {{state: "off" | "recording" | "paused", alarm: string | null}} Recording */

// From the browser. A request carries `id`; its answer repeats it as `re`.

/** @typedef {{type: "join", id: string, grant: string}} Join */
/** @typedef {{type: "publish", id: string, sdp: string, sources: Record<string, Source>}} Publish by mid */
/** @typedef {{type: "subscribe", id: string, sdp: string, tracks: Record<string, string>}} Subscribe track ids by mid */
/** @typedef {{type: "mute", id: string, track: string, muted: boolean}} Mute */
/** @typedef {{type: "leave", id: string}} Leave */
/** @typedef {{type: "ping", id: string}} Ping */

// Answers.

/**
 * @typedef {object} Joined
 * @property {"joined"} type
 * @property {string} re
 * @property {string} person who we are
 * @property {string} room
 * @property {Member[]} members
 * @property {Track[]} tracks
 * @property {Recording} recording
 * @property {RTCIceServer[]} [ice_servers]
 */
/** @typedef {{type: "published", re: string, sdp: string, tracks: Record<string, string>}} Published track ids by mid */
/** @typedef {{type: "subscribed", re: string, sdp: string}} Subscribed */
/** @typedef {{type: "pong", re: string}} Pong */

// From media at any time.

/** @typedef {{type: "member_joined", member: Member}} MemberJoined */
/** @typedef {{type: "member_left", person: string}} MemberLeft */
/** @typedef {{type: "track_added", track: Track}} TrackAdded */
/** @typedef {{type: "track_removed", track: string}} TrackRemoved the track's id */
/** @typedef {{type: "track_muted", track: string, muted: boolean}} TrackMuted the track's id */
/** @typedef {{type: "recording", state: Recording["state"], alarm: string | null}} RecordingChanged */
/** @typedef {"ended" | "removed" | "replaced" | "expired" | "left"} CloseReason */
/** @typedef {{type: "closed", reason: CloseReason}} Closed */
/** @typedef {{type: "failed", re: string, code: string, message: string}} Failed `re` is empty if no request failed */

/** @typedef {Join | Publish | Subscribe | Mute | Leave | Ping} FromBrowser */
/** @typedef {Joined | Published | Subscribed | Pong} Answer */
/** @typedef {MemberJoined | MemberLeft | TrackAdded | TrackRemoved | TrackMuted | RecordingChanged | Closed} Notice */
/** @typedef {Answer | Notice | Failed} FromMedia */

/** @typedef {{join: Joined, publish: Published, subscribe: Subscribed, ping: Pong}} Answers which answer a request gets */

/** The fields of each message besides `type`. */
export const FIELDS = Object.freeze({
  join: ["id", "grant"],
  publish: ["id", "sdp", "sources"],
  subscribe: ["id", "sdp", "tracks"],
  mute: ["id", "track", "muted"],
  leave: ["id"],
  ping: ["id"],
  joined: ["re", "person", "room", "members", "tracks", "recording", "ice_servers"],
  published: ["re", "sdp", "tracks"],
  subscribed: ["re", "sdp"],
  pong: ["re"],
  member_joined: ["member"],
  member_left: ["person"],
  track_added: ["track"],
  track_removed: ["track"],
  track_muted: ["track", "muted"],
  recording: ["state", "alarm"],
  closed: ["reason"],
  failed: ["re", "code", "message"],
});
