// Says that a device has gone or cannot be opened, and offers what else is plugged in, without leaving the room.
import { fill, make, say } from "./page.js";

/** @typedef {import("./devices.js").Kind} Kind */
/** @typedef {import("./devices.js").OwnDevices} OwnDevices */

const DENIED_SHOWN_MS = 15_000;

export class DeviceTrouble {
  /** What is wrong with each, as a sentence; the newest is shown. @type {Map<Kind | "screen", string>} */
  #wrong = new Map();
  #closed = new AbortController();

  /**
   * @param {OwnDevices} devices @param {Record<string, string>} words
   * @param {(kind: Kind, id: string) => Promise<void>} use takes another device
   */
  constructor(devices, words, use) {
    this.devices = devices;
    this.words = words;
    this.use = use;
    devices.addEventListener("change", () => void this.#show(), { signal: this.#closed.signal });
  }

  /** @param {Kind} kind */
  lost(kind) {
    this.#set(kind, kind === "camera" ? this.words.cameraLost : this.words.micLost);
  }

  /** @param {Kind} kind */
  silenced(kind) {
    this.#set(kind, kind === "camera" ? this.words.cameraTaken : this.words.micTaken);
  }

  /** It could not be opened. @param {Kind} kind */
  refused(kind) {
    const problem = kind === "camera" ? this.devices.cameraProblem : this.devices.micProblem;
    const name = kind === "camera" ? "camera" : "mic";
    const [title, help] = problemWords(this.words, name, problem ?? "unknown");
    this.#set(kind, `${title}。${help}`);
  }

  /**
   * The screen is not shared. Browsers tell nobody whether a person or the system said no: that sentence names both,
   * and goes by itself.
   * @param {string} problem
   */
  notShared(problem) {
    const denied = problem === "denied";
    this.#set("screen", denied ? this.words.shareDenied : this.words.shareFailed);
    if (denied) setTimeout(() => this.clear("screen", this.words.shareDenied), DENIED_SHOWN_MS);
  }

  /** @param {Kind | "screen"} kind @param {string} [sentence] only if it is that one */
  clear(kind, sentence) {
    if (sentence && this.#wrong.get(kind) !== sentence) return;
    if (this.#wrong.delete(kind)) void this.#show();
  }

  close() {
    this.#closed.abort();
    this.#wrong.clear();
    void this.#show();
  }

  /** @param {Kind | "screen"} kind @param {string} [sentence] */
  #set(kind, sentence = "") {
    if (this.#closed.signal.aborted) return;
    this.#wrong.delete(kind);
    this.#wrong.set(kind, sentence);
    void this.#show();
  }

  async #show() {
    const [kind, sentence] = [...this.#wrong].pop() ?? [];
    say(document.getElementById("device-problem"), sentence ?? "");
    const offers = document.getElementById("device-offers");
    if (!offers) return;
    const device = kind === "screen" ? undefined : kind;
    const others = device ? await this.devices.list(device).catch(() => []) : [];
    // The list came late, as behind another window: it is of the past.
    if ([...this.#wrong.keys()].pop() !== kind) return;
    offers.replaceChildren(...(device ? others.map((other) => this.#offer(device, other)) : []));
  }

  /** @param {Kind} kind @param {import("../media/devices.js").Device} device */
  #offer(kind, device) {
    const text = fill(this.words.useDevice ?? "", { name: device.label || device.id });
    const button = make("button", "btn btn-small", text);
    button.type = "button";
    button.addEventListener("click", async () => {
      button.disabled = true;
      await this.use(kind, device.id).catch(() => {});
      button.disabled = false;
    });
    return button;
  }
}

/**
 * What is wrong with a device, and what helps.
 * @param {Record<string, string>} words @param {"camera" | "mic"} device @param {string} problem
 * @returns {[string, string]}
 */
export function problemWords(words, device, problem) {
  if (problem === "insecure") return [words.insecure, words.insecureHelp];
  if (problem === "gone") return [words[`${device}Lost`], words[`${device}MissingHelp`]];
  if (problem === "denied") return [words[`${device}Denied`], words.deniedHelp || words[`${device}DeniedHelp`]];
  if (problem === "busy") return [words[`${device}Busy`], words[`${device}BusyHelp`]];
  return [words[`${device}Missing`], words[`${device}MissingHelp`]];
}
