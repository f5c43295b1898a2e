/** One WebSocket to media: requests with their answers, and the events in between. */

import { decode } from "./messages.js";

const ANSWER_WITHIN_MS = 15_000;
const PING_EVERY_MS = 10_000;

/** A request that media could not fulfil; `code` says why. */
export class MediaError extends Error {
  /** @param {string} code @param {string} [message] */
  constructor(code, message = code) {
    super(message);
    this.code = code;
  }
}

/** Events: "message" (detail: a message that answers nothing), "down" (the socket is gone; once). */
export class Signalling extends EventTarget {
  /** @param {string} url */
  constructor(url) {
    super();
    this._socket = new WebSocket(new URL(url, location.href.replace(/^http/, "ws")));
    this._next = 1;
    /** @type {Map<number, {resolve: (message: any) => void, reject: (error: Error) => void, timer: number}>} */
    this._open = new Map();
    this._socket.onmessage = ({ data }) => this._receive(data);
    this._socket.onclose = () => this._end();
    /** @type {Promise<void>} */
    this.opened = new Promise((resolve, reject) => {
      this._socket.onopen = () => resolve();
      this._socket.onerror = () => reject(new MediaError("unreachable"));
    });
    this.opened.catch(() => {});
    this._pinger = setInterval(() => this._ping(), PING_EVERY_MS);
  }

  /**
   * Sends a request and waits for its answer; rejects with MediaError.
   * @param {string} type
   * @param {object} fields
   * @returns {Promise<any>}
   */
  async request(type, fields) {
    await this.opened;
    const id = this._next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this._settle(id, new MediaError("no-answer")), ANSWER_WITHIN_MS);
      this._open.set(id, { resolve, reject, timer });
      this.tell(type, { id, ...fields });
    });
  }

  /** Sends what needs no answer. @param {string} type @param {object} fields */
  tell(type, fields) {
    if (this._socket.readyState === WebSocket.OPEN) this._socket.send(JSON.stringify({ type, ...fields }));
  }

  close() {
    this._socket.close();
    this._end();
  }

  /** @param {string} text */
  _receive(text) {
    const message = decode(text);
    if (!message) return;
    const re = "re" in message ? message.re : null;
    if (re === null || !this._open.has(re)) {
      this.dispatchEvent(new CustomEvent("message", { detail: message }));
    } else if (message.type === "failed") {
      this._settle(re, new MediaError(message.code, message.message));
    } else {
      this._settle(re, message);
    }
  }

  /** @param {number} id @param {any} result */
  _settle(id, result) {
    const waiting = this._open.get(id);
    if (!waiting) return;
    this._open.delete(id);
    clearTimeout(waiting.timer);
    if (result instanceof Error) waiting.reject(result);
    else waiting.resolve(result);
  }

  _ping() {
    // A socket that looks open but answers nothing is a lost network: end it, so that someone reconnects.
    if (this._socket.readyState === WebSocket.OPEN) this.request("ping", {}).catch(() => this.close());
  }

  _end() {
    if (this._ended) return;
    this._ended = true;
    clearInterval(this._pinger);
    for (const id of [...this._open.keys()]) this._settle(id, new MediaError("unreachable"));
    this.dispatchEvent(new Event("down"));
  }
}
