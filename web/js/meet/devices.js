// Opens what there is of camera and microphone, remembers why the rest could not be opened, and notices what goes away.
import { DeviceError, listDevices, openCamera } from "../media/devices.js";

/** @typedef {import("../media/devices.js").Device} Device */
/** @typedef {import("../media/devices.js").DeviceProblem} DeviceProblem */
/** @typedef {"camera" | "microphone"} Kind */
/** @typedef {{camera?: string, microphone?: string}} Choice */

/**
 * Events, each a CustomEvent with {kind}: "lost" (unplugged, or taken away for good), "silenced" (the system keeps it
 * for itself for now, as during a telephone call), "restored"; and "change" when something was plugged in or pulled
 * out.
 */
export class OwnDevices extends EventTarget {
  stream = new MediaStream();
  /** @type {DeviceProblem | null} */
  cameraProblem = null;
  /** @type {DeviceProblem | null} */
  micProblem = null;
  /** The devices that were used last: they are tried first. @type {Choice} */
  #last = {};

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this.#lookAround());
  }

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

  /**
   * Opens one of them (again), the one used last if it is there and no other is asked for.
   * @param {Kind} kind @param {string} [id] @returns {Promise<MediaStreamTrack | null>}
   */
  async reopen(kind, id = this.#last[kind]) {
    this.#close(kind);
    const isCamera = kind === "camera";
    const problem = await this.#try({ video: isCamera, audio: !isCamera, deviceIds: { [kind]: id } });
    if (isCamera) this.cameraProblem = problem;
    else this.micProblem = problem;
    return isCamera ? this.camera : this.microphone;
  }

  closeCamera() {
    this.#close("camera");
  }

  close() {
    this.#close("camera");
    this.#close("microphone");
  }

  /** What else could be used as that. @param {Kind} kind @returns {Promise<Device[]>} */
  async list(kind) {
    const { cameras, microphones } = await listDevices();
    return kind === "camera" ? cameras : microphones;
  }

  /** @param {Kind} kind */
  #close(kind) {
    for (const track of kind === "camera" ? this.stream.getVideoTracks() : this.stream.getAudioTracks()) {
      this.stream.removeTrack(track);
      track.stop();
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
    for (const track of stream.getTracks()) {
      this.stream.addTrack(track);
      const kind = track.kind === "audio" ? "microphone" : "camera";
      this.#last[kind] = track.getSettings().deviceId;
      track.addEventListener("ended", () => this.#lose(track));
      track.addEventListener("mute", () => this.#tell("silenced", track));
      track.addEventListener("unmute", () => this.#tell("restored", track));
    }
  }

  /** @param {MediaStreamTrack} track */
  #lose(track) {
    if (!this.stream.getTracks().includes(track)) return; // we closed it ourselves
    this.stream.removeTrack(track);
    track.stop();
    if (track.kind === "audio") this.micProblem = "gone";
    else this.cameraProblem = "gone";
    this.#dispatch("lost", track);
  }

  /** Not every browser says that a device in use was pulled out: it is missing in the list all the same. */
  async #lookAround() {
    const { cameras, microphones } = await listDevices();
    const all = [...cameras, ...microphones].map((device) => device.id);
    const known = all.some((id) => id !== "");
    for (const track of this.stream.getTracks()) {
      const id = track.getSettings().deviceId;
      if (known && id && !all.includes(id)) this.#lose(track);
    }
    this.dispatchEvent(new CustomEvent("change", { detail: {} }));
  }

  /** @param {string} event @param {MediaStreamTrack} track */
  #tell(event, track) {
    if (this.stream.getTracks().includes(track)) this.#dispatch(event, track);
  }

  /** @param {string} event @param {MediaStreamTrack} track */
  #dispatch(event, track) {
    const kind = track.kind === "audio" ? "microphone" : "camera";
    this.dispatchEvent(new CustomEvent(event, { detail: { kind } }));
  }
}
