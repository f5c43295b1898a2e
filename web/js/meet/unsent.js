// What was typed in the room and not sent is there again after a reload or a new sign-in.
import { forgetSent } from "../forms/on_the_way.js";
import { windowStore as store } from "../forms/window_store.js";

const PREFIX = "unsent/";

/**
 * Fills the fields with what stood in them when this window last left the meeting. It stays in this window, for this
 * account: whoever opens a meeting here under another name is not shown it, and it is deleted.
 * @param {string} meeting @param {string} account @param {string[]} fields their ids
 */
export function keepUnsent(meeting, account, fields) {
  const mine = `${PREFIX}${account}/`;
  for (const key of Object.keys(store())) if (key.startsWith(PREFIX) && !key.startsWith(mine)) delete store()[key];
  for (const id of fields) {
    const field = fieldOf(id);
    const kept = store()[`${mine}${meeting}/${id}`];
    if (field && kept) field.value = kept;
  }
  const keep = () => {
    for (const id of fields) {
      const [key, words] = [`${mine}${meeting}/${id}`, fieldOf(id)?.value];
      if (words) store()[key] = words;
      else delete store()[key];
    }
  };
  addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", keep); // phones end a page that is not seen without another word
}

/** Nothing stays in this window of who signs out: the next one may look into it with more than our pages. */
export function forgetUnsent() {
  for (const key of Object.keys(store())) if (key.startsWith(PREFIX)) delete store()[key];
  forgetSent(store());
}

/** @param {string} id */
function fieldOf(id) {
  return /** @type {HTMLInputElement | HTMLSelectElement | null} */ (document.getElementById(id));
}
