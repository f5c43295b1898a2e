// A desk looks again when somebody comes or goes, or every few seconds; what has the focus stays as it is.
import { copyAddress } from "../meet/address.js";
import { listen, soon } from "../meet/events.js";
import { onClick, part, partIfAny } from "../meet/page.js";

const root = document.querySelector("[data-events], [data-every]");

/**
 * The session has ended, or is somebody else's by now: what stands here is old. Signed in again, it is not.
 * @param {boolean} isOver
 */
function sayOver(isOver) {
  const said = document.getElementById("page-over");
  if (!isOver) said?.remove();
  else if (!said) root?.before(part("page-over-words", HTMLTemplateElement).content.cloneNode(true));
}

async function look() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer) return;
  const isOver = answer.redirected || answer.status === 403;
  sayOver(isOver);
  if (!answer.ok || isOver) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const shown of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(shown.id);
    if (!next || contentOf(shown) === contentOf(next) || isInUse(shown)) continue;
    shown.replaceWith(document.adoptNode(next));
  }
}

/** What a part shows: the keys of its forms are others each time. @param {Element} part */
function contentOf(part) {
  return part.innerHTML.replaceAll(/(name="form_key" value=")[^"]*/g, "$1");
}

/** @param {Element} part somebody chooses or types in it, or is about to press */
function isInUse(part) {
  const open = part.querySelector("details[open], input:checked:not([checked])");
  return open !== null || part.contains(document.activeElement);
}

const copy = partIfAny("copy-address", HTMLButtonElement);
if (copy) {
  copy.hidden = false;
  onClick("copy-address", () => copyAddress(document.getElementById("copied")?.dataset.words));
}

if (root instanceof HTMLElement) {
  const again = soon(look, 200);
  if (root.dataset.events) listen(root.dataset.events, (message) => message.action !== "hello" && again());
  const every_s = Number(root.dataset.every ?? 0);
  if (every_s) setInterval(look, every_s * 1000);
}
