// What the page asks of web: JSON in, JSON out, a refusal as a sentence in the user's language.

/**
 * A refusal; `code` names it for the script, the message says it to the user. "unavailable" passes by itself: no answer
 * came (status 0, no message), or one that is no word on what was asked.
 */
export class Refusal extends Error {
  /** @param {string} code @param {string} message @param {number} status */
  constructor(code, message, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const csrf = () => document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";

/** The key of each POST that has no answer yet: the same asked again is done once. @type {Map<string, string>} */
const unanswered = new Map();

/** @param {string} request @returns {string} a string of RFC 9651 */
function keyOf(request) {
  // Not randomUUID, which pages without HTTPS do not have.
  const key = unanswered.get(request) ?? `"${crypto.getRandomValues(new Uint32Array(4)).join("-")}"`;
  unanswered.set(request, key);
  return key;
}

/** @param {string} path @param {unknown} [body] a POST if given @returns {Promise<any>} */
export async function ask(path, body) {
  const content = body === undefined ? undefined : JSON.stringify(body);
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": csrf() };
  if (content) headers["Idempotency-Key"] = keyOf(path + content);
  const sent = content ? { method: "POST", headers, body: content } : { headers };
  // A browser says in English, in words of its own, that it could not reach us: whoever asked has better ones.
  const answer = await fetch(path, sent).catch(() => {
    throw new Refusal("unavailable", "", 0);
  });
  if (content && answer.status < 500) unanswered.delete(path + content);
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  const code = answer.status >= 500 ? "unavailable" : String(told.type ?? "").split("/").pop() || "refused";
  throw new Refusal(code, String(told.title ?? ""), answer.status);
}

/** @typedef {{account: string, name: string, ready: boolean, since: string, recorded: boolean | null}} PersonView */
/** @typedef {{id: string, number: string, title: string, recorded_at_s: number | null}} Matter */
/** @typedef {{id: string, account: string, name: string, text: string, at: string}} ChatLine */
/**
 * @typedef {object} RoomView
 * @property {"scheduled" | "open" | "ended" | "cancelled"} meeting
 * @property {"none" | "waiting" | "admitted" | "refused" | "left"} admission
 * @property {boolean} admitted
 * @property {number} place 1 is next, 0 is not among those who wait now
 * @property {boolean} busy the deputy is still with somebody else
 * @property {{recorded?: boolean, broadcast?: boolean, published?: boolean}} consents
 * @property {PersonView[]} waiting
 * @property {PersonView[]} inside
 * @property {Matter[]} matters
 * @property {string} on_air whose picture is being broadcast, "" while none is
 * @property {boolean} on_air_self
 * @property {string[]} refusing who in the room does not agree to being recorded; told to hosts only
 * @property {boolean} events_lost media's disk was full: who came and left is not all noted; told to hosts only
 */

/** The calls of one meeting. */
export class MeetingApi {
  /** @param {string} meeting */
  constructor(meeting) {
    this.base = `/api/v1/meetings/${meeting}`;
  }

  /** @returns {Promise<RoomView>} */
  state = () => ask(`${this.base}/state`);
  /** @param {"enter" | "ready" | "here" | "leave"} action @returns {Promise<RoomView>} */
  door = (action) => ask(`${this.base}/door`, { action });
  /** @param {string} person @param {"admit" | "refuse"} action @returns {Promise<RoomView>} */
  decide = (person, action) => ask(`${this.base}/people/${person}`, { action });
  /** @param {"recorded" | "broadcast" | "published"} kind @param {boolean} given @returns {Promise<RoomView>} */
  consent = (kind, given) => ask(`${this.base}/consent`, { kind, given });
  /** A pass, and the signalling's URL to use it at. @returns {Promise<{grant: string, url: string}>} */
  grant = () => ask(`${this.base}/grant`, {});
  /** @param {string} action @returns {Promise<{state: string, alarm: string | null}>} */
  recording = (action) => ask(`${this.base}/recording`, { action });
  /** @returns {Promise<ChatLine[]>} */
  chat = () => ask(`${this.base}/chat`);
  /** @param {string} text @returns {Promise<ChatLine>} */
  say = (text) => ask(`${this.base}/chat`, { text });
  /** @param {string} title @param {string} unit @returns {Promise<Matter>} */
  note = (title, unit) => ask(`${this.base}/matters`, { title, unit_id: unit });
  /** @returns {Promise<{replay: string}>} */
  end = () => ask(`${this.base}/end`, {});
}
