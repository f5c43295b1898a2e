// One picture with its name; words where there is no picture, never a black hole.
import { icon, make } from "./page.js";

export class Tile {
  stream = new MediaStream();
  element;
  video = make("video");
  #off;
  #paused;
  #weak;
  #unplayable = "";
  #isOn = false;

  /**
   * @param {{person: string, source: "camera" | "screen", name: string, isSelf?: boolean,
   *   words: Record<string, string>}} options
   */
  constructor({ person, source, name, isSelf = false, words }) {
    this.words = words;
    this.person = person;
    this.source = source;
    this.isSelf = isSelf;
    this.video.autoplay = true;
    this.video.playsInline = true;
    this.video.muted = isSelf;
    this.video.dataset[source === "screen" ? "screen" : "person"] = person;
    this.video.setAttribute("aria-label", name);
    this.#off = make("p", "off", words.noPicture);
    this.#paused = make("p", "resting", make("span", "", words.pictureRests));
    this.#paused.setAttribute("role", "status");
    this.#weak = make("span", "badge tag", icon("sign-soon"), words.weakLine);
    const plate = make("span", "plate", icon("mic-off"), make("b", "", name));
    const look = isSelf && source === "camera" ? "tile is-mirrored" : "tile";
    this.element = make("div", look, this.video, this.#off, this.#paused, this.#weak, plate);
    this.element.dataset.source = source;
    this.video.srcObject = this.stream;
    this.showPicture(false);
    this.showPaused(false);
    this.showWeak(false);
  }

  /** @param {MediaStreamTrack} track in the place of an earlier one of its kind */
  put(track) {
    this.take(track.kind);
    this.stream.addTrack(track);
    void this.video.play().catch(() => this.element.dispatchEvent(new Event("silent", { bubbles: true })));
  }

  /** @param {string} kind audio or video */
  take(kind) {
    if (kind === "video") this.showUnplayable("");
    for (const track of this.stream.getTracks()) if (track.kind === kind) this.stream.removeTrack(track);
  }

  /** @param {boolean} shown */
  showPicture(shown) {
    this.#isOn = shown;
    this.#off.textContent = (shown ? this.#unplayable : this.words.noPicture) ?? "";
    this.#off.hidden = shown && !this.#unplayable;
  }

  /** There is a picture, but this browser cannot show it. @param {string} why empty: it can */
  showUnplayable(why) {
    this.#unplayable = why;
    this.showPicture(this.#isOn);
  }

  /** @param {boolean} muted */
  showMuted(muted) {
    this.element.classList.toggle("is-muted", muted);
    if (muted) this.showSpeaking(false);
  }

  /** @param {boolean} speaking */
  showSpeaking(speaking) {
    this.element.classList.toggle("is-speaking", speaking && !this.element.classList.contains("is-muted"));
  }

  get rests() {
    return !this.#paused.hidden && this.#off.hidden;
  }

  /** The last picture stays, dimmed, under words that say why nothing moves. @param {boolean} paused */
  showPaused(paused) {
    this.element.classList.toggle("is-resting", paused);
    this.#paused.hidden = !paused;
  }

  /** @param {boolean} weak */
  showWeak(weak) {
    this.#weak.hidden = !weak;
  }

  remove() {
    this.video.srcObject = null;
    this.element.remove();
  }
}
