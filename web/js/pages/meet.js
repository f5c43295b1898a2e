// The meeting page: device check, consent, lobby, room. Each step is shown when the one before it is done.
import { MeetingApi, Refusal } from "../meet/api.js";
import { askConsent, hasAnswered } from "../meet/consent.js";
import { DeviceCheck } from "../meet/device_check.js";
import { OwnDevices } from "../meet/devices.js";
import { listen, soon } from "../meet/events.js";
import { fill, make, onAsk, onClick, part, partIfAny, say } from "../meet/page.js";
import { Room } from "../meet/room.js";
import { chime } from "../meet/sound.js";
import { showStep } from "../meet/steps.js";
import { keepUnsent } from "../meet/unsent.js";

/** @typedef {import("../meet/api.js").RoomView} RoomView */

const root = part("room", HTMLElement);
const { meeting = "", account: me = "", hosting, asked, open } = root.dataset;
/** @type {Record<string, string>} */
const words = JSON.parse(root.dataset.words ?? "{}");
const api = new MeetingApi(meeting);
const devices = new OwnDevices();
const check = new DeviceCheck(devices, words);
const problem = document.getElementById("problem");
const SIGNED_OUT = "not-signed-in"; // the code of a refusal
keepUnsent(meeting, me, ["chat-text", "matter-title", "matter-unit"]);

/** @type {"device" | "asking" | "lobby" | "entering" | "room" | "over"} */
let at = "device";
/** @type {Room | null} */
let room = null;

/**
 * Devices are tried: on to consent, the lobby, the room, as far as one may go now.
 * @param {string} [why] @returns {Promise<void>}
 */
async function advance(why = "") {
  at = "entering";
  say(problem, "");
  check.stop();
  try {
    let view = hosting ? await api.state() : await api.door("ready");
    if (asked && (why || !hasAnswered(view))) {
      at = "asking";
      view = await askConsent(api, words, why);
    }
    if (view.admitted) return await enter(view);
    wait(view);
  } catch (error) {
    showError(error);
  }
}

/** @param {RoomView} view */
function wait(view) {
  if (at !== "lobby") {
    at = "lobby";
    part("lobby-preview", HTMLVideoElement).srcObject = devices.stream;
    showStep("lobby");
  }
  const [title, text] = [document.querySelector("#place h2"), document.querySelector("#place p")];
  const [head, more] = placeWords(view);
  if (title) title.textContent = head ?? "";
  if (text) text.textContent = more ?? "";
}

/** Who is not among those who wait now has come too early: nobody is told of them yet. @param {RoomView} view */
function placeWords(view) {
  if (view.place === 0) return [words.early, words.earlyHelp];
  const head = view.place === 1 ? words.nextInLine : fill(words.placeInLine, { n: view.place - 1 });
  return [head, view.busy ? words.deputyBusy : words.deputyFree];
}

/** @param {RoomView} view @returns {Promise<void>} */
async function enter(view) {
  const waited = at === "lobby";
  at = "entering";
  // The first pass is asked for before the room opens: what speaks against going in is said here, on paper.
  const pass = await api.grant().catch((error) => error);
  if (pass instanceof Refusal && pass.code === "recording-on") return advance(pass.message);
  if (pass instanceof Error) return showError(pass);
  if (waited) chime();
  at = "room";
  showStep("room");
  room = new Room({ api, meeting, me, words, devices, getGrant: firstThen(pass, api.grant), onOver });
  room.show(view);
  await room.enter().catch((error) => at === "room" && backOut(error));
}

/**
 * What we send could not be set up: out of the room again. The page must not say that nobody sees us while somebody
 * does.
 * @param {unknown} error
 */
function backOut(error) {
  over((error instanceof Error && error.message) || words.lost, false);
  room?.connection.leave();
}

/**
 * @template T @param {T} first @param {() => Promise<T>} next
 * @returns {() => Promise<T>}
 */
function firstThen(first, next) {
  /** @type {T | null} */
  let kept = first;
  return async () => {
    const pass = kept ?? (await next());
    kept = null;
    return pass;
  };
}

/** @param {unknown} error */
function showError(error) {
  if (error instanceof Refusal && error.code === "meeting-ended") return over(words.ended, true);
  if (error instanceof Refusal && error.code === "booking-cancelled") return over(words.cancelled, true);
  if (isSignedOut(error)) return overSignedOut();
  at = "device";
  showStep("device");
  say(problem, (error instanceof Error && error.message) || words.lost);
}

