/** What the browser's statistics say of each track, in the few numbers that we show and test. */

/** @typedef {{framesDecoded: number, framesSent: number, packetsLost: number, roundTripTime: number|null}} TrackStats */

/**
 * @param {Iterable<import("./peer.js").UpPeer|import("./peer.js").DownPeer|null>} peers
 * @returns {Promise<Record<string, TrackStats>>} by track id
 */
export async function trackStats(peers) {
  /** @type {Record<string, TrackStats>} */
  const found = {};
  for (const peer of peers) {
    if (!peer) continue;
    const report = /** @type {Map<string, any>} */ (await peer.pc.getStats());
    const pair = [...report.values()].find((s) => s.type === "candidate-pair" && s.nominated);
    for (const stats of report.values()) {
      if (stats.type !== "inbound-rtp" && stats.type !== "outbound-rtp") continue;
      const id = peer.idOf(stats);
      if (!id) continue;
      const remote = report.get(stats.remoteId);
      found[id] = {
        framesDecoded: stats.framesDecoded ?? 0,
        framesSent: stats.framesSent ?? 0,
        packetsLost: stats.packetsLost ?? remote?.packetsLost ?? 0,
        roundTripTime: remote?.roundTripTime ?? pair?.currentRoundTripTime ?? null,
      };
    }
  }
  return found;
}
