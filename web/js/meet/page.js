// Finding and filling parts of the page.

/**
 * The part with that id. Throws if the page has none.
 * @template {Element} T @param {string} id @param {new () => T} type @returns {T}
 */
export function part(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`no ${type.name} #${id}`);
  return found;
}

/** @template {Element} T @param {string} id @param {new () => T} type @returns {T | null} */
export function partIfAny(id, type) {
  const found = document.getElementById(id);
  return found instanceof type ? found : null;
}

/** @param {string} id @param {() => unknown} act */
export function onClick(id, act) {
  document.getElementById(id)?.addEventListener("click", () => void act());
}

/**
 * The same for what the station is asked to do: the button turns until it has answered, and pressed again meanwhile it
 * does nothing a second time.
 * @param {string} id @param {() => Promise<unknown>} act
 */
export function onAsk(id, act) {
  const button = document.getElementById(id);
  button?.addEventListener("click", () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    void act().finally(() => button.setAttribute("aria-busy", "false"));
  });
}

/**
 * An element with text and children.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name @param {string} [className] @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(name, className = "", ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Changes the icon inside an element. @param {Element} holder @param {string} name */
export function setIcon(holder, name) {
  holder.querySelector("use")?.setAttribute("href", `/static/icons.svg#${name}`);
}

/** @param {string} name @returns {SVGSVGElement} */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** @param {string} text with {name} in it @param {Record<string, unknown>} values */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Seconds as 6:42 or 1:06:42. @param {number} seconds */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const tail = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** Shows words in a notice, or hides it. @param {Element | null} notice @param {string} words */
export function say(notice, words) {
  if (!(notice instanceof HTMLElement)) return;
  const place = notice.querySelector("span");
  if (place) place.textContent = words;
  notice.hidden = !words;
}
