// The first step: one's own picture, a bar that moves, a sound, each with its sign and a sentence.
import { listDevices, meter } from "../media/devices.js";
import { onClick, part, setIcon } from "./page.js";
import { chime } from "./sound.js";

/** @typedef {import("./devices.js").OwnDevices} OwnDevices */
/** @typedef {"ok" | "care" | "wait"} Sign */

const SIGNS = { ok: "sign-done", care: "sign-soon", wait: "sign-wait" };
const SOUND_SIGNS = { ...SIGNS, wait: "volume" };

export class DeviceCheck {
  #stopMeter = () => {};

  /** @param {OwnDevices} devices @param {Record<string, string>} words */
  constructor(devices, words) {
    this.devices = devices;
    this.words = words;
    onClick("play-sound", chime);
    onClick("sound-heard", () => mark("check-sound", "ok", words.heard, "", SOUND_SIGNS));
    onClick("sound-not-heard", () => mark("check-sound", "care", words.notHeard, "", SOUND_SIGNS));
    for (const id of ["cameras", "microphones"]) {
      part(id, HTMLSelectElement).addEventListener("change", () => void this.#choose());
    }
  }

  /** Opens the devices and shows how it went. @param {import("./devices.js").Choice} [choice] */
  async run(choice) {
    await this.devices.open(choice);
    part("preview", HTMLVideoElement).srcObject = this.devices.stream;
    this.#show();
    await this.#list();
  }

  stop() {
    this.#stopMeter();
  }

  #show() {
    const { words, devices } = this;
    const camera = devices.cameraProblem;
    if (camera) mark("check-camera", "care", ...sentences(words, "camera", camera));
    else mark("check-camera", "ok", words.cameraOk, devices.camera?.label ?? "");
    const mic = devices.micProblem;
    if (mic) mark("check-mic", "care", ...sentences(words, "mic", mic));
    else mark("check-mic", "ok", words.micOk, words.micOkHelp);
    this.#stopMeter();
    const bars = [...document.querySelectorAll("#meter rect")];
    if (devices.microphone) {
      this.#stopMeter = meter(devices.microphone, (level) => {
        bars.forEach((bar, number) => bar.setAttribute("class", number < level * bars.length ? "on" : "off"));
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

/** @param {Record<string, string>} words @param {"camera" | "mic"} device @param {string} problem @returns {[string, string]} */
function sentences(words, device, problem) {
  if (problem === "insecure") return [words.insecure, words.insecureHelp];
  if (problem === "denied") return [words[`${device}Denied`], words[`${device}DeniedHelp`]];
  if (problem === "busy" && device === "camera") return [words.cameraBusy, words.cameraBusyHelp];
  return [words[`${device}Missing`], words[`${device}MissingHelp`]];
}

/** @param {string} id @param {Sign} sign @param {string} title @param {string} help @param {Record<Sign, string>} signs */
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
