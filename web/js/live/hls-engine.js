const CONFIG = {
  lowLatencyMode: true,
  enableWorker: false, // fragments are passed through unchanged; a worker would need blob: in the policy
  maxLiveSyncPlaybackRate: 1.1,
  backBufferLength: 60,
  liveDurationInfinity: true, // else the duration is the edge, and WebKit fires `ended` there when the source is away
};

/** Low-latency HLS through media source extensions, by hls.js. */
export class HlsEngine {
  /**
   * @param {HTMLVideoElement} video
   * @param {string} url
   * @param {import("./engine.d.ts").EngineOptions} options
   */
  constructor(video, url, { at, Hls, onFailure, onReady, onUnsupported }) {
    if (!Hls) throw new TypeError("hls.js is missing");
    this.video = video;
    this.hls = new Hls({ ...CONFIG, startPosition: at ?? -1 });
    this.recovered = 0;
    this.hls.on(Hls.Events.MANIFEST_PARSED, onReady);
    this.hls.on(Hls.Events.ERROR, (_, error) => {
      if (!error.fatal) return;
      if (error.details === Hls.ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR) return onUnsupported();
      if (error.type === Hls.ErrorTypes.MEDIA_ERROR && this.recovered++ < 2) this.hls.recoverMediaError();
      else onFailure();
    });
    this.hls.loadSource(url);
    this.hls.attachMedia(video);
  }

  get details() {
    return this.hls.latestLevelDetails;
  }

  get isOver() {
    return this.details?.live === false;
  }

  get range() {
    return { start: this.details?.fragmentStart ?? 0, end: this.details?.edge ?? 0 };
  }

  get liveAt() {
    return this.isOver ? null : this.hls.liveSyncPosition;
  }

  get latency() {
    return this.hls.latency;
  }

  close() {
    this.hls.destroy();
  }
}
