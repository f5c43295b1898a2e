// What was sent and may not have arrived. Firefox forgets what stood in a form of ours when the sending breaks and one
// goes back: its page is marked as not to be stored.

import { KEY } from "./controls.js";

/** @typedef {import("./controls.js").Typed} Typed */
/** @typedef {{page: string, at: number, typed: Typed}} Sent */

const PREFIX = "sent/";
const KEPT_MS = 2 * 60 * 60 * 1000; // as long as the station keeps a form that it could not take

/** The forms of one window that are on their way; each is its account's alone. */
export class OnTheWay {
  /**
   * @param {Record<string, string>} store a window's session storage
   * @param {string} owner the mark of who is signed in
   */
  constructor(store, owner) {
    this.store = store;
    this.owner = owner;
  }

  /** @param {string} action @param {Sent} sent */
  put(action, sent) {
    if (this.owner && sent.typed.some(([name]) => name !== KEY)) this.store[this.#key(action)] = JSON.stringify(sent);
  }

  /** @param {string} action @param {number} now @returns {Typed | null} */
  find(action, now) {
    const kept = this.owner ? this.store[this.#key(action)] : undefined;
    if (!kept) return null;
    const sent = /** @type {Sent} */ (JSON.parse(kept));
    return now - sent.at < KEPT_MS ? sent.typed : null;
  }

  /**
   * The station has answered what was sent from a page: taken or not, the words are in its hands.
   * @param {string} page
   */
  arrived(page) {
    for (const key of keysOf(this.store)) {
      const sent = /** @type {Sent} */ (JSON.parse(this.store[key] ?? "{}"));
      if (sent.page === page) delete this.store[key];
    }
  }

  /**
   * Nobody else who uses this window finds them in it, and nothing stays past its time, on a guest's page either.
   * @param {number} now
   */
  forgetOthers(now) {
    const mine = this.#key("");
    for (const key of keysOf(this.store)) {
      const sent = /** @type {Sent} */ (JSON.parse(this.store[key] ?? "{}"));
      if (now - sent.at >= KEPT_MS || (this.owner && !key.startsWith(mine))) delete this.store[key];
    }
  }

  /** @param {string} action */
  #key(action) {
    return `${PREFIX}${this.owner}${action}`;
  }
}

/** @param {Record<string, string>} store */
export function forgetSent(store) {
  for (const key of keysOf(store)) delete store[key];
}

/** @param {Record<string, string>} store */
function keysOf(store) {
  return Object.keys(store).filter((key) => key.startsWith(PREFIX));
}
