// One WebSocket to the media role: requests with answers, notices, and a ping that notices a dead network.

/** @import {Answers, FromMedia, Notice} from "./messages.js" */

const OPEN_TIMEOUT_MS = 8000;
const ANSWER_TIMEOUT_MS = 10000;
const PING_EVERY_MS = 8000;
const PONG_TIMEOUT_MS = 5000;

/** The media role said no; asking the same again does not help. */
export class Refused extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "Refused";
    this.code = code;
  }
}

/**
 * @typedef {object} Waiting
 * @property {(answer: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {number} timer
 */

export class MediaSocket {
  /** @type {Map<string, Waiting>} */
  #waiting = new Map();
  #count = 0;
  #pinging = 0;
  #isOver = false;
  #socket;
  #onNotice;
  #onLost;

  /**
   * @param {string} url absolute or relative to the page, with http(s) or ws(s)
   * @param {{onNotice: (notice: Notice) => void, onLost: () => void}} handlers `onLost` is called once, unless we
   *   closed
   */
  constructor(url, { onNotice, onLost }) {
    const address = new URL(url, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    this.#onNotice = onNotice;
    this.#onLost = onLost;
    this.#socket = new WebSocket(address);
    this.#socket.onmessage = (event) => this.#receive(event.data);
    this.#socket.onclose = () => this.#end(true);
  }

  /** Resolves when messages can be sent. @returns {Promise<void>} */
  opened() {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(true), OPEN_TIMEOUT_MS);
      this.#waiting.set("open", { resolve, reject, timer });
      this.#socket.onopen = () => {
        this.#settle("open", (waiting) => waiting.resolve(undefined));
        this.#pinging = setInterval(() => void this.check(), PING_EVERY_MS);
      };
    });
  }

  /**
   * Sends a request and waits for its answer. Rejects with Refused, or with another error when the connection is lost.
   * @template {keyof Answers} T
   * @param {T} type @param {object} [fields] @param {number} [timeoutMs]
   * @returns {Promise<Answers[T]>}
   */
  request(type, fields = {}, timeoutMs = ANSWER_TIMEOUT_MS) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(true), timeoutMs);
      const id = this.send(type, fields);
      this.#waiting.set(id, { resolve, reject, timer });
      if (this.#isOver) this.#settle(id, () => reject(new Error("connection lost")));
    });
  }

  /**
   * Sends without waiting for an answer.
   * @param {string} type @param {object} [fields]
   * @returns {string} the message's id
   */
  send(type, fields = {}) {
    const id = String(++this.#count);
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type, id, ...fields }));
    return id;
  }

  /** Finds out whether the other end still hears us; if not, the connection counts as lost. */
  async check(timeoutMs = PONG_TIMEOUT_MS) {
    if (this.#socket.readyState !== WebSocket.OPEN) return; // opening has a deadline of its own
    await this.request("ping", {}, timeoutMs).catch(() => {});
  }

  /** Closes without calling `onLost`. */
  close() {
    this.#end(false);
  }

  /** @param {unknown} data */
  #receive(data) {
    /** @type {FromMedia} */
    let message;
    try {
      message = JSON.parse(String(data));
    } catch {
      return;
    }
    if (message.type === "failed") {
      const { re, code, message: text } = message;
      this.#settle(re, (waiting) => waiting.reject(new Refused(code, text)));
    } else if ("re" in message && message.re) {
      const answer = message;
      this.#settle(answer.re, (waiting) => waiting.resolve(answer));
    } else if (!this.#isOver) {
      this.#onNotice(/** @type {Notice} */ (message));
    }
  }

  /** @param {string} id @param {(waiting: Waiting) => void} how */
  #settle(id, how) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    how(waiting);
  }

  /** @param {boolean} isLost */
  #end(isLost) {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#pinging);
    this.#socket.close();
    for (const id of [...this.#waiting.keys()]) {
      this.#settle(id, (waiting) => waiting.reject(new Error("connection lost")));
    }
    if (isLost) this.#onLost();
  }
}
