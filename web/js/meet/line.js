// Says in a word that a line is weak, and in one quiet sentence what that means. A good line is not spoken of.
import { LineJudge } from "../media/quality.js";
import { say } from "./page.js";

/** @typedef {import("../media/quality.js").Measures} Measures */
/** @typedef {import("./stage.js").Stage} Stage */

export class Line {
  #judge = new LineJudge();
  /** @type {Map<string, string>} whose line was weak last time, and why */
  #before = new Map();
  /** What is wrong with our own line now; empty when nothing is. */
  #own = "";

  /**
   * @param {Stage} stage @param {Record<string, string>} words
   * @param {(track: string) => string | undefined} personOf whose track that is
   */
  constructor(stage, words, personOf) {
    this.stage = stage;
    this.words = words;
    this.personOf = personOf;
  }

  /**
   * Shown when it was so twice, taken away when it was not twice: one hiccup is no weak line.
   * @param {Measures} measures
   */
  take(measures) {
    const { own, theirs } = this.#judge.judge(measures);
    /** @type {Map<string, string>} */
    const now = new Map();
    if (own) now.set(this.stage.me, own);
    for (const track of theirs) now.set(this.personOf(track) ?? "", "theirs");
    for (const [person, why] of now) if (this.#before.has(person)) this.#show(person, why);
    for (const person of this.#own ? [...this.stage.weak, this.stage.me] : [...this.stage.weak]) {
      if (!now.has(person) && !this.#before.has(person)) this.#show(person, "");
    }
    this.#before = now;
  }

  /** @param {string} person @param {string} why empty: the line is good */
  #show(person, why) {
    if (person !== this.stage.me) return this.stage.showWeak(person, why !== "");
    this.#own = why;
    this.draw();
  }

  /** Once is enough: where a resting picture already says why it rests, nothing else does. */
  draw() {
    const why = this.stage.rests ? "" : this.#own;
    this.stage.showWeak(this.stage.me, why !== "");
    const details = { upload: this.words.weakUpload, download: this.words.weakDownload, delay: this.words.weakDelay };
    say(document.getElementById("line"), details[/** @type {keyof typeof details} */ (why)] ?? "");
  }
}
