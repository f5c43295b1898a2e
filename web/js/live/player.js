import { HlsEngine } from "./hls-engine.js";
import { NativeEngine } from "./native-engine.js";

const STUCK_MS = 8000;
const RETRY_MS = [500, 1000, 2000, 4000];
const LIVE_EDGE_S = 4;

/**
 * Plays a broadcast in a video element, live or replayed, and comes back by itself when anything breaks.
 *
 * Fires `state` whenever one of `state`, `isOver`, `isBehind` changes. States: `loading`, `playing`, `paused`,
 * `blocked` (the browser wants a tap first: call `play()` from one), `reconnecting`, `finished` (watched to the end).
 */
export class LivePlayer extends EventTarget {
  /**
   * @param {HTMLVideoElement} video
   * @param {string} url of the multivariant playlist
   * @param {{ Hls?: typeof import("/static/vendor/hls.mjs").default }} [options]
   */
  constructor(video, url, { Hls } = {}) {
    super();
    this.video = video;
    this.url = url;
    this.state = "loading";
    this.isOver = false;
    this.isBehind = false;
    this.Engine = Hls && Hls.isSupported() ? HlsEngine : NativeEngine;
    this.Hls = Hls;
    this.failures = 0;
    this.progress = { at: -1, since: 0 };
    this.closed = new AbortController();
    video.playsInline = true;
    const signal = this.closed.signal;
    video.addEventListener("playing", () => this.#played(), { signal });
    video.addEventListener("pause", () => this.state === "playing" && this.#become("paused"), { signal });
    video.addEventListener("ended", () => this.#become("finished"), { signal });
    const timer = setInterval(() => this.#look(), 500);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.engine = this.#open(null);
  }

  /** Seconds that can be rewound to, and the edge. */
  get range() {
    return this.engine.range;
  }

  /** Seconds behind the moment that is being filmed, or null when that cannot be known. */
  get latency() {
    return this.isOver ? null : this.engine.latency;
  }

  async play() {
    try {
      await this.video.play();
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#become("blocked");
    }
  }

  rewindToStart() {
    return this.seekTo(this.range.start);
  }

  /** @param {number} seconds on the time line of `range` */
  seekTo(seconds) {
    this.video.currentTime = seconds;
    return this.play();
  }

  backToLive() {
    const at = this.engine.liveAt;
    return this.seekTo(at ?? this.range.end);
  }

  close() {
    this.closed.abort();
    this.engine.close();
  }

  /** @param {number | null} at where to go on; null is the live edge */
  #open(at) {
    const engine = new this.Engine(this.video, this.url, {
      at,
      Hls: this.Hls,
      onFailure: () => this.#reconnect(),
      onReady: () => this.play(),
    });
    this.progress = { at: -1, since: performance.now() };
    return engine;
  }

  #reconnect() {
    if (this.closed.signal.aborted || this.state === "reconnecting") return;
    const at = this.isBehind || this.isOver ? this.video.currentTime : null;
    this.engine.close();
    this.#become("reconnecting");
    const wait = RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)];
    setTimeout(() => {
      if (this.closed.signal.aborted) return;
      this.#become("loading");
      this.engine = this.#open(at);
    }, wait);
  }

  #played() {
    this.failures = 0;
    this.#become("playing");
  }

  #look() {
    if (this.state === "reconnecting") return;
    const { video, engine } = this;
    const isOver = engine.isOver;
    const isBehind = !isOver && engine.liveAt !== null && engine.liveAt - video.currentTime > LIVE_EDGE_S;
    if (isOver !== this.isOver || isBehind !== this.isBehind) {
      Object.assign(this, { isOver, isBehind });
      this.#tell();
    }
    if (video.currentTime !== this.progress.at || video.paused || video.ended) {
      this.progress = { at: video.currentTime, since: performance.now() };
    } else if (performance.now() - this.progress.since > STUCK_MS) {
      this.#reconnect();
    }
  }

  /** @param {string} state */
  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.#tell();
  }

  #tell() {
    const { state, isOver, isBehind } = this;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, isOver, isBehind } }));
  }
}
