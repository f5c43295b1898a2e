const EDGE_S = 1;

/** The browser's own HLS: Safari, and in-app browsers without media source extensions. */
export class NativeEngine {
  /**
   * @param {HTMLVideoElement} video
   * @param {string} url
   * @param {import("./engine.d.ts").EngineOptions} options
   */
  constructor(video, url, { at, onFailure, onReady }) {
    this.video = video;
    this.closed = new AbortController();
    const signal = this.closed.signal;
    video.addEventListener("error", onFailure, { signal });
    video.addEventListener("loadedmetadata", () => {
      if (at !== null) video.currentTime = at;
      onReady();
    }, { signal });
    video.src = url;
    video.load();
  }

  get isOver() {
    return Number.isFinite(this.video.duration);
  }

  get range() {
    const { seekable } = this.video;
    if (!seekable.length) return { start: 0, end: 0 };
    return { start: seekable.start(0), end: seekable.end(seekable.length - 1) };
  }

  get liveAt() {
    return this.isOver ? null : Math.max(this.range.start, this.range.end - EDGE_S);
  }

  get latency() {
    return this.range.end - this.video.currentTime;
  }

  close() {
    this.closed.abort();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
