import type Hls from "/static/vendor/hls.mjs";

/** What the player gives the engine that it picked. `at` null: start at the live edge. */
export interface EngineOptions {
  at: number | null;
  Hls?: typeof Hls;
  onFailure: () => void;
  onReady: () => void;
  onUnsupported: () => void;
}
