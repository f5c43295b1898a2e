/** The two RTCPeerConnections of a person: one up (publish), one down (subscribe). Both are offered by us: no glare. */

/** @typedef {import("./messages.js").Source} Source */
/** @typedef {import("./messages.js").TrackDescription} TrackDescription */
/** @typedef {(type: string, fields: object) => Promise<any>} Request */

const GIVE_UP_AFTER_MS = 6_000;
const VIDEO_BITS_PER_S = { camera: 1_500_000, screen: 2_500_000 };

/** Only what media forwards, H.264 first: what is recorded and broadcast then needs no transcoding. */
function ourCodecs(/** @type {"video"|"audio"} */ kind) {
  const all = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  const name = (/** @type {RTCRtpCodec} */ codec) => codec.mimeType.split("/")[1].toLowerCase();
  const rank = (/** @type {RTCRtpCodec} */ codec) => {
    if (kind === "audio") return name(codec) === "opus" ? 0 : -1;
    if (name(codec) === "vp8") return 2;
    if (name(codec) !== "h264" || !codec.sdpFmtpLine?.includes("packetization-mode=1")) return -1;
    return codec.sdpFmtpLine.includes("profile-level-id=42e0") ? 0 : 1;
  };
  return all.filter((codec) => rank(codec) >= 0).sort((a, b) => rank(a) - rank(b));
}

/** What both directions share. Calls `onLost` once when the connection will not come back by itself. */
class Peer {
  /** @param {Request} request @param {() => void} onLost */
  constructor(request, onLost) {
    this.request = request;
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this._onLost = onLost;
    this._queue = Promise.resolve();
    this._closed = false;
    this.pc.onconnectionstatechange = () => this._watch();
  }

  /** Runs negotiations one after the other. @template T @param {() => Promise<T>} step @returns {Promise<T>} */
  inTurn(step) {
    const turn = this._queue.then(() => {
      if (this._closed) throw new DOMException("the connection is closed", "AbortError");
      return step();
    });
    this._queue = turn.then(() => {}, () => {});
    return turn;
  }

  close() {
    this._closed = true;
    clearTimeout(this._timer);
    this.pc.close();
  }

  _watch() {
    clearTimeout(this._timer);
    const state = this.pc.connectionState;
    if (state === "failed") this._lose();
    else if (state === "disconnected" || state === "connecting") {
      this._timer = setTimeout(() => this._lose(), GIVE_UP_AFTER_MS);
    }
  }

  _lose() {
    if (this._closed) return;
    this.close();
    this._onLost();
  }

  /** @param {RTCRtpTransceiver} transceiver @param {"video"|"audio"} kind */
  _prefer(transceiver, kind) {
    const codecs = ourCodecs(kind);
    if (codecs.length) transceiver.setCodecPreferences(codecs);
  }
}

/** Publishes: one m-line per source, kept when the source is unpublished and used again. */
export class UpPeer extends Peer {
  /** @param {Request} request @param {() => void} onLost */
  constructor(request, onLost) {
    super(request, onLost);
    /** @type {Map<Source, RTCRtpTransceiver>} */
    this._transceivers = new Map();
    /** @type {Map<Source, string>} track id by source */
    this.ids = new Map();
  }

  /**
   * Publishes a track, or puts it in the place of the source's earlier one without negotiating.
   * @param {MediaStreamTrack} track
   * @param {Source} source
   */
  publish(track, source) {
    return this.inTurn(async () => {
      const old = this._transceivers.get(source);
      if (old) await old.sender.replaceTrack(track);
      if (old?.direction === "sendonly") return;
      const transceiver = old ?? this._add(track, source);
      transceiver.direction = "sendonly";
      this._transceivers.set(source, transceiver);
      try {
        await this._negotiate();
      } catch (error) {
        transceiver.direction = "inactive";
        throw error;
      }
    });
  }

  /** @param {Source} source */
  unpublish(source) {
    return this.inTurn(async () => {
      const transceiver = this._transceivers.get(source);
      if (transceiver?.direction !== "sendonly") return;
      await transceiver.sender.replaceTrack(null);
      transceiver.direction = "inactive";
      await this._negotiate();
    });
  }

