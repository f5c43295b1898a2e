// What people type and choose in a form, out of it and back into it. What the page itself put there stays its own.

/** @typedef {[name: string, value: string][]} Typed */

export const KEY = "form_key"; // goes with what was typed: sent again it is known as the same form
/** What the page showed as they wrote: over a newer version the station asks first. */
export const SEEN = ["seen", "version"];
const NOT_TYPED = ["hidden", "file", "submit", "button", "password"];

/** Whether it goes with what was typed and is no word of theirs. @param {string} name */
export function isMark(name) {
  return name === KEY || SEEN.includes(name);
}

/** @param {HTMLFormElement} form @returns {Typed} */
export function typedIn(form) {
  /** @type {Typed} */
  const typed = [];
  for (const control of form.elements) {
    if (control instanceof HTMLTextAreaElement || control instanceof HTMLSelectElement) {
      typed.push([control.name, control.value]);
    } else if (control instanceof HTMLInputElement && isMark(control.name)) {
      typed.push([control.name, control.value]);
    } else if (control instanceof HTMLInputElement && control.name && !NOT_TYPED.includes(control.type)) {
      if (!isChoice(control) || control.checked) typed.push([control.name, control.value]);
    }
  }
  return typed;
}

/**
 * Puts it back, but for what may not be filled in by a script.
 * @param {HTMLFormElement} form @param {Typed} typed @param {string[]} [names] of these fields alone
 */
export function fillIn(form, typed, names) {
  for (const control of form.elements) {
    const { name } = /** @type {HTMLInputElement} */ (control);
    if (names && !names.includes(name) && !SEEN.includes(name)) continue;
    if (control instanceof HTMLTextAreaElement || control instanceof HTMLSelectElement) {
      fillValue(control, typed);
    } else if (control instanceof HTMLInputElement && isChoice(control)) {
      // Nobody agrees by a script to what a page shows now.
      if (!("consent" in control.dataset)) control.checked = valuesOf(typed, control.name).includes(control.value);
    } else if (control instanceof HTMLInputElement && (isMark(name) || !NOT_TYPED.includes(control.type))) {
      fillValue(control, typed);
    }
  }
  let fold = form.closest("details");
  for (; fold; fold = fold.parentElement?.closest("details") ?? null) fold.open = true;
}

/** @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} control @param {Typed} typed */
function fillValue(control, typed) {
  const [value] = valuesOf(typed, control.name);
  if (value !== undefined) control.value = value;
}

/** @param {Typed} typed @param {string} wanted */
function valuesOf(typed, wanted) {
  return typed.filter(([name]) => name === wanted).map(([, value]) => value);
}

/** @param {HTMLInputElement} input */
export function isChoice(input) {
  return input.type === "radio" || input.type === "checkbox";
}
