// Who waits and who is in, for those who open the door.
import { fill, make, partIfAny, say } from "./page.js";
import { countBehind } from "./side.js";

/** @typedef {import("./api.js").MeetingApi} MeetingApi */
/** @typedef {import("./api.js").PersonView} PersonView */
/** @typedef {import("./api.js").RoomView} RoomView */

export class People {
  #waiting = partIfAny("waiting", HTMLOListElement);
  #inside = partIfAny("inside", HTMLOListElement);

  /** @param {MeetingApi} api @param {Record<string, string>} words */
  constructor(api, words) {
    this.api = api;
    this.words = words;
  }

  /** @param {RoomView} view */
  show(view) {
    if (!this.#waiting || !this.#inside) return;
    const { words } = this;
    const count = document.getElementById("people-count");
    if (count) count.textContent = view.waiting.length ? String(view.waiting.length) : "";
    countBehind("tab-people", view.waiting.length);
    this.#showAtDoor(view.waiting.length);
    this.#fill(this.#waiting, view.waiting, (person) => [
      this.#button(person, "admit", words.admit, `admit-${person.account}`, "btn btn-small btn-main"),
      this.#button(person, "refuse", words.turnAway, `refuse-${person.account}`, "btn btn-small"),
    ]);
    if (!view.waiting.length) this.#waiting.append(make("li", "muted", make("span", "", words.nobodyWaits)));
    this.#fill(this.#inside, view.inside, (person) => [
      this.#button(person, "refuse", words.putOut, `remove-${person.account}`, "btn btn-small btn-stop"),
    ]);
  }

  /**
   * While nobody else is inside the stage is empty, and says that somebody waits to be let in.
   * @param {number} count
   */
  #showAtDoor(count) {
    const [empty, sign] = [document.getElementById("nobody-inside"), document.getElementById("at-door")];
    if (empty) empty.hidden = count > 0;
    if (sign) sign.hidden = count === 0;
    say(document.getElementById("at-door-words"), count ? fill(this.words.atDoor ?? "", { n: count }) : "");
  }

  /**
   * Rows stay where they are: a button about to be pressed must not move or lose the focus.
   * @param {HTMLOListElement} list @param {PersonView[]} people @param {(person: PersonView) => HTMLElement[]} buttons
   */
  #fill(list, people, buttons) {
    const known = new Map([...list.children].map((row) => [row.getAttribute("data-row"), row]));
    const rows = people.map((person) => {
      const row = known.get(person.account) ?? make("li", "", make("span"), make("span", "row", ...buttons(person)));
      row.setAttribute("data-row", person.account);
      row.firstElementChild?.replaceChildren(make("b", "", person.name), make("small", "", this.#about(person)));
      return row;
    });
    for (const row of [...list.children]) if (!rows.includes(row)) row.remove();
    for (const [at, row] of rows.entries())
      if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
  }

  /** @param {PersonView} person */
  #about(person) {
    const { words } = this;
    const recorded = person.recorded === null ? words.notAsked : person.recorded ? words.agreed : words.refused;
    return `${person.ready ? words.ready : words.testing} · ${recorded}`;
  }

  /**
   * @param {PersonView} person @param {"admit" | "refuse"} action
   * @param {string} text @param {string} id @param {string} look
   */
  #button(person, action, text, id, look) {
    const button = make("button", look, text);
    button.type = "button";
    button.id = id;
    button.setAttribute("aria-label", `${text} ${person.name}`);
    button.addEventListener("click", () => void this.#decide(person, action, button));
    return button;
  }

  /** @param {PersonView} person @param {"admit" | "refuse"} action @param {HTMLButtonElement} button */
  async #decide(person, action, button) {
    button.disabled = true;
    try {
      this.show(await this.api.decide(person.account, action));
    } catch (error) {
      say(document.getElementById("room-problem"), (error instanceof Error && error.message) || this.words.failed);
    } finally {
      button.disabled = false;
    }
  }
}
