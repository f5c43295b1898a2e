// The bar under a player: play, ten seconds back, where we are, sound, full screen.
import { canFillScreen, toggleFullScreen } from "./full_screen.js";
import { onClick, part, setIcon, span } from "./page.js";

export class PlayerBar {
  #dragging = false;
  #scrub = part("scrub", HTMLInputElement);
  #at = part("at", HTMLElement);

  /**
   * @param {HTMLVideoElement} video @param {Record<string, string>} words
   * @param {() => {start: number, end: number}} range what can be sought to, in seconds of the video's clock
   * @param {{play: () => Promise<unknown>, pause: () => void}} player what plays and pauses it, if not the video itself
   */
  constructor(video, words, range, player = video) {
    this.video = video;
    this.words = words;
    this.range = range;
    video.controls = false; // the browser's own are for who has no scripts
    this.#scrub.hidden = part("player-bar", HTMLElement).hidden = false;
    onClick("play", () => (video.paused ? player.play().catch(() => {}) : player.pause()));
    onClick("back10", () => (video.currentTime = Math.max(range().start, video.currentTime - 10)));
    onClick("sound", () => (video.muted = !video.muted));
    onClick("full", () => toggleFullScreen(video).catch(() => {}));
    part("full", HTMLElement).hidden = !canFillScreen(video);
    video.addEventListener("click", () => void player.play().catch(() => {}));
    for (const name of ["play", "pause", "timeupdate", "volumechange", "loadedmetadata"]) {
      video.addEventListener(name, () => this.draw());
    }
    this.#scrub.addEventListener("input", () => (this.#dragging = true));
    this.#scrub.addEventListener("change", () => {
      this.#dragging = false;
      video.currentTime = range().start + Number(this.#scrub.value);
    });
    this.draw();
  }

  draw() {
    const { start, end } = this.range();
    const length = Math.max(0, end - start);
    const now = Math.max(0, this.video.currentTime - start);
    this.#at.textContent = `${span(now)} / ${span(length)}`;
    this.#scrub.max = String(length || 1);
    if (!this.#dragging) this.#scrub.value = String(now);
    this.#scrub.setAttribute("aria-valuetext", this.#at.textContent);
    const play = part("play", HTMLButtonElement);
    setIcon(play, this.video.paused ? "play" : "pause");
    relabel(play, this.video.paused ? this.words.playing : this.words.paused);
    relabel(part("sound", HTMLButtonElement), this.video.muted ? this.words.muted : this.words.sound);
  }
}

/** @param {HTMLElement} button @param {string} [words] */
function relabel(button, words) {
  const label = button.querySelector("span");
  if (label && words) label.textContent = words;
}
