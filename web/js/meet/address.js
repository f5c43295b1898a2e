// An address that is to be opened elsewhere: a field to select it in, a button to copy it.
import { part } from "./page.js";

/** Selects and copies it, and says so. @param {string} [words] */
export async function copyAddress(words = "") {
  const address = part("address", HTMLInputElement);
  address.select();
  await navigator.clipboard?.writeText(address.value).catch(() => {});
  part("copied", HTMLElement).textContent = words;
}
