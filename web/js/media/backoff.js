// How long to wait before trying again: longer each time, never all browsers at once.

const FIRST_MS = 200;
const GROWTH = 1.3; // a media role is back within two or three seconds: then one is to notice within another half
const LAST_MS = 3000;
const STEADY_MS = 5000;

export class Backoff {
  #tries = 0;
  #since = 0;
  #wake = () => {};

  /** Waits before the next try; the first comes at once. @returns {Promise<void>} */
  pause() {
    const longest = Math.min(LAST_MS, FIRST_MS * GROWTH ** (this.#tries - 1));
    if (this.#tries++ === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, longest * (0.5 + Math.random() / 2));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends a pause now: the network is back. */
  wake() {
    this.#wake();
  }

  /** The try succeeded. */
  succeeded() {
    this.#since = performance.now();
  }

  /** What succeeded has broken: only if it lasted, waiting begins small again. */
  broke() {
    if (performance.now() - this.#since > STEADY_MS) this.#tries = 1;
  }
}
