/**
 * What this window alone keeps until it is closed; nothing where the browser keeps nothing.
 * @returns {Record<string, string>}
 */
export function windowStore() {
  try {
    return sessionStorage;
  } catch {
    return {};
  }
}
