// How long what one person sends waits before it is played: the browser's own guess is too short on lossy lines, and
// differs for audio and video on uneven ones.

/** @import {DownStats} from "./stats.js" */

const LONG_S = 0.05;
const HOLD_MS = 10_000;
const MANY = 3; // packets asked for since the last look: one in thirty or so
const TWICE_MS = 110; // a retransmission of a retransmission
const MOST_MS = 800;
const UNEVEN_S = 0.01; // jitter of the audio's arrival
const SAME = 0.75; // measured times waver; each change would make video and audio hurry or linger

export class Patience {
  #nacks = 0;
  #until_ms = 0;
  #wait_ms = 0;
  /** @type {Map<string, DownStats>} by track */
  #before = new Map();

  /**
   * What all of it waits, so that lips match. While packets of videos are asked for again, and ten seconds longer: a
   * round trip for asking and being answered, and something for the server's noticing; on a short line, where it is
   * many packets, two of them. On an uneven line: what the slower of them needs. Nothing for a voice without a video.
   * @param {DownStats[]} stats of each track of the person @param {number} late_ms what media says to wait for the
   * publisher's retransmissions
   * @param {number} now_ms @returns {number | null} in ms; null: as long as the browser thinks right
   */
  target(stats, late_ms, now_ms) {
    const videos = stats.filter(({ kind }) => kind === "video");
    const needs_ms = stats.map((now) => this.#need_ms(now));
    if (videos.length === 0) return null;
    const nacks = videos.reduce((sum, { nacks }) => sum + nacks, 0);
    const roundTrip_s = videos[0]?.roundTripTime ?? 0;
    if (nacks - this.#nacks >= (roundTrip_s < LONG_S ? MANY : 1)) this.#until_ms = now_ms + HOLD_MS;
    this.#nacks = nacks;
    const isOwn = now_ms < this.#until_ms;
    const isUneven = stats.some(({ kind, jitter }) => kind === "audio" && jitter > UNEVEN_S);
    const retransmit_ms = (isOwn ? Math.max(roundTrip_s * 1200 + 60, TWICE_MS) : 0) + late_ms;
    const wait_ms = Math.round(Math.min(MOST_MS, Math.max(retransmit_ms, isUneven ? Math.max(...needs_ms) : 0)));
    if (wait_ms > this.#wait_ms || wait_ms < this.#wait_ms * SAME) this.#wait_ms = wait_ms;
    return this.#wait_ms || null;
  }

  /** What a track would have waited lately if nobody asked for more. @param {DownStats} now */
  #need_ms(now) {
    const before = this.#before.get(now.track);
    this.#before.set(now.track, now);
    const count = now.buffered - (before?.buffered ?? 0);
    return count > 0 ? ((now.neededTime - (before?.neededTime ?? 0)) / count) * 1000 : 0;
  }
}
