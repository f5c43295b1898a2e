// Says beside the button which time is chosen; without script the marked slot says it alone.
const form = document.querySelector("form[data-picked]");
const words = form?.querySelector("[data-picked-words]");

if (form instanceof HTMLFormElement && words instanceof HTMLElement) {
  const show = () => {
    const slot = form.querySelector("input[name=slot]:checked");
    words.hidden = !(slot instanceof HTMLInputElement);
    if (slot instanceof HTMLInputElement) words.textContent = `${form.dataset.picked ?? ""}${slot.dataset.words ?? ""}`;
  };
  form.addEventListener("change", show);
  window.addEventListener("pageshow", show); // the browser may restore the choice after going back
  show();
}
