// One step at a time: device, consent, lobby, over; or the room, on a stage of its own.
import { part } from "./page.js";

/** @typedef {"device" | "consent" | "lobby" | "over" | "room"} Step */

/** @param {Step} step */
export function showStep(step) {
  const inRoom = step === "room";
  part("outside", HTMLElement).hidden = inRoom;
  part("room", HTMLElement).hidden = !inRoom;
  document.documentElement.toggleAttribute("data-theme", inRoom);
  if (inRoom) document.documentElement.dataset.theme = "stage";
  for (const section of document.querySelectorAll("[data-step]")) {
    if (section instanceof HTMLElement) section.hidden = section.dataset.step !== step;
  }
  markProgress(step);
  const heading = document.querySelector(`[data-step="${step}"] h1`);
  if (heading instanceof HTMLElement) heading.focus();
}

/** @param {Step} step */
function markProgress(step) {
  const stop = step === "consent" ? "lobby" : step === "over" ? "room" : step;
  const stops = [...document.querySelectorAll("#progress [data-stop]")];
  const at = Math.max(0, stops.findIndex((item) => item.getAttribute("data-stop") === stop));
  stops.forEach((item, number) => {
    item.className = number < at ? "is-done" : number === at ? "is-here" : "";
    item.toggleAttribute("aria-current", number === at);
    if (number === at) item.setAttribute("aria-current", "step");
  });
}
