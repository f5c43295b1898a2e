/** Cameras, microphones and screens, with errors a page can explain. */

/** @typedef {"denied"|"missing"|"busy"|"insecure"|"unsupported"|"cancelled"|"failed"} DeviceFault */

/** Why a device cannot be had. */
export class DeviceError extends Error {
  /** @param {DeviceFault} code @param {unknown} cause */
  constructor(code, cause) {
    super(code, { cause });
    this.name = "DeviceError";
    this.code = code;
  }
}

/** Picture sizes offered at the device check. */
export const SIZES = Object.freeze({
  small: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25, max: 30 } },
  large: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 } },
});

const VOICE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: { ideal: 1 } };

/** @type {Record<string, DeviceFault>} */
const FAULTS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** @param {"small"|"large"} [size] @param {string} [deviceId] @returns {Promise<MediaStreamTrack>} */
export async function openCamera(size = "small", deviceId) {
  const stream = await ask((devices) => devices.getUserMedia({ video: { ...SIZES[size], ...exactly(deviceId) } }));
  return stream.getVideoTracks()[0];
}

/** @param {string} [deviceId] @returns {Promise<MediaStreamTrack>} */
export async function openMicrophone(deviceId) {
  const stream = await ask((devices) => devices.getUserMedia({ audio: { ...VOICE, ...exactly(deviceId) } }));
  return stream.getAudioTracks()[0];
}

/** @returns {Promise<MediaStreamTrack>} what the user picks; DeviceError "cancelled" when nothing is picked */
export async function openScreen() {
  if (!navigator.mediaDevices?.getDisplayMedia) throw new DeviceError("unsupported", null);
  try {
    const stream = await ask((devices) => devices.getDisplayMedia({ video: { frameRate: { ideal: 10, max: 15 } }, audio: false }));
    const [track] = stream.getVideoTracks();
    track.contentHint = "detail";
    return track;
  } catch (error) {
    throw error instanceof DeviceError && error.code === "denied" ? new DeviceError("cancelled", error.cause) : error;
  }
}

/** Devices to choose from; names are empty until one of them has been allowed.
 * @returns {Promise<{cameras: MediaDeviceInfo[], microphones: MediaDeviceInfo[]}>} */
export async function listDevices() {
  const all = await ask((devices) => devices.enumerateDevices());
  return {
    cameras: all.filter((device) => device.kind === "videoinput"),
    microphones: all.filter((device) => device.kind === "audioinput"),
  };
}

/** @param {string|undefined} deviceId */
function exactly(deviceId) {
  return deviceId ? { deviceId: { exact: deviceId } } : {};
}

/** @template T @param {(devices: MediaDevices) => Promise<T>} open @returns {Promise<T>} */
async function ask(open) {
  if (!window.isSecureContext) throw new DeviceError("insecure", null);
  if (!navigator.mediaDevices) throw new DeviceError("unsupported", null);
  try {
    return await open(navigator.mediaDevices);
  } catch (error) {
    throw new DeviceError(FAULTS[error instanceof Error ? error.name : ""] ?? "failed", error);
  }
}
