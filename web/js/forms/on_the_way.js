// What was sent and may not have arrived, or was begun and not sent. Browsers forget what stood in a form of ours when
// the sending breaks, or one looks again, goes back, or a phone ends a page that is not seen: our pages are marked as
// not to be stored.

import { isMark, SEEN } from "./controls.js";

/** @typedef {import("./controls.js").Typed} Typed */
/** `begun` names the fields that were changed, of a form that was not sent. */
/** @typedef {{page: string, at: number, typed: Typed, begun?: string[]}} Sent */

const PREFIX = "sent/";
const KEPT_MS = 2 * 60 * 60 * 1000; // as long as the station keeps a form that it could not take

/** The forms of one window that are begun or on their way; each is its account's alone. */
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
    if (this.owner && !sent.typed.every(([name]) => isMark(name))) this.store[this.#key(action)] = JSON.stringify(sent);
  }

  /** @param {string} action @param {Sent} begun the fields that were changed: the page may say the others anew */
  begin(action, begun) {
    const { begun: names = [], typed } = begun;
    const kept = typed.filter(([name]) => names.includes(name) || SEEN.includes(name));
    this.put(action, { ...begun, typed: kept });
  }

  /** Nothing is begun any more. @param {string} action */
  giveUp(action) {
    if (this.#read(this.#key(action)).begun) delete this.store[this.#key(action)];
  }

  /** Whoever signs out leaves nothing behind. */
  clear() {
    forgetSent(this.store);
  }

  /** @param {string} action @param {number} now @returns {Sent | null} */
  find(action, now) {
    const sent = this.#read(this.#key(action));
    return this.owner && now - sent.at < KEPT_MS ? sent : null;
  }

  /**
   * The station has answered what was sent from a page: taken or not, the words are in its hands. What was begun there
   * and not sent stays.
   * @param {string} page @returns {string[]} the actions of what has arrived
   */
  arrived(page) {
    const arrived = keysOf(this.store).filter((key) => this.#read(key).page === page && !this.#read(key).begun);
    for (const key of arrived) delete this.store[key];
    return arrived.map((key) => key.slice(this.#key("").length));
  }

  /**
   * Nobody else who uses this window finds them in it, and nothing stays past its time, on a guest's page either.
   * @param {number} now
   */
  forgetOthers(now) {
    const mine = this.#key("");
    for (const key of keysOf(this.store)) {
      if (now - this.#read(key).at >= KEPT_MS || (this.owner && !key.startsWith(mine))) delete this.store[key];
    }
  }

  /** @param {string} key @returns {Sent} */
  #read(key) {
    const kept = this.store[key];
    return kept ? JSON.parse(kept) : { page: "", at: Number.NEGATIVE_INFINITY, typed: [] };
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
