// The worded buttons under the picture: microphone, camera, screen.
import { openScreen } from "../media/devices.js";
import { onClick, part, setIcon } from "./page.js";

/** @typedef {import("../media/connection.js").RoomConnection} RoomConnection */
/** @typedef {import("./devices.js").OwnDevices} OwnDevices */
/** @typedef {import("./stage.js").Stage} Stage */

export class Dock {
  #micOff = false;
  #cameraOff;
  /** @type {MediaStreamTrack | null} */
  #screen = null;

  /** @param {RoomConnection} connection @param {OwnDevices} devices @param {Stage} stage @param {Record<string, string>} words */
  constructor(connection, devices, stage, words) {
    this.connection = connection;
    this.devices = devices;
    this.stage = stage;
    this.words = words;
    this.#cameraOff = devices.camera === null;
    onClick("mute", () => this.#turnMic());
    onClick("camera", () => this.#turnCamera());
    onClick("screen", () => this.#turnScreen());
    part("mute", HTMLButtonElement).disabled = devices.microphone === null;
    // Phones cannot share their screen from a page.
    part("screen", HTMLElement).hidden = !("getDisplayMedia" in (navigator.mediaDevices ?? {}));
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
  }

  close() {
    this.#screen?.stop();
  }

  #turnMic() {
    this.#micOff = !this.#micOff;
    this.connection.setMuted("microphone", this.#micOff);
    this.stage.showSelfMuted(this.#micOff);
    this.#draw();
  }

  async #turnCamera() {
    if (!this.devices.camera) {
      const camera = await this.devices.openCameraLater();
      if (!camera) return;
      await this.connection.publish(camera, "camera");
    }
    this.#cameraOff = !this.#cameraOff;
    this.connection.setMuted("camera", this.#cameraOff);
    this.stage.showSelf(this.devices.camera);
    this.#draw();
  }

  async #turnScreen() {
    if (this.#screen) return this.#endScreen();
    const stream = await openScreen().catch(() => null); // changing one's mind is no fault
    const track = stream?.getVideoTracks()[0];
    if (!track) return;
    this.#screen = track;
    track.addEventListener("ended", () => this.#endScreen());
    await this.connection.publish(track, "screen");
    this.#draw();
  }

  #endScreen() {
    this.#screen?.stop();
    this.#screen = null;
    this.connection.unpublish("screen");
    this.#draw();
  }

  #draw() {
    const { words } = this;
    draw("mute", this.#micOff, this.#micOff ? words.unmute : words.mute, this.#micOff ? "mic-off" : "mic");
    draw("camera", this.#cameraOff, this.#cameraOff ? words.cameraOn : words.cameraOff, this.#cameraOff ? "video-off" : "video");
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
