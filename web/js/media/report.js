// What only the browser knows of the tracks it receives, as media is told it every few seconds.

/** @import {TrackReport} from "./messages.js" */
/** @import {DownStats} from "./stats.js" */

export class Reports {
  /** @type {Map<string, DownStats>} */
  #before = new Map();
  #at_ms = 0;

  /**
   * What has changed since the last report; of a new track, since it began.
   * @param {DownStats[]} stats @param {number} now_ms @returns {Record<string, TrackReport>} by track id
   */
  next(stats, now_ms) {
    const elapsed_s = (now_ms - this.#at_ms) / 1000;
    const reports = Object.fromEntries(stats.map((now) => [now.track, this.#compare(now, elapsed_s)]));
    this.#before = new Map(stats.map((now) => [now.track, now]));
    this.#at_ms = now_ms;
    return reports;
  }

  /** @param {DownStats} now @param {number} elapsed_s @returns {TrackReport} */
  #compare(now, elapsed_s) {
    const before = this.#before.get(now.track);
    /**
     * @param {"framesDecoded" | "freezeCount" | "freezeTime" | "bufferTime" | "buffered" | "samples"
     *   | "samplesConcealed"} name
     */
    const more = (name) => Math.max(0, now[name] - (before?.[name] ?? 0)); // a rebuilt connection counts anew
    return {
      frames_per_s: before ? round(more("framesDecoded") / elapsed_s) : now.framesPerSecond,
      height: now.height,
      freezes: more("freezeCount"),
      frozen_s: round(more("freezeTime")),
      jitter_ms: round(share(more("bufferTime"), more("buffered")) * 1000),
      concealed: round(Math.min(1, share(more("samplesConcealed"), more("samples")))),
    };
  }
}

/** @param {number} part @param {number} whole */
function share(part, whole) {
  return whole > 0 ? part / whole : 0;
}

/** @param {number} value to three places */
function round(value) {
  return Math.round(value * 1000) / 1000;
}
