// Counts the characters of a text field as they are typed; the words come from the page.
for (const count of document.querySelectorAll("[data-count]")) {
  const field = document.getElementById(count.dataset.count);
  const show = () => {
    const length = [...field.value].length;
    if (length) count.textContent = count.dataset.words.replace("{n}", length);
  };
  field.addEventListener("input", show);
  show();
}
