// What a person can send with a bug report: figures, states and times; nothing that names anybody or opens anything.

const LONGEST_TRACE = 300;
// The ids of certificates are made of their fingerprints; addresses tell where somebody lives.
const SECRET = /certificate|fingerprint|ufrag|usernameFragment|password|address|^ip$|^url$|foundation/i;

/** The last things that happened, with the milliseconds since the page was opened. */
export class Trace {
  /** @type {{at_ms: number, what: string, detail: unknown}[]} */
  entries = [];

  /** @param {string} what @param {unknown} [detail] no names */
  note(what, detail) {
    this.entries.push({ at_ms: Math.round(performance.now()), what, detail });
    if (this.entries.length > LONGEST_TRACE) this.entries.shift();
  }
}

/** All statistics of a connection but what is nobody's business. @param {RTCPeerConnection} pc */
export async function describePeer(pc) {
  const stats = [...(await pc.getStats()).values()].filter((entry) => !SECRET.test(entry.type));
  return {
    connection: pc.connectionState,
    ice: pc.iceConnectionState,
    signaling: pc.signalingState,
    stats: stats.map((entry) => Object.fromEntries(Object.entries(entry).filter(([name]) => !SECRET.test(name)))),
  };
}

/** The browser, its screen and what it thinks of its line. */
export function describeBrowser() {
  const { effectiveType, rtt, downlink, type } = /** @type {any} */ (navigator).connection ?? {};
  return {
    agent: navigator.userAgent,
    language: navigator.language,
    screen: [innerWidth, innerHeight, devicePixelRatio],
    cores: navigator.hardwareConcurrency,
    line: { type, effectiveType, rtt, downlink },
    visible: document.visibilityState,
  };
}
