// Tells the context's time of the first loud sample after a silence.

const LOUD = 0.05;
const SILENCE_S = 0.3;

class Beeps extends AudioWorkletProcessor {
  #loudAt = -1;

  /** @param {Float32Array[][]} inputs */
  process([input]) {
    const samples = input[0] ?? [];
    for (let n = 0; n < samples.length; n++) {
      if (Math.abs(samples[n]) < LOUD) continue;
      const at = currentTime + n / sampleRate;
      if (at - this.#loudAt > SILENCE_S) this.port.postMessage(at);
      this.#loudAt = at;
    }
    return true;
  }
}

registerProcessor("beeps", Beeps);
