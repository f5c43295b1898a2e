// What is written: the history on entering, each line once, an unread count while the panel is closed.
import { make, part } from "./page.js";
import { countBehind } from "./side.js";

/** @typedef {import("./api.js").ChatLine} ChatLine */
/** @typedef {import("./api.js").MeetingApi} MeetingApi */

export class Chat {
  /** @type {Set<string>} */
  #shown = new Set();
  #unread = 0;
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

  async load() {
    for (const line of await this.api.chat()) this.add(line, false);
    this.read();
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
    this.#list.append(make("li", mine ? "is-me" : "", from, make("span", "words", line.text)));
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
    if (!text) return;
    try {
      this.add(await this.api.say(text));
      field.value = said.textContent = "";
    } catch (error) {
      said.textContent = (error instanceof Error && error.message) || this.words.failed;
    }
    field.focus();
  }
}
