// The worded buttons under the picture: microphone, camera, screen. Off is off: a camera that is not shown is closed.
import { BlackPicture } from "../media/black.js";
import { DeviceError, openScreen } from "../media/devices.js";
import { DeviceTrouble } from "./device_trouble.js";
import { onClick, part, setIcon } from "./page.js";

/** @typedef {import("../media/connection.js").RoomConnection} RoomConnection */
/** @typedef {import("./devices.js").Kind} Kind */
/** @typedef {import("./devices.js").OwnDevices} OwnDevices */
/** @typedef {import("./stage.js").Stage} Stage */

export class Dock {
  #micOff = false;
  #cameraOff;
  #turning = false;
  /** What the system took away by itself, and will give back. @type {Set<Kind>} */
  #silenced = new Set();
  /** @type {BlackPicture | null} */
  #black = null;
  /** @type {MediaStreamTrack | null} */
  #screen = null;
  #closed = new AbortController();

  /**
   * @param {object} options
   * @param {RoomConnection} options.connection @param {OwnDevices} options.devices @param {Stage} options.stage
   * @param {Record<string, string>} options.words
   * @param {(microphone: MediaStreamTrack) => void} options.onMicrophone another one is used from now on
   */
  constructor({ connection, devices, stage, words, onMicrophone }) {
    this.connection = connection;
    this.devices = devices;
    this.stage = stage;
    this.words = words;
    this.onMicrophone = onMicrophone;
    this.#cameraOff = devices.camera === null;
    this.trouble = new DeviceTrouble(devices, words, (kind, id) => this.#use(kind, id));
    onClick("mute", () => this.#turnMic());
    onClick("camera", () => this.#turnCamera());
    onClick("screen", () => this.#turnScreen());
    part("mute", HTMLButtonElement).disabled = devices.microphone === null;
    // Phones cannot share their screen from a page.
    part("screen", HTMLElement).hidden = !("getDisplayMedia" in (navigator.mediaDevices ?? {}));
    this.#listen();
    this.#draw();
  }

  /** Sends what we have. */
  async publish() {
    const { camera, microphone } = this.devices;
    this.stage.showSelf(camera);
    const { connection } = this;
    await Promise.all([
      microphone && connection.publish(microphone, "microphone"), // both in one offer
      camera && connection.publish(camera, "camera"),
    ]);
    if (microphone?.muted) this.#silence("microphone");
    if (camera?.muted) this.#silence("camera");
  }

  close() {
    this.#closed.abort();
    this.trouble.close();
    this.#black?.close();
    this.#screen?.stop();
  }

  #listen() {
    const { signal } = this.#closed;
    /** @param {string} event @param {(kind: Kind) => void} act */
    const on = (event, act) =>
      this.devices.addEventListener(event, (told) => act(/** @type {CustomEvent} */ (told).detail.kind), { signal });
    on("lost", (kind) => this.#lose(kind));
    on("silenced", (kind) => this.#silence(kind));
    on("restored", (kind) => this.#restore(kind));
  }

  async #turnMic() {
    if (this.#micOff && !this.devices.microphone) return this.#use("microphone");
    this.#micOff = !this.#micOff;
    this.#tell("microphone");
  }

  /** Twice pressed while the camera still opens is once pressed. */
  async #turnCamera() {
    if (this.#turning) return;
    this.#turning = true;
    try {
      if (this.#cameraOff) await this.#use("camera");
      else await this.#closeCamera();
    } finally {
      this.#turning = false;
    }
  }

  /** Opens a device, in place of the one that was used before. @param {Kind} kind @param {string} [id] */
  async #use(kind, id) {
    const track = await this.devices.reopen(kind, id);
    if (!track) return this.trouble.refused(kind);
    if (this.#closed.signal.aborted) return track.stop();
    this.trouble.clear(kind);
    this.#silenced.delete(kind);
    await this.connection.publish(track, kind);
    if (kind === "microphone") {
      this.#micOff = false;
      part("mute", HTMLButtonElement).disabled = false;
      this.onMicrophone(track);
    } else {
      this.#cameraOff = false;
      this.#black?.close();
      this.#black = null;
    }
    this.#tell(kind);
  }

  /** The device is given back to the system, its light goes out; black is sent instead. */
  async #closeCamera() {
    this.#cameraOff = true;
    const settings = this.devices.camera?.getSettings() ?? {};
    this.#tell("camera");
    try {
      await this.#sendBlack(settings);
    } finally {
      // Also where the line is down and black cannot be sent: whoever turns the camera off has it off.
      this.devices.closeCamera();
      this.stage.showSelf(null);
    }
  }

  /** @param {MediaTrackSettings} settings */
  async #sendBlack(settings) {
    this.#black?.close();
    this.#black = new BlackPicture(settings);
    await this.connection.publish(this.#black.track, "camera");
  }

  /** @param {Kind} kind */
  #lose(kind) {
    if (kind === "microphone") this.#micOff = true;
    else this.#cameraOff = true;
    this.#silenced.delete(kind);
    this.#tell(kind);
    if (kind === "camera") void this.#sendBlack({}).catch(() => {});
    this.trouble.lost(kind);
  }

  /** @param {Kind} kind */
  #silence(kind) {
    this.#silenced.add(kind);
    this.#tell(kind);
    this.trouble.silenced(kind);
  }

  /** @param {Kind} kind */
  #restore(kind) {
    if (!this.#silenced.delete(kind)) return;
    this.trouble.clear(kind);
    this.#tell(kind);
  }

  /** What is so now, to the others, on our own picture and on the button. @param {Kind} kind */
  #tell(kind) {
    const off = (kind === "microphone" ? this.#micOff : this.#cameraOff) || this.#silenced.has(kind);
    this.connection.setMuted(kind, off);
    if (kind === "microphone") this.stage.showSelfMuted(off);
    else this.stage.showSelf(off ? null : this.devices.camera);
    this.#draw();
  }

  async #turnScreen() {
    if (this.#screen) return this.#endScreen();
    this.trouble.clear("screen");
    const track = await this.#chooseScreen();
    if (!track) return;
    if (this.#closed.signal.aborted || this.#screen) return track.stop(); // chosen after the end, or in a second window
    this.#screen = track;
    track.addEventListener("ended", () => this.#endScreen());
    try {
      await this.connection.publish(track, "screen");
    } catch {
      this.#endScreen(); // nobody sees it: the browser's own sign of sharing must not say otherwise
      return this.trouble.notShared("failed");
    }
    this.#draw();
  }

  async #chooseScreen() {
    try {
      return (await openScreen()).getVideoTracks()[0];
    } catch (error) {
      this.trouble.notShared(error instanceof DeviceError ? error.problem : "unknown");
      return undefined;
    }
  }

  #endScreen() {
    this.#screen?.stop();
    this.#screen = null;
    this.connection.unpublish("screen");
    this.#draw();
  }

  #draw() {
    const { words } = this;
    const micOff = this.#micOff || this.#silenced.has("microphone");
    const cameraOff = this.#cameraOff || this.#silenced.has("camera");
    draw("mute", micOff, micOff ? words.unmute : words.mute, micOff ? "mic-off" : "mic");
    draw("camera", cameraOff, cameraOff ? words.cameraOn : words.cameraOff, cameraOff ? "video-off" : "video");
    draw("screen", this.#screen !== null, this.#screen ? words.unshare : words.share, "screen");
  }
}

/** @param {string} id @param {boolean} pressed @param {string} text @param {string} iconName */
function draw(id, pressed, text, iconName) {
  const button = part(id, HTMLButtonElement);
  button.setAttribute("aria-pressed", String(pressed));
  button.classList.toggle("is-off", pressed);
  const label = button.querySelector("span");
  if (label) label.textContent = text;
  setIcon(button, iconName);
}
