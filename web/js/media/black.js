// A picture of nothing, sent in the camera's place while that is off: whoever records or broadcasts goes on with black
// rather than with the last face, and nothing has to be negotiated anew.

const EVERY_MS = 1000;

export class BlackPicture {
  #canvas = document.createElement("canvas");
  #timer;
  track;

  /** As large as the camera's own, so that sizes and parameters stay. @param {MediaTrackSettings} camera */
  constructor({ width = 640, height = 360 }) {
    Object.assign(this.#canvas, { width, height });
    this.#draw();
    const [track] = this.#canvas.captureStream(1).getVideoTracks();
    if (!track) throw new Error("a canvas has a picture");
    this.track = track;
    this.#timer = setInterval(() => this.#draw(), EVERY_MS); // a canvas that does not change sends nothing
  }

  close() {
    clearInterval(this.#timer);
    this.track.stop();
  }

  #draw() {
    const { width, height } = this.#canvas;
    this.#canvas.getContext("2d", { alpha: false })?.fillRect(0, 0, width, height);
  }
}
