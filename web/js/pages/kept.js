// What was typed before an error or a sign-in goes back into its own form, if the page still has that form.
import { fillIn } from "../forms/controls.js";

const box = /** @type {HTMLElement} */ (document.querySelector("#kept"));
const again = /** @type {HTMLFormElement} */ (box.querySelector("[data-again]"));
const own = [...document.forms].find(
  (form) => !box.contains(form) && form.method === "post" && form.getAttribute("action") === box.dataset.action,
);

if (own) {
  const kept = [...new FormData(again)].filter(([name]) => name !== "csrf");
  fillIn(own, kept.map(([name, value]) => [name, String(value)]));
  again.hidden = true;
  /** @type {HTMLElement} */ (box.querySelector("[data-there]")).hidden = false;
  own.before(box);
}
