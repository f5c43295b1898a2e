// Camera, microphone and screen of this machine.

/** @typedef {"denied" | "missing" | "busy" | "gone" | "insecure" | "unsupported" | "unknown"} DeviceProblem */

/** Why a device could not be opened; `name` says it in one word. */
export class DeviceError extends Error {
  /** @param {DeviceProblem} problem @param {unknown} [cause] */
  constructor(problem, cause) {
    super(problem, { cause });
    /** @type {DeviceProblem} */
    this.problem = problem;
    this.name = problem;
  }
}

/** @type {Record<string, DeviceProblem>} */
const PROBLEMS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

const VIDEO = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 } };
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const SCREEN = { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 15, max: 30 } };

/**
 * Opens camera, microphone or both. Rejects with DeviceError.
 * @param {object} [options]
 * @param {boolean} [options.video]
 * @param {boolean} [options.audio]
 * @param {{camera?: string, microphone?: string}} [options.deviceIds] preferred ones; if they have gone, others will do
 * @returns {Promise<MediaStream>}
 */
export async function openCamera({ video = true, audio = true, deviceIds = {} } = {}) {
  const { camera, microphone } = deviceIds;
  return open((devices) =>
    devices.getUserMedia({
      video: video && { ...VIDEO, ...(camera ? { deviceId: { ideal: camera } } : {}) },
      audio: audio && { ...AUDIO, ...(microphone ? { deviceId: { ideal: microphone } } : {}) },
    }),
  );
}

/**
 * Lets the user choose what to share. Rejects with DeviceError ("denied" if they chose nothing).
 * @returns {Promise<MediaStream>}
 */
export async function openScreen() {
  return open((devices) => {
    if (!devices.getDisplayMedia) throw new DeviceError("missing");
    return devices.getDisplayMedia({ video: SCREEN, audio: false });
  });
}

/** @param {(devices: MediaDevices) => Promise<MediaStream>} how */
async function open(how) {
  // Two causes for one lack: the address (a plain-HTTP page of another machine), or the browser itself.
  if (!navigator.mediaDevices) throw new DeviceError(window.isSecureContext ? "unsupported" : "insecure");
  try {
    return await how(navigator.mediaDevices);
  } catch (error) {
    if (error instanceof DeviceError) throw error;
    throw new DeviceError((error instanceof Error && PROBLEMS[error.name]) || "unknown", error);
  }
}

/** @typedef {{id: string, label: string}} Device a label is empty until a device has been opened */

/**
 * What is plugged in; nothing while the browser keeps that back, which is to stop nobody.
 * @returns {Promise<{cameras: Device[], microphones: Device[], speakers: Device[]}>}
 */
export async function listDevices() {
  const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  /** @param {MediaDeviceKind} kind */
  const of = (kind) =>
    all.filter((device) => device.kind === kind).map(({ deviceId, label }) => ({ id: deviceId, label }));
  return { cameras: of("videoinput"), microphones: of("audioinput"), speakers: of("audiooutput") };
}

const METER_MS = 60;
const QUIET_DB = -60;
/** @type {AudioContext | undefined} */
let context;

/**
 * Calls back with the loudness, 0 (silent) … 1 (full), about 16 times a second.
 * @param {MediaStreamTrack} track @param {(level: number) => void} callback
 * @returns {() => void} stops it
 */
export function meter(track, callback) {
  context ??= new AudioContext();
  void context.resume().catch(() => {}); // before the first tap it may have to wait
  const input = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  const samples = new Float32Array(analyser.fftSize);
  input.connect(analyser);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    callback(loudness(samples));
  }, METER_MS);
  return () => {
    clearInterval(timer);
    input.disconnect();
  };
}

/** @param {Float32Array} samples */
function loudness(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const decibels = 10 * Math.log10(power || Number.MIN_VALUE);
  return Math.min(1, Math.max(0, 1 - decibels / QUIET_DB));
}
