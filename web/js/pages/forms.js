// Every form that is posted: pressed twice it goes once, and what was typed is there again when its sending broke, or
// when it was not sent.
import { changedIn, refusedIn } from "../forms/begun.js";
import { fillIn, typedIn } from "../forms/controls.js";
import { OnTheWay } from "../forms/on_the_way.js";
import { windowStore } from "../forms/window_store.js";

const AGAIN_MS = 30_000; // a sending that was stopped by hand leaves no event
const SLOW_BYTES_A_MS = 16; // photos over a poor line: no second press begins them anew
const TELL_MS = 1000;
const MAC_DIGITS = 64; // what follows them in a token is the mark of the account that the page was made for

const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
const way = new OnTheWay(windowStore(), token.slice(MAC_DIGITS));
const posted = () => [...document.forms].filter((form) => form.method === "post" && form.getAttribute("action"));
/** @type {Set<HTMLFormElement>} */
const going = new Set();
/** Nothing was changed in them since. @type {Set<EventTarget | null>} */
const sent = new Set();
let isSigningOut = false;
/** Whose actions this page answers: a form that stands here again was not taken. @type {string[]} */
let answered = [];

/** @param {string} id @returns {any} */
function wordsOf(id) {
  const template = document.getElementById(id);
  return template instanceof HTMLTemplateElement ? template.content.cloneNode(true) : "";
}

/** @param {SubmitEvent} event */
function send(event) {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || !(form instanceof HTMLFormElement) || form.method !== "post") return;
  if (going.has(form)) return event.preventDefault();
  going.add(form);
  submitter?.setAttribute("aria-busy", "true");
  const telling = setTimeout(() => submitter?.after(wordsOf("form-goes")), TELL_MS);
  setTimeout(() => stop(form, submitter), AGAIN_MS + bytesOf(form) / SLOW_BYTES_A_MS);
  addEventListener("pageshow", () => stop(form, submitter), { once: true });
  addEventListener("pagehide", () => clearTimeout(telling), { once: true });
  const action = form.getAttribute("action") ?? "";
  if (action === "/signout") {
    isSigningOut = true;
    way.clear();
  }
  if (action === "/kept-forms/discard") dropKept();
  sent.add(form);
  way.put(action, { page: here(), at: Date.now(), typed: typedIn(form) });
}

function here() {
  return location.href.split("#")[0] ?? "";
}

/** What the station kept is to be deleted: it must not come back from here. */
function dropKept() {
  const action = document.getElementById("kept")?.dataset.action ?? "";
  way.giveUp(action);
  for (const form of posted()) if (form.getAttribute("action") === action) sent.add(form);
}

/** Phones end a page that is not seen without another word, so this is not for the last moment alone. */
function keepBegun() {
  if (isSigningOut) return;
  for (const form of posted()) {
    if (sent.has(form) || form.closest("#kept")) continue;
    const action = form.getAttribute("action") ?? "";
    const typed = typedIn(form);
    const begun = answered.includes(action) ? refusedIn(typed) : changedIn(form);
    if (begun.length) way.begin(action, { page: here(), at: Date.now(), typed, begun });
    else way.giveUp(action);
  }
}

/** How much the files that were chosen in a form hold. @param {HTMLFormElement} form */
function bytesOf(form) {
  let bytes = 0;
  for (const control of form.elements) {
    for (const file of (control instanceof HTMLInputElement && control.files) || []) bytes += file.size;
  }
  return bytes;
}

/** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
function stop(form, submitter) {
  going.delete(form);
  submitter?.removeAttribute("aria-busy");
  form.querySelector(".form-goes")?.remove();
}

/** Before the page's other scripts: those show what stands in the fields. */
function putBack() {
  way.forgetOthers(Date.now());
  const [how] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const isAnswer = how?.type === "navigate"; // nobody went back or looked again
  const arrived = isAnswer ? way.arrived(document.referrer) : [];
  if (standForPage()) answered = arrived;
  for (const form of posted()) {
    const action = form.getAttribute("action") ?? "";
    const found = way.find(action, Date.now());
    if (!found || document.getElementById("kept")?.dataset.action === action) continue;
    fillIn(form, found.typed, found.begun);
    form.before(wordsOf(found.begun ? "form-begun" : "form-back"));
  }
}

/** A page that answers a form cannot be gone back to, as browsers say in words of their own: the form's page can. */
function standForPage() {
  const page = document.querySelector('meta[name="page-of-form"]')?.getAttribute("content");
  if (page) history.replaceState(history.state, "", location.origin + page);
  return Boolean(page);
}

putBack();
document.addEventListener("submit", send);
document.addEventListener("input", ({ target }) => {
  if (target instanceof Element) sent.delete(target.closest("form"));
});
document.addEventListener("visibilitychange", keepBegun);
addEventListener("pagehide", keepBegun);
addEventListener("pageshow", () => {
  isSigningOut = false; // it broke, and the page is there again
});
