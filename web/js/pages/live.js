// The live page: player, how many watch, how late we are; afterwards the same page plays from the start.
import Hls from "/static/vendor/hls.mjs";
import { LivePlayer } from "../live/player.js";
import { ask } from "../meet/api.js";
import { fill, onClick, part, partIfAny, say, setIcon } from "../meet/page.js";
import { PlayerBar } from "../meet/player_bar.js";

const ASK_MS = 10_000;
const ASK_WAITING_MS = 2000;
const BACK_SAID_MS = 6000;
/** What the station calls a broadcast without a picture now, and the words for it. */
const AWAY = { waiting: "notYet", interrupted: "away" };
const root = part("live", HTMLElement);
const id = root.dataset.broadcast ?? "";
/** @type {Record<string, string>} */
const words = JSON.parse(root.dataset.words ?? "{}");
const video = part("video", HTMLVideoElement);
const player = new LivePlayer(video, root.dataset.src ?? `/live/${id}/index.m3u8`, { Hls });
const bar = new PlayerBar(video, words, () => player.range, player);

/** Why there is no picture, as the station says; empty while there is one. */
let away = "";
let saidAway = false;
let saidBackUntil = 0;
let timer = 0;

/** The page of a review has no such line. @param {string} id @param {string} text */
function write(id, text) {
  const line = partIfAny(id, HTMLElement);
  if (line) line.textContent = text;
}

/** Nothing moves although the viewer wants it to. */
const waits = () => ["loading", "stalled", "reconnecting"].includes(player.state);

function show() {
  const { state, isOver, isBehind } = player;
  document.body.dataset.playerState = state;
  const why = waits() && !isOver ? away : "";
  if (why) saidAway = true;
  else if (saidAway && state === "playing") sayBack();
  say(document.getElementById("away"), why);
  say(document.getElementById("player-state"), why ? "" : sentence(state));
  const toLive = partIfAny("to-live", HTMLElement);
  if (toLive) toLive.hidden = isOver || !isBehind;
  if (isOver) showOver();
}

/** @param {string} state */
function sentence(state) {
  if (state === "playing" && performance.now() < saidBackUntil) return words.back ?? "";
  const told = ["loading", "stalled", "reconnecting", "blocked", "finished", "unsupported"];
  return told.includes(state) ? (words[state] ?? "") : "";
}

function sayBack() {
  saidAway = false;
  saidBackUntil = performance.now() + BACK_SAID_MS;
  setTimeout(show, BACK_SAID_MS);
}

function showOver() {
  const sign = part("sign", HTMLElement);
  sign.className = "badge tag";
  setIcon(sign, "play");
  const label = sign.querySelector("span");
  if (label) label.textContent = words.replay ?? "";
  write("latency", "");
  write("viewers", "");
}

/** It is over and the recording not public before its review, or it has been recalled: nothing more can be watched. */
function close() {
  player.close();
  for (const useless of document.querySelectorAll("#scrub, .player-bar, #sign, .player .plate")) {
    if (useless instanceof HTMLElement) useless.hidden = true;
  }
  say(document.getElementById("away"), words.closed ?? "");
  say(document.getElementById("player-state"), "");
  showOver();
}

/** Asks the station how it goes, more often while the picture stands still. */
async function refresh() {
  clearTimeout(timer);
  const now = await ask(`/api/v1/broadcasts/${id}`).catch(() => null);
  if (now && !now.public && !root.dataset.src) return close();
  const why = AWAY[/** @type {keyof typeof AWAY} */ (now?.state ?? "")];
  away = why ? (words[why] ?? "") : "";
  player.sourceAway = Boolean(why);
  if (now?.source) part("source", HTMLElement).textContent = now.source;
  if (now?.live && now.viewers) {
    write("viewers", fill(words.viewers ?? "", { n: now.viewers }));
  }
  const latency = player.state === "playing" && !why ? player.latency : null;
  const late = now?.live && latency ? fill(words.behind ?? "", { n: latency.toFixed(1) }) : "";
  write("latency", late);
  show();
  clearTimeout(timer);
  if (root.dataset.live && !player.isOver) timer = setTimeout(refresh, waits() ? ASK_WAITING_MS : ASK_MS);
}

player.addEventListener("state", () => {
  show();
  if (["stalled", "reconnecting", "finished"].includes(player.state)) void refresh();
});
onClick("to-start", () => player.rewindToStart());
onClick("to-live", () => player.backToLive());
setInterval(() => bar.draw(), 1000);
void refresh();
