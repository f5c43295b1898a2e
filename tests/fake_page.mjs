// What our modules ask of a browser's page, for Node: every element exists, and remembers what was done to it.

class Anything extends EventTarget {
  static [Symbol.hasInstance]() {
    return true;
  }
}

export class Element extends EventTarget {
  textContent = "";
  hidden = false;
  children = [];
  attributes = {};
  parts = new Map();
  classList = { toggle() {}, add() {}, remove() {} };

  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  getAttribute(name) {
    return this.attributes[name] ?? null;
  }
  append(...children) {
    this.children.push(...children);
  }
  replaceChildren(...children) {
    this.children = children;
  }
  querySelector(selector) {
    if (!this.parts.has(selector)) this.parts.set(selector, new Element());
    return this.parts.get(selector);
  }
  insertBefore(child, next) {
    this.children.splice(next ? this.children.indexOf(next) : this.children.length, 0, child);
  }
  remove() {}
  focus() {}
  click() {
    this.dispatchEvent(new Event("click"));
  }
}

const elements = new Map();
export function byId(id) {
  if (!elements.has(id)) elements.set(id, new Element());
  return elements.get(id);
}

for (const name of ["HTMLElement", "HTMLVideoElement", "HTMLSelectElement", "HTMLLIElement", "HTMLButtonElement",
  "HTMLInputElement", "HTMLFormElement", "HTMLAnchorElement", "HTMLUListElement", "HTMLOListElement"]) globalThis[name] = Anything;
globalThis.window = globalThis;
globalThis.isSecureContext = true;
globalThis.RTCPeerConnection = class {
  addTransceiver() {}
};
globalThis.WebSocket = class {};
globalThis.Option = class {
  constructor(text, value) {
    Object.assign(this, { text, value });
  }
};
globalThis.MediaStream = class extends EventTarget {
  constructor(tracks = []) {
    super();
    this.tracks = [...tracks];
  }
  getTracks() {
    return this.tracks;
  }
  getVideoTracks() {
    return this.tracks.filter((track) => track.kind === "video");
  }
  getAudioTracks() {
    return this.tracks.filter((track) => track.kind === "audio");
  }
  addTrack(track) {
    this.tracks.push(track);
  }
  removeTrack(track) {
    this.tracks = this.tracks.filter((other) => other !== track);
  }
};
export class Track extends EventTarget {
  constructor(kind, deviceId = kind) {
    super();
    Object.assign(this, { kind, deviceId, label: `${kind} 1`, readyState: "live" });
  }
  getSettings() {
    return { deviceId: this.deviceId };
  }
  stop() {
    this.readyState = "ended";
  }
}
globalThis.document = Object.assign(new EventTarget(), {
  getElementById: byId,
  querySelectorAll: () => [],
  querySelector: () => null,
  createElement: () => new Element(),
  createElementNS: () => new Element(),
});

/** Makes this browser's devices: `list` answers or refuses `enumerateDevices`. */
export function lend(mediaDevices) {
  const devices = Object.assign(new EventTarget(), mediaDevices);
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: devices, userAgent: "" }, configurable: true });
  return devices;
}
lend({ getUserMedia: async () => new MediaStream(), enumerateDevices: async () => [] });