  /** @param {MediaStreamTrack} track @param {Source} source */
  _add(track, source) {
    const kind = source === "microphone" ? "audio" : "video";
    const init = { direction: /** @type {const} */ ("sendonly"), streams: [new MediaStream([track])] };
    const encodings = source === "microphone" ? {} : { sendEncodings: [{ maxBitrate: VIDEO_BITS_PER_S[source] }] };
    const transceiver = this.pc.addTransceiver(track, { ...init, ...encodings });
    this._prefer(transceiver, kind);
    return transceiver;
  }

  async _negotiate() {
    await this.pc.setLocalDescription(await this.pc.createOffer());
    /** @type {Record<string, Source>} */
    const sources = {};
    for (const [source, transceiver] of this._transceivers) {
      if (transceiver.direction === "sendonly" && transceiver.mid) sources[transceiver.mid] = source;
    }
    try {
      const answer = await this.request("publish", { sdp: this.pc.localDescription?.sdp, sources });
      await this.pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
      this.ids = new Map(Object.entries(answer.tracks).map(([mid, id]) => [sources[mid], id]));
    } catch (error) {
      if (this.pc.signalingState === "have-local-offer") await this.pc.setLocalDescription({ type: "rollback" });
      throw error;
    }
  }

  /** @param {RTCStats & {mid?: string}} stats @returns {string|undefined} the track id that an RTP statistic is of */
  idOf(stats) {
    for (const [source, transceiver] of this._transceivers) {
      if (transceiver.mid === stats.mid) return this.ids.get(source);
    }
    return undefined;
  }
}

/** Subscribes: one m-line per track, used again for another track of its kind when that one is gone. */
export class DownPeer extends Peer {
  /** @param {Request} request @param {() => void} onLost @param {(id: string, track: MediaStreamTrack) => void} onTrack */
  constructor(request, onLost, onTrack) {
    super(request, onLost);
    this._onTrack = onTrack;
    /** @type {Map<string, RTCRtpTransceiver>} by track id */
    this._transceivers = new Map();
    /** @type {RTCRtpTransceiver[]} */
    this._free = [];
  }

  /**
   * Watches exactly these tracks; what has not changed is not touched.
   * @param {() => TrackDescription[]} wanted asked when the turn comes, so that many changes cost one negotiation
   */
  sync(wanted) {
    return this.inTurn(async () => {
      const tracks = wanted();
      const ids = new Set(tracks.map((track) => track.id));
      const gone = [...this._transceivers.keys()].filter((id) => !ids.has(id));
      const added = tracks.filter((track) => !this._transceivers.has(track.id));
      if (!gone.length && !added.length) return;
      for (const id of gone) this._drop(id);
      for (const track of added) this._transceivers.set(track.id, this._take(track.kind));
      await this._negotiate();
      for (const { id } of added) {
        const transceiver = this._transceivers.get(id);
        if (transceiver?.currentDirection === "recvonly") this._onTrack(id, transceiver.receiver.track);
      }
    });
  }

  /** @param {string} id */
  _drop(id) {
    const transceiver = this._transceivers.get(id);
    if (!transceiver) return;
    transceiver.direction = "inactive";
    this._transceivers.delete(id);
    this._free.push(transceiver);
  }

  /** @param {"video"|"audio"} kind */
  _take(kind) {
    const at = this._free.findIndex((transceiver) => transceiver.receiver.track.kind === kind);
    const transceiver = at < 0 ? this.pc.addTransceiver(kind, { direction: "recvonly" }) : this._free.splice(at, 1)[0];
    transceiver.direction = "recvonly";
    this._prefer(transceiver, kind);
    return transceiver;
  }

  async _negotiate() {
    await this.pc.setLocalDescription(await this.pc.createOffer());
    const entries = [...this._transceivers].map(([id, transceiver]) => [transceiver.mid, id]);
    const answer = await this.request("subscribe", {
      sdp: this.pc.localDescription?.sdp,
      tracks: Object.fromEntries(entries),
    });
    await this.pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
  }

  /** @param {RTCStats & {mid?: string}} stats @returns {string|undefined} */
  idOf(stats) {
    for (const [id, transceiver] of this._transceivers) if (transceiver.mid === stats.mid) return id;
    return undefined;
  }
}
