// The deputy writes one line while listening; the second of the recording is noted by itself.
import { fill, make, part, partIfAny, span } from "./page.js";

/** @typedef {import("./api.js").MeetingApi} MeetingApi */
/** @typedef {import("./api.js").Matter} Matter */

export class Matters {
  #form = partIfAny("matter-form", HTMLFormElement);
  /** @type {Matter[]} */
  noted = [];

  /** @param {MeetingApi} api @param {Record<string, string>} words */
  constructor(api, words) {
    this.api = api;
    this.words = words;
    this.#form?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#note();
    });
  }

  /** @param {Matter[]} matters */
  show(matters) {
    this.noted = matters;
    if (!this.#form) return;
    part("matters-count", HTMLElement).textContent = matters.length ? String(matters.length) : "";
    part("matters", HTMLOListElement).replaceChildren(...matters.map((matter) => this.#item(matter)));
  }

  /** @param {Matter} matter */
  #item(matter) {
    const link = make("a", "", matter.title);
    link.href = `/cases/${matter.id}`;
    link.target = "_blank";
    const at = matter.recorded_at_s;
    const where = at === null ? this.words.notRecorded : fill(this.words.atSecond, { at: span(at) });
    return make("li", "", make("span", "", link, make("small", "", `${matter.number} · ${where}`)));
  }

  async #note() {
    const title = part("matter-title", HTMLInputElement);
    const unit = part("matter-unit", HTMLSelectElement);
    const said = part("matter-said", HTMLElement);
    const button = part("matter-send", HTMLButtonElement);
    const sent = title.value;
    button.disabled = true;
    try {
      const matter = await this.api.note(sent, unit.value);
      said.textContent = fill(this.words.noted, { number: matter.number });
      // The next one may have been begun while this was on its way.
      if (title.value === sent) title.value = unit.value = "";
      this.show((await this.api.state()).matters);
    } catch (error) {
      said.textContent = (error instanceof Error && error.message) || this.words.failed;
    } finally {
      button.disabled = false;
      said.scrollIntoView({ block: "nearest" });
    }
  }
}
