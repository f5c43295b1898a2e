import { HlsEngine } from "./hls-engine.js";
import { NativeEngine } from "./native-engine.js";

const STALLED_MS = 1500;
const STUCK_MS = 8000;
const ON_AGAIN_S = 0.5;
/** For so long after pictures began to move, a pause that nobody asked for is the browser's own, out of data. */
const SETTLING_MS = 1500;
const RETRY_MS = [500, 1000, 2000, 4000];
const LIVE_EDGE_S = 4;

/**
 * Plays a broadcast in a video element, live or replayed, and comes back by itself when anything breaks.
 *
 * Fires `state` whenever one of `state`, `isOver`, `isBehind` changes. States: `loading`, `playing`, `paused`,
 * `stalled` (nothing new comes: a weak line, or a source that is away), `blocked` (the browser wants a tap first: call
 * `play()` from one), `reconnecting`, `finished` (watched to the end, and the playlist says that no more will come),
 * `unsupported` (the browser has no decoder for it: nothing helps but another browser).
 */
export class LivePlayer extends EventTarget {
  #sourceAway = false;
  /** The browser itself stopped the video, out of data or at an end that is none: it is to go on as soon as it can. */
  #ranDry = false;
  #pausedByViewer = false;
  #movingSince = 0;
  /** The engine has given up while the source was away: a new one is worth its while once that is back. */
  #owesReconnect = false;

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
    this.Engine = Hls?.isSupported() ? HlsEngine : NativeEngine;
    this.Hls = Hls;
    this.failures = 0;
    this.progress = { at: -1, since: 0 };
    this.closed = new AbortController();
    video.playsInline = true;
    const signal = this.closed.signal;
    video.addEventListener("playing", () => this.#played(), { signal });
    video.addEventListener("pause", () => this.#paused(), { signal });
    video.addEventListener("ended", () => this.#cameToEnd(), { signal });
    const timer = setInterval(() => this.#look(), 500);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.engine = this.#open(null);
    const canPlay = this.Engine === HlsEngine || video.canPlayType("application/vnd.apple.mpegurl") !== "";
    if (!canPlay) queueMicrotask(() => this.#giveUp()); // whoever made us listens by then
  }

  /** Seconds that can be rewound to, and the edge. */
  get range() {
    return this.engine.range;
  }

  /** Seconds behind the moment that is being filmed, or null when that cannot be known. */
  get latency() {
    return this.isOver ? null : this.engine.latency;
  }

  /** Told by who asks the station: while the source is away, connecting anew would bring the same last picture. */
  set sourceAway(away) {
    if (away === this.#sourceAway) return;
    this.#sourceAway = away;
    this.progress.since = performance.now();
    if (away || !this.#owesReconnect) return;
    this.#owesReconnect = false;
    this.#reconnect();
  }

  get sourceAway() {
    return this.#sourceAway;
  }

  /** Whoever watches an earlier moment needs nothing from the source now. */
  get #waitsForSource() {
    return this.#sourceAway && !this.isBehind && !this.isOver;
  }

  async play() {
    this.#pausedByViewer = false;
    if (await this.#tryToPlay()) return;
    // Refused with sound: a picture without is better than none. WebKitGTK forgets by itself that the page says muted.
    this.video.muted = true;
    if (!(await this.#tryToPlay())) this.#become("blocked");
  }

  /** False when the browser wants a tap first. */
  async #tryToPlay() {
    try {
      await this.video.play();
    } catch (error) {
      return !(error instanceof DOMException && error.name === "NotAllowedError");
    }
    return true;
  }

  pause() {
    this.#pausedByViewer = true;
    this.#ranDry = false;
    this.video.pause();
    if (this.state === "stalled") this.#become("paused");
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
      onUnsupported: () => this.#giveUp(),
    });
    this.progress = { at: -1, since: performance.now() };
    this.#ranDry = false;
    return engine;
  }

  #reconnect() {
    if (this.closed.signal.aborted || this.state === "reconnecting") return;
    if (this.#waitsForSource) {
      this.#owesReconnect = true;
      return;
    }
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

  #giveUp() {
    this.close();
    this.#become("unsupported");
  }

  #played() {
    this.failures = 0;
    this.#ranDry = false;
    if (this.state !== "playing") this.#movingSince = performance.now();
    this.#become("playing");
  }

  #paused() {
    if (!["playing", "stalled"].includes(this.state) || this.video.ended) return;
    const settling = this.state === "stalled" || performance.now() - this.#movingSince < SETTLING_MS;
    if (this.#pausedByViewer || !settling) return this.#become("paused");
    this.#ranDry = true;
  }

  /** Browsers fire `ended` at the edge of a live broadcast too; only the playlist knows whether more will come. */
  #cameToEnd() {
    if (this.engine.isOver) return this.#become("finished");
    this.#ranDry = true;
    this.#become("stalled");
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
    if (this.#ranDry) this.#goOnWhenPossible();
    this.#watchProgress();
  }

  #goOnWhenPossible() {
    if (this.engine.isOver) {
      this.#ranDry = false;
      this.#become("finished");
    } else if (this.range.end - this.video.currentTime > ON_AGAIN_S) {
      void this.play();
    }
  }

  #watchProgress() {
    const { video, progress } = this;
    const rests = (video.paused || video.ended) && !this.#ranDry;
    if (rests || video.currentTime !== progress.at) {
      this.progress = { at: video.currentTime, since: performance.now() };
      if (!rests && this.state === "stalled" && !this.#ranDry) this.#become("playing");
      return;
    }
    const still_ms = performance.now() - progress.since;
    if (still_ms > STALLED_MS && this.state === "playing") this.#become("stalled");
    if (still_ms > STUCK_MS && !this.#waitsForSource) this.#reconnect();
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
