// The side panel: tabs on wide screens, a sheet under the picture on phones.
import { onClick, part } from "./page.js";

/** What waits to be looked at, by the tab that shows it; who waits at the door comes before what was written. */
const waiting = { "tab-people": 0, "tab-chat": 0 };

/**
 * On phones the panel is out of sight: the button that opens it says how much waits behind it.
 * @param {keyof typeof waiting} tab @param {number} count
 */
export function countBehind(tab, count) {
  waiting[tab] = count;
  const sum = waiting["tab-people"] + waiting["tab-chat"];
  const sign = document.getElementById("side-count");
  if (!sign) return;
  sign.textContent = sum ? String(sum) : "";
  sign.hidden = !sum;
}

/** @returns {string | undefined} the tab that has something to look at */
function wantedTab() {
  return Object.entries(waiting).find(([, count]) => count)?.[0];
}

/** @param {() => void} onChat called when the chat comes into sight */
export function useSide(onChat) {
  const room = part("room", HTMLElement);
  const tabs = [...document.querySelectorAll('#side [role="tab"]')].filter((tab) => tab instanceof HTMLElement);

  /** @param {HTMLElement} tab */
  const select = (tab) => {
    for (const other of tabs) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      const panel = document.getElementById(other.getAttribute("aria-controls") ?? "");
      if (panel) panel.hidden = !chosen;
    }
    if (tab.id === "tab-chat") onChat();
  };

  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => {
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      const next = tabs[(at + step + tabs.length) % tabs.length];
      if (!step || !next) return;
      select(next);
      next.focus();
    });
  });

  /** @param {(tab: HTMLElement) => boolean} wanted */
  const open = (wanted) => {
    room.classList.add("is-sheet");
    const chosen = tabs.find(wanted) ?? tabs.find((tab) => tab.getAttribute("aria-selected") === "true");
    if (chosen) select(chosen);
    chosen?.focus();
  };
  onClick("open-side", () => open((tab) => tab.id === wantedTab()));
  onClick("see-waiting", () => open((tab) => tab.id === "tab-people"));
  onClick("sheet-close", () => {
    room.classList.remove("is-sheet");
    part("open-side", HTMLElement).focus();
  });
}
