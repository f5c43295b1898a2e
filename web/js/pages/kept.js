// What was typed before an error or a sign-in goes back into its own form, if the page still has that form.

const box = /** @type {HTMLElement} */ (document.querySelector("#kept"));
const again = /** @type {HTMLFormElement} */ (box.querySelector("[data-again]"));
const own = [...document.forms].find(
  (form) => !box.contains(form) && form.method === "post" && form.getAttribute("action") === box.dataset.action,
);

/** @param {HTMLFormElement} form */
function fill(form) {
  const typed = new FormData(again);
  typed.delete("csrf");
  for (const control of form.elements) {
    if (control instanceof HTMLTextAreaElement || control instanceof HTMLSelectElement) {
      if (typed.has(control.name)) control.value = String(typed.get(control.name));
    } else if (control instanceof HTMLInputElement) {
      fillInput(control, typed);
    }
  }
}

/** @param {HTMLInputElement} input @param {FormData} typed */
function fillInput(input, typed) {
  if (input.type === "radio" || input.type === "checkbox") {
    input.checked = typed.getAll(input.name).includes(input.value);
  } else if (!["hidden", "file", "submit"].includes(input.type) && typed.has(input.name)) {
    input.value = String(typed.get(input.name));
  }
}

if (own) {
  fill(own);
  for (let fold = own.closest("details"); fold; fold = fold.parentElement?.closest("details") ?? null) fold.open = true;
  again.hidden = true;
  /** @type {HTMLElement} */ (box.querySelector("[data-there]")).hidden = false;
  own.before(box);
}
