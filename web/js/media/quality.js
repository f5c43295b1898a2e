// Whether a line is weak, and in which way: where people begin to notice. Good lines are not spoken of.

/** @import {TrackReport} from "./messages.js" */
/** @import {DownStats, UpStats} from "./stats.js" */

/** @typedef {"upload" | "download" | "delay"} Weakness of our own line */
/** @typedef {{up: UpStats[], down: DownStats[], reports: Record<string, TrackReport>, paused: Set<string>}} Measures */

const LOSS = 0.05;
const SLOW_S = 0.5;
const FROZEN_S = 0.5;
const CONCEALED = 0.05;
const FEW_PACKETS = 50;

export class LineJudge {
  /** @type {Map<string, DownStats>} */
  #before = new Map();

  /**
   * What is wrong with our own line, and which tracks suffer although ours is good: there it is theirs.
   * @param {Measures} measures @returns {{own: Weakness | null, theirs: Set<string>}}
   */
  judge({ up, down, reports, paused }) {
    const own = judgeUp(up) ?? (paused.size > 0 || this.#loss(down) > LOSS ? "download" : null);
    const suffering = own ? [] : Object.entries(reports).filter(([, report]) => suffers(report));
    return { own, theirs: new Set(suffering.map(([track]) => track)) };
  }

  /**
   * The worst share lost of any track since last time; sound is not sent again, so it tells most.
   * @param {DownStats[]} down
   */
  #loss(down) {
    const losses = down.map((now) => {
      const before = this.#before.get(now.track);
      const lost = now.packetsLost - (before?.packetsLost ?? 0);
      const all = lost + now.packetsReceived - (before?.packetsReceived ?? 0);
      return all < FEW_PACKETS ? 0 : lost / all;
    });
    this.#before = new Map(down.map((now) => [now.track, now]));
    return Math.max(0, ...losses);
  }
}

/** @param {UpStats[]} up @returns {Weakness | null} */
function judgeUp(up) {
  if (up.some((stats) => stats.fractionLost > LOSS || isSmall(stats))) return "upload";
  return up.some((stats) => stats.roundTripTime > SLOW_S) ? "delay" : null;
}

/**
 * The line has room for half the picture at most. Where the browser does not say why, the line is the likely reason.
 * @param {UpStats} stats
 */
function isSmall({ limitedBy, height, sourceHeight }) {
  return ["bandwidth", "unknown"].includes(limitedBy) && height > 0 && height * 2 <= sourceHeight;
}

/** @param {TrackReport} report */
function suffers(report) {
  return report.frozen_s > FROZEN_S || report.concealed > CONCEALED;
}
