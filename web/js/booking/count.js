// Counts the characters of a text field as they are typed; the words come from the page.
for (const count of document.querySelectorAll("[data-count]")) {
  if (!(count instanceof HTMLElement)) continue;
  const field = document.getElementById(count.dataset.count ?? "");
  if (!(field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement)) continue;
  const show = () => {
    const length = [...field.value].length;
    if (length) count.textContent = (count.dataset.words ?? "").replace("{n}", String(length));
  };
  field.addEventListener("input", show);
  show();
}
