// The sign that everybody sees, the hosts' buttons, and the citizen's own word to stop it.
import { fill, onAsk, part, partIfAny, say } from "./page.js";

/** @typedef {import("./api.js").MeetingApi} MeetingApi */
/** @typedef {import("../media/messages.js").Recording} Recording */

const SHOWN = {
  off: ["record-start"],
  recording: ["record-pause", "record-stop"],
  paused: ["record-resume", "record-stop"],
};

export class RecordingBar {
  /** @type {Recording} */
  #recording = { state: "off", alarm: null };
  /** @type {boolean | undefined} */
  #agreed;
  /** @type {string[]} */
  #refusing = [];
  #saidEventsLost = false;
  #mustBeRecorded = part("room", HTMLElement).dataset.public === "yes";

  /** @param {MeetingApi} api @param {Record<string, string>} words */
  constructor(api, words) {
    this.api = api;
    this.words = words;
    for (const action of ["start", "pause", "resume", "stop"]) {
      onAsk(`record-${action}`, () => this.#ask(() => api.recording(action)));
    }
    onAsk("stop-recorded", () => this.#answer(false, words.youStopped));
    onAsk("allow-recorded", () => this.#answer(true, words.youAgreed));
    this.show(this.#recording);
  }

  /** @param {Recording} recording */
  show(recording) {
    this.#recording = recording;
    const { state, alarm } = recording;
    const sign = part("recording-sign", HTMLElement);
    say(sign, this.#sentence(state));
    sign.classList.toggle("is-paused", state !== "recording");
    const turnsOn = (/** @type {string} */ id) => id === "record-start" || id === "record-resume";
    // What would be refused is not offered: somebody in the room does not agree, and must be asked first.
    const wanted = (SHOWN[state] ?? []).filter((id) => !(turnsOn(id) && this.#refusing.length));
    for (const id of ["record-start", "record-pause", "record-resume", "record-stop"]) {
      const button = partIfAny(id, HTMLButtonElement);
      if (button) button.hidden = !wanted.includes(id);
    }
    if (alarm) this.#problem(alarm === "disk_full" ? this.words.diskFull : this.words.recordingProblem);
    const warning = document.getElementById("unrecorded");
    say(warning, this.#mustBeRecorded && state === "off" && !this.#refusing.length ? this.words.notRecording : "");
    this.#showOwn();
  }

  /** The station's disk was full: said once, also when nothing is being recorded. @param {boolean} lost */
  showEventsLost(lost) {
    if (lost && !this.#saidEventsLost) this.#problem(this.words.eventsLost);
    this.#saidEventsLost = lost;
  }

  /** @param {boolean | undefined} agreed our own latest word @param {string[]} refusing who does not agree */
  showAgreed(agreed, refusing) {
    this.#agreed = agreed;
    this.#refusing = refusing;
    this.show(this.#recording);
  }

  /** @param {string} state */
  #sentence(state) {
    if (state === "recording") return this.words.recording;
    if (this.#refusing.length) return fill(this.words.withdrawn ?? "", { names: this.#refusing.join("、") });
    return state === "paused" ? this.words.paused : "";
  }

  #showOwn() {
    const stop = partIfAny("stop-recorded", HTMLButtonElement);
    const allow = partIfAny("allow-recorded", HTMLButtonElement);
    if (stop) stop.hidden = !(this.#agreed === true && this.#recording.state === "recording");
    if (allow) allow.hidden = this.#agreed !== false;
  }

  /** @param {boolean} given @param {string} words */
  #answer(given, words) {
    return this.#ask(async () => {
      const view = await this.api.consent("recorded", given);
      this.showAgreed(view.consents.recorded, view.refusing);
      const notice = document.getElementById("network");
      say(notice, words);
      // Something else may stand there by then, such as that the line is lost: that stays.
      setTimeout(() => notice?.querySelector("span")?.textContent === words && say(notice, ""), 6000);
    });
  }

  /** @param {() => Promise<unknown>} act */
  async #ask(act) {
    this.#problem("");
    try {
      await act();
    } catch (error) {
      this.#problem((error instanceof Error && error.message) || this.words.failed);
    }
  }

  /** @param {string} words */
  #problem(words) {
    say(document.getElementById("room-problem"), words);
  }
}
