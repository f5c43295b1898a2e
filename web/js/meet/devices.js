// Opens what there is of camera and microphone, and remembers why the rest could not be opened.
import { DeviceError, openCamera } from "../media/devices.js";

/** @typedef {import("../media/devices.js").DeviceProblem} DeviceProblem */
/** @typedef {{camera?: string, microphone?: string}} Choice */

export class OwnDevices {
  stream = new MediaStream();
  /** @type {DeviceProblem | null} */
  cameraProblem = null;
  /** @type {DeviceProblem | null} */
  micProblem = null;

  get camera() {
    return this.stream.getVideoTracks()[0] ?? null;
  }

  get microphone() {
    return this.stream.getAudioTracks()[0] ?? null;
  }

  /** Opens both at once, so that the browser asks once; if that fails, each by itself. @param {Choice} [choice] */
  async open(choice = {}) {
    this.close();
    this.cameraProblem = this.micProblem = null;
    try {
      this.#keep(await openCamera({ deviceIds: choice }));
    } catch {
      this.micProblem = await this.#try({ video: false, audio: true, deviceIds: choice });
      this.cameraProblem = await this.#try({ video: true, audio: false, deviceIds: choice });
    }
  }

  /** Opens the camera alone, for who came in without. @returns {Promise<MediaStreamTrack | null>} */
  async openCameraLater() {
    this.cameraProblem = await this.#try({ video: true, audio: false });
    return this.camera;
  }

  closeCamera() {
    for (const track of this.stream.getVideoTracks()) {
      track.stop();
      this.stream.removeTrack(track);
    }
  }

  close() {
    this.closeCamera();
    for (const track of this.stream.getAudioTracks()) {
      track.stop();
      this.stream.removeTrack(track);
    }
  }

  /** @param {Parameters<typeof openCamera>[0]} options @returns {Promise<DeviceProblem | null>} */
  async #try(options) {
    try {
      this.#keep(await openCamera(options));
      return null;
    } catch (error) {
      return error instanceof DeviceError ? error.problem : "unknown";
    }
  }

  /** @param {MediaStream} stream */
  #keep(stream) {
    for (const track of stream.getTracks()) this.stream.addTrack(track);
  }
}
