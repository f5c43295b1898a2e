// Which pictures are in sight and how large, so that media sends none that nobody sees and none larger than needed.
import { soon } from "./events.js";

const SETTLE_MS = 200;

export class Shown {
  /** @type {Map<string, Element>} by track id */
  #watched = new Map();
  /** @type {Set<Element>} */
  #inSight = new Set();
  #tell;
  #sizes = new ResizeObserver(() => this.#tell());
  #sight = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      if (isIntersecting) this.#inSight.add(target);
      else this.#inSight.delete(target);
    }
    this.#tell();
  });

  /** @param {(heights: Record<string, number>) => void} show told of each change, when it has settled */
  constructor(show) {
    this.#tell = soon(() => show(this.#heights()), SETTLE_MS);
    document.addEventListener("visibilitychange", this.#tell);
  }

  /** @param {string} track its id @param {Element} element where it is shown */
  watch(track, element) {
    this.forget(track);
    this.#watched.set(track, element);
    this.#sizes.observe(element);
    this.#sight.observe(element);
  }

  /** @param {string} track its id */
  forget(track) {
    const element = this.#watched.get(track);
    if (!element || !this.#watched.delete(track)) return;
    this.#inSight.delete(element);
    this.#sizes.unobserve(element);
    this.#sight.unobserve(element);
    this.#tell();
  }

  stop() {
    for (const track of [...this.#watched.keys()]) this.forget(track);
    document.removeEventListener("visibilitychange", this.#tell);
  }

  /** @returns {Record<string, number>} in device pixels by track id; 0 for what is out of sight */
  #heights() {
    const isHidden = document.visibilityState === "hidden";
    /** @param {Element} element */
    const height = (element) =>
      isHidden || !this.#inSight.has(element) ? 0 : Math.round(element.clientHeight * devicePixelRatio);
    return Object.fromEntries([...this.#watched].map(([track, element]) => [track, height(element)]));
  }
}
