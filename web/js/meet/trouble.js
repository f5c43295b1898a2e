// "问题报告": figures of the call as a file, which a person can send when something went wrong.
import { onClick, part } from "./page.js";

/** @typedef {import("../media/connection.js").RoomConnection} RoomConnection */

const KEPT_MS = 10_000;

/** @param {RoomConnection} connection @param {string} meeting @param {Record<string, string>} words */
export function useTrouble(connection, meeting, words) {
  onClick("trouble", async () => {
    const report = { meeting, ...(await connection.dump()) };
    save(`station-report-${report.at.slice(0, 19).replaceAll(":", "")}.json`, report);
    part("trouble-said", HTMLElement).textContent = words.troubleSaved;
  });
}

/** @param {string} name @param {unknown} content */
function save(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
