// All pictures of a room: one fills it when two meet, a grid when there are more, a shared screen goes large.
import { Tile } from "./tile.js";
import { fill } from "./page.js";

/** @typedef {import("../media/messages.js").Track} Track */
/** @typedef {import("../media/messages.js").Member} Member */

export class Stage {
  /** @type {Map<string, Tile>} by person, or person/screen */
  #tiles = new Map();
  /** People whose line is shown as weak. @type {Set<string>} */
  weak = new Set();

  /** @param {HTMLElement} main @param {Record<string, string>} words @param {string} me */
  constructor(main, words, me) {
    this.main = main;
    this.words = words;
    this.me = me;
  }

  /** @param {Member} member */
  addMember(member) {
    if (this.#tiles.has(member.person)) return;
    this.#add({ person: member.person, source: "camera", name: member.name });
  }

  /** @param {string} person */
  removeMember(person) {
    this.weak.delete(person);
    this.#remove(person);
    this.#remove(`${person}/screen`);
    this.#sayGone();
  }

  /** An empty stage no longer says that nobody has come in yet. */
  #sayGone() {
    const [gone, hint] = [document.getElementById("nobody-words"), document.getElementById("nobody-hint")];
    if (gone) gone.textContent = this.words.wentOut ?? "";
    if (hint) hint.textContent = this.words.comesBack ?? "";
  }

  /** Our own picture, with what is sent. @param {MediaStreamTrack | null} camera */
  showSelf(camera) {
    const tile = this.#tiles.get(this.me) ?? this.#add({ person: this.me, source: "camera", name: this.words.you });
    if (camera) tile.put(camera);
    else tile.take("video");
    tile.showPicture(camera?.enabled ?? false);
  }

  /** @param {boolean} muted */
  showSelfMuted(muted) {
    this.#tiles.get(this.me)?.showMuted(muted);
  }

  /**
   * @param {Track} track @param {MediaStreamTrack} mediaTrack @param {string} name
   * @returns {HTMLElement} where it is shown
   */
  attach(track, mediaTrack, name) {
    const tile = this.#tileOf(track, name);
    tile.put(mediaTrack);
    this.showMuted(track);
    return tile.element;
  }

  /**
   * Words in the place of a picture that this browser cannot show.
   * @param {Track} track @param {string} name @param {string} why
   */
  showUnplayable(track, name, why) {
    const tile = this.#tileOf(track, name);
    tile.showUnplayable(why);
    tile.showPicture(!track.muted);
  }

  /** @param {Track} track */
  detach(track) {
    if (track.source === "screen") return this.#remove(`${track.person}/screen`);
    const tile = this.#tiles.get(track.person);
    tile?.take(track.kind);
    if (track.kind === "video") {
      tile?.showPicture(false);
      tile?.showPaused(false);
    }
  }

  /** @param {Track} track */
  showMuted(track) {
    const tile = this.#tiles.get(keyOf(track));
    if (track.kind === "video") tile?.showPicture(!track.muted);
    else tile?.showMuted(track.muted);
  }

  /** @param {string} person @param {boolean} speaking */
  showSpeaking(person, speaking) {
    this.#tiles.get(person)?.showSpeaking(speaking);
  }

  /** Exactly these of the others speak. @param {string[]} people */
  showSpeakers(people) {
    for (const tile of this.#tiles.values()) {
      if (!tile.isSelf && tile.source === "camera") tile.showSpeaking(people.includes(tile.person));
    }
  }

  /** @param {Track} track @param {boolean} paused */
  showPaused(track, paused) {
    this.#tiles.get(keyOf(track))?.showPaused(paused);
  }

  /** Whether a picture rests now, and says why. */
  get rests() {
    return [...this.#tiles.values()].some((tile) => tile.rests);
  }

  /** @param {string} person @param {boolean} weak */
  showWeak(person, weak) {
    if (weak) this.weak.add(person);
    else this.weak.delete(person);
    this.#tiles.get(person)?.showWeak(weak);
  }

  clear() {
    for (const key of [...this.#tiles.keys()]) this.#remove(key);
  }

  /** @param {Track} track @param {string} name */
  #tileOf(track, name) {
    const found = this.#tiles.get(keyOf(track));
    if (found) return found;
    const isScreen = track.source === "screen";
    const shown = isScreen ? fill(this.words.screenOf, { name }) : name;
    return this.#add({ person: track.person, source: isScreen ? "screen" : "camera", name: shown });
  }

  /** @param {{person: string, source: "camera" | "screen", name: string}} what */
  #add(what) {
    const tile = new Tile({ ...what, isSelf: what.person === this.me, words: this.words });
    this.#tiles.set(what.source === "screen" ? `${what.person}/screen` : what.person, tile);
    this.main.append(tile.element);
    this.#arrange();
    return tile;
  }

  /** @param {string} key */
  #remove(key) {
    this.#tiles.get(key)?.remove();
    this.#tiles.delete(key);
    this.#arrange();
  }

  #arrange() {
    const tiles = [...this.#tiles.values()];
    const others = tiles.filter((tile) => !tile.isSelf);
    const isGrid = others.length > 1;
    this.main.dataset.count = String(others.length);
    this.main.dataset.layout = isGrid ? "grid" : "pair";
    for (const tile of tiles) {
      tile.element.classList.toggle("self", tile.isSelf && !isGrid);
      tile.element.classList.toggle("is-large", isGrid && tile.source === "screen");
      tile.element.style.order = tile.source === "screen" ? "0" : tile.isSelf ? "2" : "1";
    }
  }
}

/** @param {Track} track */
function keyOf(track) {
  return track.source === "screen" ? `${track.person}/screen` : track.person;
}
