// Who speaks now, from the loudness of each voice.
import { meter } from "../media/devices.js";

const LOUD = 0.35;
const HOLD_MS = 900;

export class Speaking {
  /** @type {Map<string, () => void>} */
  #meters = new Map();

  /** @param {(person: string, speaking: boolean) => void} show */
  constructor(show) {
    this.show = show;
  }

  /** @param {string} person @param {MediaStreamTrack} track */
  watch(person, track) {
    this.forget(person);
    let until = 0;
    let speaking = false;
    const stop = meter(track, (level) => {
      const now = performance.now();
      if (level > LOUD) until = now + HOLD_MS;
      if (speaking === now < until) return;
      speaking = !speaking;
      this.show(person, speaking);
    });
    this.#meters.set(person, stop);
  }

  /** @param {string} person */
  forget(person) {
    this.#meters.get(person)?.();
    this.#meters.delete(person);
  }

  stop() {
    for (const person of [...this.#meters.keys()]) this.forget(person);
  }
}
