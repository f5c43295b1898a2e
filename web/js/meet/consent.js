// Asked on paper, before going in: recording, broadcasting and publishing apart, nothing chosen beforehand.
import { allAnswered } from "./error_summary.js";
import { partIfAny, say } from "./page.js";
import { showStep } from "./steps.js";

/** @typedef {import("./api.js").MeetingApi} MeetingApi */
/** @typedef {import("./api.js").RoomView} RoomView */

/** @typedef {"recorded" | "broadcast" | "published"} Kind */

/** What the form asks for, which depends on the meeting. @param {HTMLFormElement} form @returns {Kind[]} */
function asked(form) {
  const kinds = /** @type {Kind[]} */ (["recorded", "broadcast", "published"]);
  return kinds.filter((kind) => form.elements.namedItem(kind));
}

/** Whether all that the page asks for has been answered. @param {RoomView} view */
export function hasAnswered(view) {
  const form = partIfAny("consent-form", HTMLFormElement);
  return !form || asked(form).every((kind) => view.consents[kind] !== undefined);
}

/**
 * Shows the question and waits until all answers are stored.
 * @param {MeetingApi} api @param {Record<string, string>} words
 * @param {string} [problem] why it is asked again @returns {Promise<RoomView>}
 */
export function askConsent(api, words, problem = "") {
  const form = partIfAny("consent-form", HTMLFormElement);
  if (!form) return api.state();
  form.noValidate = true; // the browser's bubbles speak the browser's language
  showStep("consent");
  say(document.getElementById("problem"), problem);
  return new Promise((resolve) => {
    /** @param {SubmitEvent} event */
    const send = async (event) => {
      event.preventDefault();
      if (!allAnswered(form, words)) return;
      const given = new FormData(form);
      try {
        let view = await api.state();
        for (const kind of asked(form)) view = await api.consent(kind, given.get(kind) === "yes");
        say(document.getElementById("problem"), "");
        form.removeEventListener("submit", send);
        resolve(view);
      } catch (error) {
        say(document.getElementById("problem"), (error instanceof Error && error.message) || (words.failed ?? ""));
      }
    };
    form.addEventListener("submit", send);
  });
}
