// The replay: starts at the second asked for, chapters seek, and while the video is being made its progress shows.
import { ask } from "../meet/api.js";
import { fill, part, partIfAny } from "../meet/page.js";
import { PlayerBar } from "../meet/player_bar.js";

const LOOK_MS = 1500;
const root = part("replay", HTMLElement);
/** @type {Record<string, string>} */
const words = JSON.parse(root.dataset.words ?? "{}");
const video = partIfAny("video", HTMLVideoElement);

/** @param {HTMLVideoElement} player */
function usePlayer(player) {
  new PlayerBar(player, words, () => ({ start: 0, end: Number.isFinite(player.duration) ? player.duration : 0 }));
  const start = Number(root.dataset.start ?? 0);
  if (start) seek(player, start);
  for (const chapter of document.querySelectorAll("[data-seek]")) {
    chapter.addEventListener("click", (event) => {
      event.preventDefault();
      seek(player, Number(chapter.getAttribute("data-seek")));
      void player.play().catch(() => {});
      player.scrollIntoView({ block: "nearest" });
    });
  }
}

/** @param {HTMLVideoElement} player @param {number} seconds */
function seek(player, seconds) {
  const go = () => (player.currentTime = Math.min(seconds, player.duration || seconds));
  if (player.readyState >= HTMLMediaElement.HAVE_METADATA) go();
  else player.addEventListener("loadedmetadata", go, { once: true });
}

async function watchComposing() {
  const job = await ask(`/api/v1/meetings/${root.dataset.meeting}/composing`).catch(() => null);
  if (job?.state === "done") return location.reload();
  if (job) show(job);
  setTimeout(watchComposing, LOOK_MS);
}

/** @param {{state: string, progress: number}} job */
function show({ state, progress }) {
  part("composing-bar", HTMLProgressElement).value = progress;
  const sentence = state === "failed" ? words.failed : state === "waiting" ? words.waiting : words.making;
  part("composing-words", HTMLElement).textContent = fill(sentence ?? "", { n: Math.floor(progress * 100) });
}

if (video) usePlayer(video);
if (document.getElementById("composing")) setTimeout(watchComposing, LOOK_MS);
