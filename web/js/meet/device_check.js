// The first step: one's own picture, a bar that moves, a sound, each with its sign and a sentence.
import { findLack, isInApp } from "../media/capabilities.js";
import { listDevices, meter } from "../media/devices.js";
import { copyAddress } from "./address.js";
import { problemWords } from "./device_trouble.js";
import { onClick, part, setIcon } from "./page.js";
import { chime } from "./sound.js";

/** @typedef {import("./devices.js").OwnDevices} OwnDevices */
/** @typedef {"ok" | "care" | "wait"} Sign */

const SIGNS = { ok: "sign-done", care: "sign-soon", wait: "sign-wait" };
const SOUND_SIGNS = { ...SIGNS, wait: "volume" };

export class DeviceCheck {
  #stopMeter = () => {};
  #isRunning = false;
  /** What this browser lacks for a meeting. */
  lack = findLack();

  /** @param {OwnDevices} devices @param {Record<string, string>} words */
  constructor(devices, words) {
    this.devices = devices;
    // Browsers inside other apps have no lock beside their address: the way out of the app is the way.
    this.words = isInApp() ? { ...words, deniedHelp: words.inAppHelp } : words;
    onClick("play-sound", chime);
    onClick("sound-heard", () => this.#answerSound(true));
    onClick("sound-not-heard", () => this.#answerSound(false));
    onClick("copy-address", () => copyAddress(this.words.copied));
    devices.addEventListener("lost", () => this.#isRunning && this.#show());
    devices.addEventListener("change", () => void this.#onChange());
    for (const id of ["cameras", "microphones"]) {
      part(id, HTMLSelectElement).addEventListener("change", () => void this.#choose());
    }
  }

  /** Opens the devices and shows how it went. @param {import("./devices.js").Choice} [choice] */
  async run(choice) {
    this.#isRunning = true;
    await this.devices.open(choice);
    part("preview", HTMLVideoElement).srcObject = this.devices.stream;
    this.#show();
    // Not awaited: browsers keep the list back while another window is in front, and nobody needs it to go in.
    void this.#list();
  }

  stop() {
    this.#isRunning = false;
    this.#stopMeter();
  }

  /** Says what the browser lacks and what to do instead of trying; false when nothing is in the way. */
  showLack() {
    if (this.lack !== "webrtc" && this.lack !== "devices") return false;
    const { words } = this;
    const inApp = isInApp();
    const title = inApp ? words.inAppTitle : this.lack === "webrtc" ? words.noWebrtc : words.noDevices;
    part("lack-title", HTMLElement).textContent = title ?? "";
    part("address", HTMLInputElement).value = location.href;
    part("lack-words", HTMLElement).textContent = (inApp ? "" : words.otherBrowser) ?? "";
    part("lack-steps", HTMLElement).hidden = !inApp;
    part("way-out", HTMLElement).hidden = !inApp;
    part("lack", HTMLElement).hidden = false;
    part("trying", HTMLElement).hidden = true;
    part("join", HTMLElement).hidden = true;
    const listen = part("join-audio", HTMLButtonElement);
    listen.hidden = this.lack === "webrtc";
    listen.textContent = words.listenOnly ?? "";
    return true;
  }

  /** @param {boolean} heard */
  #answerSound(heard) {
    const { words } = this;
    part("sound-heard", HTMLElement).setAttribute("aria-pressed", String(heard));
    part("sound-not-heard", HTMLElement).setAttribute("aria-pressed", String(!heard));
    mark("check-sound", heard ? "ok" : "care", heard ? words.heard : words.notHeard, "", SOUND_SIGNS);
  }

  /** Something was plugged in: what was missing is tried again, the rest can be chosen. */
  async #onChange() {
    if (!this.#isRunning) return;
    const { cameraProblem, micProblem } = this.devices;
    const missing = [cameraProblem, micProblem].some((problem) => problem === "missing" || problem === "gone");
    if (missing) await this.run();
    else await this.#list();
  }

  #show() {
    const { words, devices } = this;
    const camera = devices.cameraProblem;
    if (camera) mark("check-camera", "care", ...problemWords(words, "camera", camera));
    else mark("check-camera", "ok", words.cameraOk, devices.camera?.label ?? "");
    const mic = devices.micProblem;
    if (mic) mark("check-mic", "care", ...problemWords(words, "mic", mic));
    else mark("check-mic", "ok", words.micOk, words.micOkHelp);
    this.#stopMeter();
    const bars = [...document.querySelectorAll("#meter rect")];
    if (devices.microphone) {
      this.#stopMeter = meter(devices.microphone, (level) => {
        for (const [number, bar] of bars.entries())
          bar.setAttribute("class", number < level * bars.length ? "on" : "off");
      });
    }
  }

  async #list() {
    const { cameras, microphones } = await listDevices();
    options("cameras", cameras, this.devices.camera?.label);
    options("microphones", microphones, this.devices.microphone?.label);
    part("choose-devices", HTMLElement).hidden = cameras.length < 2 && microphones.length < 2;
  }

  #choose() {
    const camera = part("cameras", HTMLSelectElement).value;
    return this.run({ camera, microphone: part("microphones", HTMLSelectElement).value });
  }
}

/**
 * @param {string} id @param {Sign} sign @param {string} title @param {string} help @param {Record<Sign, string>} signs
 */
function mark(id, sign, title, help, signs = SIGNS) {
  const item = part(id, HTMLLIElement);
  const holder = item.querySelector("[data-sign]");
  if (holder) {
    holder.className = sign;
    setIcon(holder, signs[sign]);
  }
  const [bold, small] = [item.querySelector("b"), item.querySelector("small")];
  if (bold) bold.textContent = title;
  if (small) small.textContent = help;
}

/** @param {string} id @param {import("../media/devices.js").Device[]} devices @param {string} [current] */
function options(id, devices, current) {
  const select = part(id, HTMLSelectElement);
  select.replaceChildren(...devices.map((d) => new Option(d.label || d.id, d.id, false, d.label === current)));
}
