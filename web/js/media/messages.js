// The messages between browser and media role: the same list as station/rtc/rooms/messages.py, compared by a test.

/** @typedef {"camera" | "microphone" | "screen"} Source */
/** @typedef {{person: string, name: string}} Member */
/**
 * `codecs`: what its publisher could send it in, `codec` among them.
 * @typedef {{id: string, person: string, source: Source, kind: "audio" | "video", codec: string, codecs: string[],
 *   muted: boolean}} Track
 */
/** @typedef {{state: "off" | "recording" | "paused", alarm: string | null}} Recording */

// From the browser. A request carries `id`; its answer repeats it as `re`.

/** @typedef {{type: "join", id: string, grant: string, decodes: string[]}} Join `decodes`: video codecs we can show */
/** @typedef {{type: "publish", id: string, sdp: string, sources: Record<string, Source>}} Publish by mid */
/** @typedef {{type: "subscribe", id: string, sdp: string, tracks: Record<string, string>}} Subscribe ids by mid */
/** @typedef {{type: "mute", id: string, track: string, muted: boolean}} Mute */
/**
 * The height of each picture in device pixels; 0: not shown.
 * @typedef {{type: "show", id: string, tracks: Record<string, number>}} Show
 */
/**
 * What only the browser knows of a track it receives, since its last report.
 * @typedef {{frames_per_s: number, height: number, freezes: number, frozen_s: number, jitter_ms: number,
 *   concealed: number}} TrackReport
 */
/** @typedef {{type: "report", id: string, tracks: Record<string, TrackReport>}} Report by track id */
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
/** @typedef {{type: "published", re: string, sdp: string, tracks: Record<string, string>}} Published ids by mid */
/** @typedef {{type: "subscribed", re: string, sdp: string}} Subscribed */
/** @typedef {{type: "pong", re: string}} Pong */

// From media at any time.

/** @typedef {{type: "member_joined", member: Member}} MemberJoined */
/** @typedef {{type: "member_left", person: string}} MemberLeft */
/** @typedef {{type: "track_added", track: Track}} TrackAdded */
/** @typedef {{type: "track_removed", track: string}} TrackRemoved the track's id */
/** @typedef {{type: "track_muted", track: string, muted: boolean}} TrackMuted the track's id */
/** @typedef {{type: "recording", state: Recording["state"], alarm: string | null}} RecordingChanged */
/** @typedef {{type: "speakers", people: string[]}} Speakers the loudest first */
/**
 * Our downlink does not carry this video now.
 * @typedef {{type: "track_paused", track: string, paused: boolean}} TrackPaused
 */
/**
 * What its publisher's uplink loses comes so much later.
 * @typedef {{type: "track_late", track: string, wait_ms: number}} TrackLate
 */
/**
 * To its publisher: somebody cannot show this track. The answer to another offer will take that codec.
 * @typedef {{type: "codec_needed", track: string, codec: string}} CodecNeeded
 */
/** @typedef {"ended" | "removed" | "replaced" | "signed_out" | "left"} CloseReason */
/** @typedef {{type: "closed", reason: CloseReason}} Closed */
/** @typedef {{type: "failed", re: string, code: string, message: string}} Failed `re` is empty if no request failed */

/** @typedef {Join | Publish | Subscribe | Mute | Show | Report | Leave | Ping} FromBrowser */
/** @typedef {Joined | Published | Subscribed | Pong} Answer */
/** @typedef {MemberJoined | MemberLeft | TrackAdded | TrackRemoved | TrackMuted} RosterNotice */
/** @typedef {RosterNotice | RecordingChanged | Speakers | TrackPaused | TrackLate | CodecNeeded | Closed} Notice */
/** @typedef {Answer | Notice | Failed} FromMedia */

/**
 * Which answer a request gets.
 * @typedef {{join: Joined, publish: Published, subscribe: Subscribed, ping: Pong}} Answers
 */

/** The fields of each message besides `type`. */
export const FIELDS = Object.freeze({
  join: ["id", "grant", "decodes"],
  publish: ["id", "sdp", "sources"],
  subscribe: ["id", "sdp", "tracks"],
  mute: ["id", "track", "muted"],
  show: ["id", "tracks"],
  report: ["id", "tracks"],
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
  speakers: ["people"],
  track_paused: ["track", "paused"],
  track_late: ["track", "wait_ms"],
  codec_needed: ["track", "codec"],
  closed: ["reason"],
  failed: ["re", "code", "message"],
});
