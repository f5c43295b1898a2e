// Server-sent events of a page: they come back by themselves, and say so when they do.

/**
 * @param {string} url
 * @param {(message: {action: string, [more: string]: any}) => void} onMessage
 * @returns {() => void} stops listening
 */
export function listen(url, onMessage) {
  const source = new EventSource(url);
  source.addEventListener("message", (event) => onMessage(JSON.parse(event.data)));
  return () => source.close();
}

/**
 * Runs `act` soon, once for many calls.
 * @param {() => unknown} act @param {number} delay_ms
 */
export function soon(act, delay_ms = 120) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => void act(), delay_ms);
  };
}
