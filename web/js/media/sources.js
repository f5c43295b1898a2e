// What we publish or would, were we connected; and what media has been told of its being muted.

/** @import {Source} from "./messages.js" */

export class Sources {
  /** @type {Map<Source, {mediaTrack: MediaStreamTrack, muted: boolean}>} */
  #all = new Map();
  /** @type {Map<Source, string>} track ids that media knows as muted */
  #toldMuted = new Map();

  /** @returns {[Source, MediaStreamTrack][]} */
  get tracks() {
    return [...this.#all].map(([source, { mediaTrack }]) => [source, mediaTrack]);
  }

  /**
   * A track in the place of what the source had; muted if that was.
   * @param {Source} source @param {MediaStreamTrack} mediaTrack
   */
  set(source, mediaTrack) {
    const muted = this.#all.get(source)?.muted ?? false;
    mediaTrack.enabled = !muted;
    this.#all.set(source, { mediaTrack, muted });
  }

  /** @param {Source} source */
  delete(source) {
    this.#all.delete(source);
    this.#toldMuted.delete(source);
  }

  /** @param {Source} source @param {boolean} muted */
  mute(source, muted) {
    const sending = this.#all.get(source);
    if (!sending) return;
    sending.muted = muted;
    sending.mediaTrack.enabled = !muted;
  }

  /** Media is another now, and knows nothing. */
  forgetTold() {
    this.#toldMuted.clear();
  }

  /**
   * What media does not know yet; from now on it counts as told.
   * @param {Map<Source, string>} ids of the tracks that media has
   */
  untold(ids) {
    const news = [];
    for (const [source, { muted }] of this.#all) {
      const track = ids.get(source);
      if (!track || (this.#toldMuted.get(source) === track) === muted) continue;
      if (muted) this.#toldMuted.set(source, track);
      else this.#toldMuted.delete(source);
      news.push({ track, muted });
    }
    return news;
  }
}
