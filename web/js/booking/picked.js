// Says beside the button which time is chosen; without script the marked slot says it alone.
const form = document.querySelector("form[data-picked]");
const words = form?.querySelector("[data-picked-words]");

function show() {
  const slot = form.querySelector("input[name=slot]:checked");
  words.hidden = !slot;
  words.textContent = slot ? form.dataset.picked + slot.dataset.words : "";
}

if (words) {
  form.addEventListener("change", show);
  window.addEventListener("pageshow", show); // the browser may restore the choice after going back
  show();
}
