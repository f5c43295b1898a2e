// The side panel: tabs on wide screens, a sheet under the picture on phones.
import { onClick, part } from "./page.js";

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

  onClick("open-side", () => {
    room.classList.add("is-sheet");
    const chosen = tabs.find((tab) => tab.getAttribute("aria-selected") === "true");
    if (chosen) select(chosen);
    chosen?.focus();
  });
  onClick("sheet-close", () => {
    room.classList.remove("is-sheet");
    part("open-side", HTMLElement).focus();
  });
}
