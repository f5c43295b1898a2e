// Asked on paper, before going in: recording and publishing apart, nothing chosen beforehand.
import { allAnswered } from "./error_summary.js";
import { partIfAny, say } from "./page.js";
import { showStep } from "./steps.js";

/** @typedef {import("./api.js").MeetingApi} MeetingApi */
/** @typedef {import("./api.js").RoomView} RoomView */

/**
 * Shows the question and waits until both answers are stored.
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
        await api.consent("recorded", given.get("recorded") === "yes");
        const view = await api.consent("published", given.get("published") === "yes");
        say(document.getElementById("problem"), "");
        form.removeEventListener("submit", send);
        resolve(view);
      } catch (error) {
        say(document.getElementById("problem"), error instanceof Error ? error.message : "");
      }
    };
    form.addEventListener("submit", send);
  });
}
