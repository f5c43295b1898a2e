// The room: joins connection, stage, dock and panels, and takes them apart again.
import { RoomConnection } from "../media/connection.js";
import { AirSign } from "./air_sign.js";
import { Chat } from "./chat.js";
import { Dock } from "./dock.js";
import { Line } from "./line.js";
import { Matters } from "./matters.js";
import { onClick, part, partIfAny, say, span } from "./page.js";
import { People } from "./people.js";
import { RecordingBar } from "./recording.js";
import { Shown } from "./shown.js";
import { useSide } from "./side.js";
import { Speaking } from "./speaking.js";
import { Stage } from "./stage.js";
import { useTrouble } from "./trouble.js";

/** @typedef {import("./api.js").RoomView} RoomView */

export class Room {
  #timer = 0;
  #since = 0;
  #mediaTells = false;

  /**
   * @param {object} options
   * @param {import("./api.js").MeetingApi} options.api
   * @param {string} options.meeting
   * @param {string} options.me
   * @param {Record<string, string>} options.words
   * @param {import("./devices.js").OwnDevices} options.devices
   * @param {() => Promise<{grant: string, url: string}>} options.getGrant
   * @param {(reason: string) => void} options.onOver
   */
  constructor({ api, meeting, me, words, devices, getGrant, onOver }) {
    this.api = api;
    this.words = words;
    this.chat = new Chat(api, me, words);
    this.matters = new Matters(api, words);
    this.people = new People(api, words);
    this.recording = new RecordingBar(api, words);
    this.air = new AirSign(api, words);
    this.stage = new Stage(part("tiles", HTMLElement), words, me);
    this.speaking = new Speaking((person, speaking) => this.stage.showSpeaking(person, speaking));
    this.connection = new RoomConnection({ getGrant });
    this.shown = new Shown((heights) => this.connection.show(heights));
    this.line = new Line(this.stage, words, (track) => this.connection.tracks.get(track)?.person);
    const onMicrophone = (/** @type {MediaStreamTrack} */ track) => this.speaking.watch(this.stage.me, track);
    this.dock = new Dock({ connection: this.connection, devices, stage: this.stage, words, onMicrophone });
    this.devices = devices;
    this.onOver = onOver;
    useSide(() => this.chat.read());
    useTrouble(this.connection, meeting, words);
    onClick("leave", () => this.connection.leave());
    this.#useEnd();
    this.#listen();
  }

  /** Rejects with {code, message} when refused. */
  async enter() {
    await this.connection.join();
    this.#since = performance.now();
    this.#timer = setInterval(() => this.#tick(), 1000);
    if (this.devices.microphone) this.speaking.watch(this.stage.me, this.devices.microphone);
    await Promise.all([this.dock.publish(), this.chat.load()]);
  }

  /** @param {RoomView} view */
  show(view) {
    this.people.show(view);
    this.matters.show(view.matters);
    this.recording.showAgreed(view.consents.recorded, view.refusing);
    this.recording.showEventsLost(view.events_lost);
    this.air.show(view);
  }

  #listen() {
    const { connection, stage } = this;
    on(connection, "memberjoined", (member) => member.person !== stage.me && stage.addMember(member));
    on(connection, "memberleft", (person) => stage.removeMember(person));
    on(connection, "track", ({ track, mediaTrack }) => this.#play(track, mediaTrack));
    on(connection, "unplayable", ({ track, willChange }) => this.#showUnplayable(track, willChange));
    on(connection, "trackremoved", ({ track }) => {
      stage.detach(track);
      if (track.kind === "audio") this.speaking.forget(track.person);
      else this.shown.forget(track.id);
    });
    on(connection, "paused", ({ track, paused }) => this.#showPaused(track, paused));
    on(connection, "speakers", (people) => this.#showSpeakers(people));
    on(connection, "measured", (measures) => this.line.take(measures));
    on(connection, "muted", (track) => stage.showMuted(track));
    on(connection, "recording", (recording) => this.recording.show(recording));
    on(connection, "state", (state) => this.#showState(state));
    on(connection, "closed", ({ reason }) => this.#close(reason));
    stage.main.addEventListener("silent", () => this.#offerSound());
  }

  /** @param {import("../media/messages.js").Track} track @param {boolean} paused */
  #showPaused(track, paused) {
    this.stage.showPaused(track, paused);
    this.line.draw();
  }

  /** @param {import("../media/messages.js").Track} track @param {MediaStreamTrack} mediaTrack */
  #play(track, mediaTrack) {
    const name = this.connection.members.get(track.person)?.name ?? "";
    const where = this.stage.attach(track, mediaTrack, name);
    if (track.kind === "video") this.shown.watch(track.id, where);
    else if (!this.#mediaTells) this.speaking.watch(track.person, mediaTrack);
  }

  /** @param {import("../media/messages.js").Track} track @param {boolean} willChange */
  #showUnplayable(track, willChange) {
    const name = this.connection.members.get(track.person)?.name ?? "";
    this.stage.showUnplayable(track, name, willChange ? this.words.codecChanges : this.words.codecUnknown);
  }

  /**
   * Once media tells who speaks, only our own voice is measured here: it needs no way there and back.
   * @param {string[]} people
   */
  #showSpeakers(people) {
    this.#mediaTells = true;
    for (const person of this.connection.members.keys()) if (person !== this.stage.me) this.speaking.forget(person);
    this.stage.showSpeakers(people);
  }

  /** @param {import("../media/connection.js").RoomState} state */
  #showState(state) {
    document.body.dataset.roomState = state;
    const { connecting, reconnecting } = this.words;
    say(document.getElementById("network"), { connecting, reconnecting, connected: "", closed: "" }[state]);
  }

  /** Some browsers play sound only after a tap. */
  #offerSound() {
    say(document.getElementById("network"), this.words.tapToHear);
    const again = () => {
      for (const video of this.stage.main.querySelectorAll("video")) void video.play().catch(() => {});
      say(document.getElementById("network"), "");
    };
    addEventListener("pointerdown", again, { once: true });
  }

  #useEnd() {
    const dialog = partIfAny("end-dialog", HTMLDialogElement);
    onClick("end", () => dialog?.showModal());
    onClick("end-cancel", () => dialog?.close());
    onClick("end-confirm", async () => {
      dialog?.close();
      try {
        await this.api.end();
      } catch (error) {
        say(document.getElementById("room-problem"), (error instanceof Error && error.message) || this.words.failed);
      }
    });
  }

  #tick() {
    part("elapsed", HTMLElement).textContent = span((performance.now() - this.#since) / 1000);
  }

  /** @param {string} reason */
  #close(reason) {
    clearInterval(this.#timer);
    this.speaking.stop();
    this.shown.stop();
    this.dock.close();
    this.stage.clear();
    this.onOver(reason);
  }
}

/** @param {EventTarget} target @param {string} type @param {(detail: any) => unknown} act */
function on(target, type, act) {
  target.addEventListener(type, (event) => act(/** @type {CustomEvent} */ (event).detail));
}
