// Two short tones: to try the loudspeaker, and to say that one may go in.

/** @type {AudioContext | undefined} */
let context;

/** Plays them; needs one earlier tap on the page in most browsers. */
export function chime() {
  context ??= new AudioContext();
  void context.resume().catch(() => {});
  tone(context, 660, 0);
  tone(context, 880, 0.22);
}

/** @param {AudioContext} audio @param {number} frequency in Hz @param {number} delay_s */
function tone(audio, frequency, delay_s) {
  const begin = audio.currentTime + delay_s;
  const oscillator = new OscillatorNode(audio, { frequency });
  const volume = new GainNode(audio, { gain: 0 });
  volume.gain.setValueAtTime(0, begin);
  volume.gain.linearRampToValueAtTime(0.25, begin + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.4);
  oscillator.connect(volume).connect(audio.destination);
  oscillator.start(begin);
  oscillator.stop(begin + 0.45);
}
