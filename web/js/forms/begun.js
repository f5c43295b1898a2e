// What was begun in a form and not sent: our pages are marked as not to be stored, so that Firefox and Safari forget it
// when one looks again, goes back, or the phone ends a page that is not seen.

import { isChoice, isMark } from "./controls.js";

const TEXT = ["text", "tel", "email", "url", "number", "date", "time"];

/**
 * What a person has changed in a form, once there are words among it; choices alone are soon made again.
 * @param {HTMLFormElement} form @returns {string[]} names of fields
 */
export function changedIn(form) {
  /** @type {Set<string>} */
  const changed = new Set();
  let hasWords = false;
  for (const control of form.elements) {
    if (control instanceof HTMLTextAreaElement || (control instanceof HTMLInputElement && isText(control))) {
      if (control.value === control.defaultValue) continue;
      hasWords ||= control.value.trim() !== "";
      changed.add(control.name);
    } else if (control instanceof HTMLInputElement && isChoice(control)) {
      if (control.checked !== control.defaultChecked) changed.add(control.name);
    } else if (control instanceof HTMLSelectElement) {
      if (control.value !== defaultOf(control)) changed.add(control.name);
    }
  }
  return hasWords ? [...changed].filter(Boolean) : [];
}

/**
 * What a form holds that the station did not take and shows again: all of it is the person's own.
 * @param {import("./controls.js").Typed} typed @returns {string[]} names of fields
 */
export function refusedIn(typed) {
  return typed.map(([name]) => name).filter((name) => !isMark(name));
}

/** @param {HTMLInputElement} input */
function isText(input) {
  return TEXT.includes(input.type);
}

/** @param {HTMLSelectElement} select */
function defaultOf(select) {
  const options = [...select.options];
  return (options.find((option) => option.defaultSelected) ?? options[0])?.value;
}
