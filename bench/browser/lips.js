// When flashes are seen and beeps are heard, in Unix milliseconds.

const BRIGHT = 128;

const noted = { /** @type {number[]} */ flashes: [], /** @type {number[]} */ beeps: [] };

/**
 * Notes when each flash begins: when it was captured in our own picture, when it comes to the screen in another's.
 * @param {HTMLVideoElement} video @param {"captureTime" | "expectedDisplayTime"} moment
 */
function noteFlashes(video, moment) {
  const canvas = new OffscreenCanvas(1, 1);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  let wasBright = true;
  /** @param {number} _ @param {VideoFrameCallbackMetadata} frame */
  const note = (_, frame) => {
    drawing?.drawImage(video, 0, 0, 1, 1);
    const isBright = (drawing?.getImageData(0, 0, 1, 1).data[0] ?? 0) > BRIGHT;
    if (isBright && !wasBright) noted.flashes.push(performance.timeOrigin + (frame[moment] ?? NaN));
    wasBright = isBright;
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
}

/** @param {MediaStream} stream */
async function noteBeeps(stream) {
  const context = new AudioContext();
  await context.audioWorklet.addModule("/bench/beep.worklet.js");
  const beeps = new AudioWorkletNode(context, "beeps");
  beeps.port.onmessage = ({ data }) => {
    const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
    noted.beeps.push(performance.timeOrigin + performanceTime + (data - contextTime) * 1000);
  };
  context.createMediaStreamSource(stream).connect(beeps).connect(context.destination);
}

/** Our own camera and microphone. */
async function noteOwn() {
  const stream = /** @type {MediaStream} */ (Reflect.get(window, "own"));
  const video = document.createElement("video");
  Object.assign(video, { srcObject: stream, muted: true, autoplay: true });
  document.body.append(video);
  noteFlashes(video, "captureTime");
  await noteBeeps(stream);
}

/** The one other person's. */
async function noteOther() {
  const video = document.querySelector("video");
  const audio = document.querySelector("audio");
  if (!video || !audio) throw new Error("nobody publishes both");
  noteFlashes(video, "expectedDisplayTime");
  await noteBeeps(/** @type {MediaStream} */ (audio.srcObject));
}

Object.assign(window, { noted, noteOwn, noteOther });
