// The sign that everybody sees, the hosts' buttons, and the citizen's own word to stop it.
import { onClick, part, partIfAny, say } from "./page.js";

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

  /** @param {MeetingApi} api @param {Record<string, string>} words */
  constructor(api, words) {
    this.api = api;
    this.words = words;
    for (const action of ["start", "pause", "resume", "stop"]) {
      onClick(`record-${action}`, () => this.#ask(() => api.recording(action)));
    }
    onClick("stop-recorded", () => this.#answer(false, words.youStopped));
    onClick("allow-recorded", () => this.#answer(true, words.youAgreed));
    this.show(this.#recording);
  }

  /** @param {Recording} recording */
  show(recording) {
    this.#recording = recording;
    const { state, alarm } = recording;
    const sign = part("recording-sign", HTMLElement);
    say(sign, state === "recording" ? this.words.recording : state === "paused" ? this.words.paused : "");
    sign.classList.toggle("is-paused", state === "paused");
    const wanted = SHOWN[state] ?? [];
    for (const id of ["record-start", "record-pause", "record-resume", "record-stop"]) {
      const button = partIfAny(id, HTMLButtonElement);
      if (button) button.hidden = !wanted.includes(id);
    }
    if (alarm) this.#problem(alarm === "disk_full" ? this.words.diskFull : this.words.recordingProblem);
    this.#showOwn();
  }

  /** @param {boolean | undefined} agreed our own latest word */
  showAgreed(agreed) {
    this.#agreed = agreed;
    this.#showOwn();
  }

  #showOwn() {
    const [stop, allow] = [partIfAny("stop-recorded", HTMLButtonElement), partIfAny("allow-recorded", HTMLButtonElement)];
    if (stop) stop.hidden = !(this.#agreed === true && this.#recording.state === "recording");
    if (allow) allow.hidden = this.#agreed !== false;
  }

  /** @param {boolean} given @param {string} words */
  #answer(given, words) {
    return this.#ask(async () => {
      this.showAgreed((await this.api.consent("recorded", given)).consents.recorded);
      say(document.getElementById("network"), words);
      setTimeout(() => say(document.getElementById("network"), ""), 6000);
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
