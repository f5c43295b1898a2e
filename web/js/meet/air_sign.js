// The sign that everybody in the room sees while it is being broadcast, and the citizen's own word to stop that.
import { fill, onAsk, part, partIfAny, say } from "./page.js";

/** @typedef {import("./api.js").MeetingApi} MeetingApi */
/** @typedef {import("./api.js").RoomView} RoomView */

const SAID_MS = 6000;

export class AirSign {
  /** @param {MeetingApi} api @param {Record<string, string>} words */
  constructor(api, words) {
    this.api = api;
    this.words = words;
    onAsk("stop-broadcast", () => this.#withdraw());
  }

  /** @param {RoomView} view */
  show(view) {
    const { on_air: name, on_air_self: isSelf } = view;
    const words = isSelf ? this.words.onAirSelf : fill(this.words.onAir ?? "", { name });
    say(part("air-sign", HTMLElement), name ? words : "");
    const stop = partIfAny("stop-broadcast", HTMLButtonElement);
    if (stop) stop.hidden = !isSelf;
  }

  async #withdraw() {
    try {
      this.show(await this.api.consent("broadcast", false));
      say(document.getElementById("network"), this.words.offAirSelf);
      setTimeout(() => say(document.getElementById("network"), ""), SAID_MS);
    } catch (error) {
      const problem = document.getElementById("room-problem");
      say(problem, (error instanceof Error && error.message) || this.words.failed);
    }
  }
}
