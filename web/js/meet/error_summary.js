// The error summary of a form that is checked here: the same as the server's pages show, in place of the browser's
// bubbles.
import { fill, make } from "./page.js";

/**
 * Shows which required questions of a form have no answer, and takes the focus there; true when none is open.
 * @param {HTMLFormElement} form each question is a fieldset with a legend @param {Record<string, string>} words
 */
export function allAnswered(form, words) {
  form.querySelector(".errsum")?.remove();
  const questions = [...form.querySelectorAll("fieldset")].filter((one) => one.querySelector("input[required]"));
  for (const question of questions) unmark(question);
  const open = questions.filter((question) => !question.querySelector("input:checked"));
  if (open.length === 0) return true;
  const links = open.map((question) => make("li", "", mark(question, words)));
  const list = make("ul", "", ...links);
  const summary = make("div", "errsum", make("h2", "", fill(words.toMend ?? "", { n: open.length })), list);
  summary.setAttribute("role", "alert");
  summary.tabIndex = -1;
  form.prepend(summary);
  summary.focus();
  return false;
}

/** @param {HTMLFieldSetElement} question @param {Record<string, string>} words the link to its first answer */
function mark(question, words) {
  const legend = question.querySelector("legend");
  const sentence = fill(words.unanswered ?? "", { question: legend?.textContent?.trim() ?? "" });
  const first = question.querySelector("input");
  const error = make("span", "error", make("span", "", sentence));
  error.id = `${first?.id}-error`;
  question.classList.add("is-wrong");
  question.setAttribute("aria-describedby", error.id);
  legend?.after(error);
  const link = make("a", "", sentence);
  link.href = `#${first?.id}`;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    first?.focus();
  });
  return link;
}

/** @param {HTMLFieldSetElement} question */
function unmark(question) {
  question.classList.remove("is-wrong");
  question.removeAttribute("aria-describedby");
  question.querySelector(".error")?.remove();
}
