// Server-sent events of a page: they come back by themselves, and say so when they do.

/**
 * @param {string} url
 * @param {(message: {action: string, [more: string]: any}) => void} onMessage
 * @returns {() => void} stops listening
 */
export function listen(url, onMessage) {
  /** @type {EventSource} */
  let source;
  let timer = 0;
  const open = () => {
    source = new EventSource(url);
    source.onmessage = (event) => onMessage(JSON.parse(event.data));
    // The browser tries again when the network breaks, but gives up on an error page of whatever stands before us.
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, 5000);
    };
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
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
