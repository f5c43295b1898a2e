// The live page: player, how many watch, how late we are; afterwards the same page plays from the start.
import Hls from "/static/vendor/hls.mjs";
import { LivePlayer } from "../live/player.js";
import { ask } from "../meet/api.js";
import { fill, onClick, part, say, setIcon } from "../meet/page.js";
import { PlayerBar } from "../meet/player_bar.js";

const LOOK_MS = 10_000;
const root = part("live", HTMLElement);
const id = root.dataset.broadcast ?? "";
/** @type {Record<string, string>} */
const words = JSON.parse(root.dataset.words ?? "{}");
const video = part("video", HTMLVideoElement);
const player = new LivePlayer(video, `/live/${id}/index.m3u8`, { Hls });
const bar = new PlayerBar(video, words, () => player.range);

/** @param {{state: string, isOver: boolean, isBehind: boolean}} now */
function show({ state, isOver, isBehind }) {
  document.body.dataset.playerState = state;
  const told = ["loading", "reconnecting", "blocked", "finished"].includes(state) ? words[state] : "";
  say(document.getElementById("player-state"), told ?? "");
  part("to-live", HTMLElement).hidden = isOver || !isBehind;
  if (isOver) showOver();
}

function showOver() {
  const sign = part("sign", HTMLElement);
  sign.className = "badge tag";
  setIcon(sign, "play");
  const label = sign.querySelector("span");
  if (label) label.textContent = words.replay ?? "";
  part("latency", HTMLElement).textContent = part("viewers", HTMLElement).textContent = "";
}

async function look() {
  const now = await ask(`/api/v1/broadcasts/${id}`).catch(() => null);
  if (now?.source) part("source", HTMLElement).textContent = now.source;
  if (now?.live && now.viewers) {
    part("viewers", HTMLElement).textContent = fill(words.viewers ?? "", { n: now.viewers });
  }
  const latency = player.latency;
  const late = now?.live && latency ? fill(words.behind ?? "", { n: latency.toFixed(1) }) : "";
  part("latency", HTMLElement).textContent = late;
}

player.addEventListener("state", (event) => show(/** @type {CustomEvent} */ (event).detail));
onClick("to-start", () => player.rewindToStart());
onClick("to-live", () => player.backToLive());
setInterval(() => bar.draw(), 1000);
if (root.dataset.live) setInterval(look, LOOK_MS);
void look();
