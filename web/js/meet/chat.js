// What is written: the history on entering, each line once, an unread count while the panel is closed.
import { Refusal } from "./api.js";
import { make, part } from "./page.js";
import { countBehind } from "./side.js";

/** @typedef {import("./api.js").ChatLine} ChatLine */
/** @typedef {import("./api.js").MeetingApi} MeetingApi */

const AGAIN_MS = 2000;

export class Chat {
  /** @type {Set<string>} */
  #shown = new Set();
  /** What stands in the list, the oldest first. @type {{at: string, shown: HTMLElement}[]} */
  #lines = [];
  #unread = 0;
  #sending = "";
  #list = part("chat", HTMLUListElement);
  #scroll = part("chat-scroll", HTMLElement);

  /** @param {MeetingApi} api @param {string} me @param {Record<string, string>} words */
  constructor(api, me, words) {
    this.api = api;
    this.me = me;
    this.words = words;
    part("chat-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
  }

  /** Never rejects: one is in the room, seen and heard, also while what was written before does not come. */
  async load() {
    try {
      for (const line of await this.api.chat()) this.add(line, false);
      this.read();
    } catch (error) {
      if (error instanceof Refusal && error.code === "unavailable") setTimeout(() => void this.load(), AGAIN_MS);
    }
  }

  /** @param {ChatLine} line @param {boolean} isNew */
  add(line, isNew = true) {
    if (this.#shown.has(line.id)) return;
    this.#shown.add(line.id);
    const mine = line.account === this.me;
    const at = new Date(line.at).toLocaleTimeString("zh-CN", {
      hour: "2-digit",
      minute: "2-digit",
      timeZone: "Asia/Shanghai",
    });
    const from = make("span", "from", `${mine ? this.words.you : line.name} ${at}`);
    const shown = make("li", mine ? "is-me" : "", from, make("span", "words", line.text));
    // The history may come late, after lines that were written meanwhile.
    const next = this.#lines.findIndex((other) => other.at > line.at);
    this.#list.insertBefore(shown, this.#lines[next]?.shown ?? null);
    this.#lines.splice(next < 0 ? this.#lines.length : next, 0, { at: line.at, shown });
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    if (isNew && !mine && this.#scroll.offsetParent === null) this.#count(this.#unread + 1);
  }

  /** The panel is open: nothing is unread. */
  read() {
    this.#count(0);
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  /** @param {number} unread */
  #count(unread) {
    this.#unread = unread;
    countBehind("tab-chat", unread);
    for (const place of document.querySelectorAll("[data-unread]")) {
      place.textContent = unread ? String(unread) : "";
      if (place instanceof HTMLElement) place.hidden = !unread;
    }
  }

  async #send() {
    const field = part("chat-text", HTMLInputElement);
    const said = part("chat-said", HTMLElement);
    const text = field.value.trim();
    if (!text || text === this.#sending) return; // pressed twice while it is on its way
    this.#sending = text;
    try {
      this.add(await this.api.say(text));
      said.textContent = "";
      if (field.value.trim() === text) field.value = "";
    } catch (error) {
      said.textContent = (error instanceof Error && error.message) || this.words.failed;
    } finally {
      if (this.#sending === text) this.#sending = "";
    }
    field.focus();
  }
}
