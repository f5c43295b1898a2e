// Notices that this machine may have come to another network.

const SETTLE_MS = 100;

/**
 * Calls back once for each change, when it has settled.
 * @param {() => void} act @returns {() => void} stops watching
 */
export function onNetworkChange(act) {
  /** @type {(EventTarget & {type?: string}) | undefined} not in every browser, and its type only on phones */
  const line = /** @type {any} */ (navigator).connection;
  let kind = line?.type;
  let timer = 0;
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(act, SETTLE_MS);
  };
  const look = () => {
    if (kind === line?.type) return; // only the browser's estimate of its speed is another
    kind = line?.type;
    if (kind !== "none") changed();
  };
  addEventListener("online", changed);
  line?.addEventListener("change", look);
  return () => {
    clearTimeout(timer);
    removeEventListener("online", changed);
    line?.removeEventListener("change", look);
  };
}
