// How long a picture waits for packets that are sent again: the browser's own guess is too short on long, lossy lines.

const LONG_S = 0.05;
const HOLD_MS = 10_000;
const MOST_MS = 800;

export class Patience {
  #nacks = 0;
  #until_ms = 0;

  /**
   * What to wait: a round trip for asking and being answered, and something for the server's noticing; while packets were
   * asked for again in the last ten seconds.
   * @param {number} nacks asked for so far, in packets @param {number} roundTrip_s
   * @param {number} late_ms what media says to wait for the publisher's repeats @param {number} now_ms
   * @returns {number | null} in milliseconds; null: as long as the browser thinks right
   */
  target(nacks, roundTrip_s, late_ms, now_ms) {
    if (nacks > this.#nacks) this.#until_ms = now_ms + HOLD_MS;
    this.#nacks = nacks;
    const isOwn = now_ms < this.#until_ms && roundTrip_s >= LONG_S;
    const wait_ms = (isOwn ? roundTrip_s * 1200 + 60 : 0) + late_ms;
    return wait_ms > 0 ? Math.min(MOST_MS, Math.round(wait_ms)) : null;
  }
}