/** @param {string} reason a CloseReason, or the code of a refusal while coming back */
function onOver(reason) {
  if (at === "over") return;
  if (reason === "signed_out" || reason === SIGNED_OUT) return overSignedOut();
  const isEnded = reason === "ended" || reason === "meeting-ended";
  /** @type {Record<string, string>} */
  const said = {
    left: "",
    removed: words.removed,
    "put-out": words.removed,
    replaced: words.replaced,
    unsupported: words.noWebrtc,
  };
  over(isEnded ? words.ended : (said[reason] ?? words.lost), isEnded);
}

/** @param {unknown} error */
function isSignedOut(error) {
  return error instanceof Refusal && error.code === SIGNED_OUT;
}

/** The sign-in has ended: it is said as that, and the way back goes through signing in. */
function overSignedOut() {
  if (at === "over") return;
  over(words.signedOut ?? "", true);
  part("sign-in-again", HTMLAnchorElement).hidden = false;
  room?.connection.leave();
}

/** @param {string} sentence @param {boolean} forGood */
function over(sentence, forGood) {
  at = "over";
  devices.close();
  if (sentence) part("over-words", HTMLElement).textContent = sentence;
  part("come-back", HTMLElement).hidden = forGood;
  showNoted();
  showStep("over");
}

/** The numbers of what was noted in the room: staff go on with them after it. */
function showNoted() {
  const list = partIfAny("noted", HTMLUListElement);
  const matters = room?.matters.noted ?? [];
  if (!list || !matters.length) return;
  list.replaceChildren(...matters.map(({ id, number, title }) => {
    const link = make("a", "", title);
    link.href = `/cases/${id}`;
    return make("li", "", link, " ", make("b", "num", number));
  }));
  list.hidden = false;
}

const refresh = soon(async () => {
  if (at === "over") return;
  const view = await api.state().catch((error) => error);
  if (view instanceof Error) return refreshAgain(view);
  if (view.meeting === "ended" && at !== "room") return over(words.ended, true);
  if (view.meeting === "cancelled" && at !== "room") return over(words.cancelled, true);
  if (view.admission === "refused" && at === "lobby") return over(words.removed, false);
  room?.show(view);
  if (at === "lobby") await (view.admitted ? enter(view) : wait(view));
});

/** What was missed must not stay missed: whoever waits would wait for ever. @param {Error} error */
function refreshAgain(error) {
  if (isSignedOut(error)) return overSignedOut();
  if (!(error instanceof Refusal) || error.code === "unavailable") setTimeout(refresh, 2000);
  else if (at === "lobby") showError(error);
}

/** @param {{action: string, [more: string]: any}} message */
function onMessage(message) {
  if (message.action === "ping") return void giveSign();
  if (message.action === "signed-out") return void refresh();
  if (message.action === "chat") room?.chat.add(message.message);
  else refresh();
  if (message.action === "hello" && at === "room") void room?.chat.load().catch(() => {});
}

/**
 * Who waits answers each ping: a page that has gone must not hold a place. What comes back is the place in the
 * queue.
 */
async function giveSign() {
  if (hosting || !["device", "asking", "lobby"].includes(at)) return;
  const view = await api.door("here").catch(() => null);
  if (view && at === "lobby" && !view.admitted && view.admission === "waiting") wait(view);
}

async function start() {
  const advanceOnce = () => at === "device" && advance(); // a second tap must not open a second room
  onClick("join", advanceOnce);
  onClick("join-audio", () => {
    devices.closeCamera();
    return advanceOnce();
  });
  onClick("test-again", () => {
    at = "device";
    showStep("device");
    return check.run();
  });
  onAsk("stop-waiting", async () => {
    try {
      await api.door("leave");
      over("", false);
    } catch (error) {
      say(problem, (error instanceof Error && error.message) || words.failed);
    }
  });
  onClick("come-back", () => location.reload());
  const lacks = check.showLack();
  if (check.lack === "webrtc") return; // nobody is to see somebody come and go who can neither see nor hear
  listen(`/meet/${meeting}/events`, onMessage);
  if (!hosting) await api.door("enter").catch(showError);
  if (!lacks) await check.run();
  // Going in earlier would leave the devices behind that the browser is still asking about.
  for (const id of ["join", "join-audio"]) part(id, HTMLButtonElement).disabled = false;
}

if (open && partIfAny("join", HTMLButtonElement)) void start();
