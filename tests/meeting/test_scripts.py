"""Modules of the meeting's page by themselves, with devices and videos that only some browsers have."""

from __future__ import annotations

import pytest

from tests.scripts import run_script

pytestmark = pytest.mark.usefixtures("node")
CHECK = """
import { byId, lend, Track } from "PAGE";
import { DeviceCheck } from "WEB/meet/device_check.js";
import { OwnDevices } from "WEB/meet/devices.js";
const media = lend({
  getUserMedia: async ({ video, audio }) => {
    if (video && audio) throw Object.assign(new Error(), { name: "NotFoundError" });
    if (audio) throw Object.assign(new Error(), { name: "NotAllowedError" });
    return new MediaStream([new Track("video")]);
  },
  enumerateDevices: () => %s,
});
const words = new Proxy({}, { get: (_, name) => String(name) });
const devices = new OwnDevices();
const check = new DeviceCheck(devices, words);
await check.run();
media.dispatchEvent(new Event("devicechange"));
await new Promise((resolve) => setImmediate(resolve));
const said = (id) => byId(id).parts.get("b").textContent;
done({
  camera: said("check-camera"), microphone: said("check-mic"), choices: byId("cameras").children.length,
  live: devices.camera?.readyState ?? null,
});
"""


@pytest.mark.parametrize(
    ("answer", "choices"),
    [
        ("Promise.reject(new DOMException('', 'NotAllowedError'))", 0),
        ("Promise.reject(new DOMException('', 'InvalidStateError'))", 0),
        ("new Promise(() => {})", 0),
        ("Promise.resolve([{ kind: 'videoinput', deviceId: 'video', label: 'video 1' }])", 1),
        ("Promise.resolve([{ kind: 'videoinput', deviceId: '', label: '' }])", 1),
    ],
)
def test_a_browser_that_keeps_its_list_of_devices_back_is_no_obstacle(answer: str, choices: int) -> None:
    """Refused, never answered, or without names: the check ends, says the cause of each device, and keeps what is open.

    Nothing is left rejected, and nobody takes a device for pulled out because it could not be listed.
    """
    found = run_script(CHECK % answer)
    assert found == {"camera": "cameraOk", "microphone": "micDenied", "choices": choices, "live": "live"}


LOST = """
import { lend, Track } from "PAGE";
import { OwnDevices } from "WEB/meet/devices.js";
let plugged = ["video", "audio"];
const media = lend({
  getUserMedia: async () => new MediaStream([new Track("video"), new Track("audio")]),
  enumerateDevices: async () => plugged.map((deviceId) => ({ kind: `${deviceId}input`, deviceId, label: "" })),
});
const devices = new OwnDevices();
await devices.open();
const lost = [];
devices.addEventListener("lost", (event) => lost.push(event.detail.kind));
plugged = ["video"];
media.dispatchEvent(new Event("devicechange"));
await new Promise((resolve) => setImmediate(resolve));
done({ lost, camera: devices.camera !== null, microphone: devices.microphone !== null });
"""


def test_a_device_that_is_missing_in_the_list_was_pulled_out() -> None:
    """Also where the browser says no more than that something changed."""
    assert run_script(LOST) == {"lost": ["microphone"], "camera": True, "microphone": False}


FULL = """
import "PAGE";
import { canFillScreen, toggleFullScreen } from "WEB/meet/full_screen.js";
const did = [];
const video = {};
for (const name of %s) video[name] = () => void did.push(name);
if ("requestFullscreen" in video && %s) {
  video.requestFullscreen = async () => { did.push("refused"); throw new TypeError("not for elements"); };
}
const can = canFillScreen(video);
if (can) await toggleFullScreen(video);
video.webkitDisplayingFullscreen = true;
if (video.webkitExitFullscreen) await toggleFullScreen(video);
done({ can, did });
"""


@pytest.mark.parametrize(
    ("methods", "refused", "expected"),
    [
        (["webkitEnterFullscreen", "webkitExitFullscreen"], False, ["webkitEnterFullscreen", "webkitExitFullscreen"]),
        (["requestFullscreen"], False, ["requestFullscreen"]),
        (["webkitRequestFullscreen"], False, ["webkitRequestFullscreen"]),
        (["requestFullscreen", "webkitEnterFullscreen"], True, ["refused", "webkitEnterFullscreen"]),
        ([], False, []),
    ],
)
def test_full_screen_goes_by_the_name_that_the_browser_has(
    methods: list[str], refused: bool, expected: list[str]
) -> None:
    """An iPhone fills the screen with a video only; who refuses elements is asked that way; without any, no button."""
    found = run_script(FULL % (methods, str(refused).lower()))
    assert found == {"can": bool(methods), "did": expected}


LINE = """
import { byId } from "PAGE";
import { Line } from "WEB/meet/line.js";
const shown = [];
const stage = { me: "me", weak: new Set(), rests: %s, showWeak: (person, weak) => shown.push([person, weak]) };
const line = new Line(stage, { weakDownload: "download", weakUpload: "upload" }, (track) => track);
const paused = new Set(["t1"]);
for (let times = 0; times < 2; times++) line.take({ up: [], down: [], reports: {}, paused });
done({ sentence: byId("line").parts.get("span")?.textContent ?? "", mine: shown.at(-1) ?? null });
"""


@pytest.mark.parametrize(
    ("rests", "sentence", "mine"), [("true", "", ["me", False]), ("false", "download", ["me", True])]
)
def test_a_weak_line_is_said_once(rests: str, sentence: str, mine: list[object]) -> None:
    """Where a picture that rests already says it, neither the sentence nor the sign on one's own picture repeats it."""
    assert run_script(LINE % rests) == {"sentence": sentence, "mine": mine}


AT_DOOR = """
import { byId } from "PAGE";
import { countBehind } from "WEB/meet/side.js";
import { People } from "WEB/meet/people.js";
const people = new People({}, { atDoor: "{n} wait" });
const person = { account: "ac", name: "Zhao", ready: true, recorded: null };
const seen = [];
const look = () => seen.push([byId("nobody-inside").hidden, byId("at-door").hidden,
  byId("at-door-words").querySelector("span").textContent, byId("side-count").textContent, byId("side-count").hidden]);
for (const waiting of [[], [person]]) {
  people.show({ waiting, inside: [] });
  look();
}
countBehind("tab-chat", 2);
look();
people.show({ waiting: [], inside: [] });
look();
done(seen);
"""


def test_who_waits_to_be_let_in_is_said_on_the_stage_and_on_the_button_of_the_dock() -> None:
    """A host on a phone, where the list is out of sight, is not told that nobody has come while somebody waits."""
    assert run_script(AT_DOOR) == [
        [False, True, "", "", True],
        [True, False, "1 wait", "1", False],
        [True, False, "1 wait", "3", False],
        [False, True, "", "2", False],
    ]


UNSENT = """
import { byId } from "PAGE";
import { keepUnsent } from "WEB/meet/unsent.js";
globalThis.sessionStorage = { "unsent/ac_other/mt_1/chat-text": "of somebody else", other: "of another page" };
const leaving = [];
globalThis.addEventListener = (type, act) => leaving.push(act);
const [chat, title] = [byId("chat-text"), byId("matter-title")];
const open = (meeting, account) => {
  chat.value = title.value = "";
  leaving.length = 0;
  keepUnsent(meeting, account, ["chat-text", "matter-title", "not-on-this-page"]);
  return [chat.value, title.value];
};
const leave = () => leaving.forEach((act) => act());
const getElementById = document.getElementById;
document.getElementById = (id) => (id === "not-on-this-page" ? null : getElementById(id));
const seen = [open("mt_1", "ac_me")];
[chat.value, title.value] = ["听得见吗", "楼道灯坏了"];
leave();
seen.push(open("mt_2", "ac_me"), open("mt_1", "ac_me"));
chat.value = "";  // sent
leave();
seen.push(open("mt_1", "ac_me"), open("mt_1", "ac_other"), open("mt_1", "ac_me"));
done({ seen, left: Object.keys(sessionStorage) });
"""


def test_what_was_typed_in_the_room_and_not_sent_comes_back() -> None:
    """To the same account, in the same meeting; not once it is sent, and never to who signs in after that account."""
    nothing = ["", ""]
    assert run_script(UNSENT) == {
        "seen": [nothing, nothing, ["听得见吗", "楼道灯坏了"], ["", "楼道灯坏了"], nothing, nothing],
        "left": ["other"],
    }


SIGN_OUT = """
import { Element } from "PAGE";
globalThis.sessionStorage = { "unsent/ac_me/mt_1/chat-text": "听得见吗", other: "of another page" };
const form = new Element();
document.querySelector = (selector) => (selector === ".sign-out" ? form : null);
await import("WEB/pages/sign_out.js");
const before = Object.keys(sessionStorage).length;
form.dispatchEvent(new Event("submit"));
done([before, Object.keys(sessionStorage)]);
"""


def test_who_signs_out_leaves_no_words_in_the_window() -> None:
    """On a shared computer nothing that was typed and not sent stays; what is not of rooms does."""
    assert run_script(SIGN_OUT) == [2, ["other"]]


NO_STORE = """
import { byId } from "PAGE";
import { keepUnsent } from "WEB/meet/unsent.js";
Object.defineProperty(globalThis, "sessionStorage", { get: () => { throw new DOMException("", "SecurityError"); } });
let leave;
globalThis.addEventListener = (type, act) => (leave = act);
keepUnsent("mt_1", "ac_me", ["chat-text"]);
byId("chat-text").value = "听得见吗";
leave();
done(byId("chat-text").value);
"""


def test_a_browser_that_keeps_nothing_is_no_obstacle_to_writing() -> None:
    """Where storage is forbidden the field works all the same."""
    assert run_script(NO_STORE) == "听得见吗"


PLAYER_BAR = """
import { byId, Element } from "PAGE";
import { PlayerBar } from "WEB/meet/player_bar.js";
const video = Object.assign(new Element(), { currentTime: 0, paused: true, muted: false, controls: true });
byId("scrub").hidden = byId("player-bar").hidden = true;
new PlayerBar(video, {}, () => ({ start: 0, end: 10 }));
done([video.controls, byId("scrub").hidden, byId("player-bar").hidden, byId("at").textContent]);
"""


def test_the_script_of_a_player_shows_its_keys_in_place_of_the_browsers() -> None:
    """Never both, and never none."""
    assert run_script(PLAYER_BAR) == [False, False, False, "0:00 / 0:10"]


CHAT = """
import { byId } from "PAGE";
import { Refusal } from "WEB/meet/api.js";
import { Chat } from "WEB/meet/chat.js";
const line = (text) => ({ id: text, account: "ac_me", name: "", text, at: "2026-11-30T10:00:00Z" });
let tries = 0;
const [sent, answers] = [[], []];
const api = {
  chat: async () => {
    if (++tries < 3) throw new Refusal("unavailable", "", 0);
    return [line("before")];
  },
  say: (text) => {
    sent.push(text);
    return new Promise((resolve) => answers.push(() => resolve(line(text))));
  },
};
const waits = [];
globalThis.setTimeout = (act) => waits.push(act);
const settle = () => new Promise((resolve) => setImmediate(resolve));
const chat = new Chat(api, "ac_me", {});
await chat.load();
while (waits.length) {
  waits.shift()();
  await settle();
}
const field = byId("chat-text");
const press = async (text) => {
  field.value = text;
  byId("chat-form").dispatchEvent(new Event("submit"));
  await settle();
};
await press("one");
await press("one");
field.value = "two, being written";
answers[0]();
await settle();
done({ tries, shown: byId("chat").children.length, sent, field: field.value });
"""


def test_a_history_that_does_not_come_puts_nobody_out_of_the_room() -> None:
    """It is asked for again; what is sent twice goes once, and what is written meanwhile stays in the field."""
    assert run_script(CHAT) == {"tries": 3, "shown": 2, "sent": ["one"], "field": "two, being written"}


LATE_HISTORY = """
import { byId } from "PAGE";
import { Chat } from "WEB/meet/chat.js";
const line = (id, minute) => ({ id, account: "ac_2", name: "", text: id, at: `2026-10-12T02:0${minute}:00+00:00` });
let answer;
const chat = new Chat({ chat: () => new Promise((resolve) => (answer = resolve)) }, "ac_1", {});
const loading = chat.load();
for (const [id, minute] of [["third", 3], ["fifth", 5]]) chat.add(line(id, minute));
answer([line("first", 1), line("second", 2), line("third", 3), line("fourth", 4)]);
await loading;
chat.add(line("last", 5));
done(byId("chat").children.map((row) => row.children[1].children[0]));
"""


def test_a_history_that_comes_late_stands_before_what_was_written_meanwhile() -> None:
    """Lines stand in the order of their times, each once; of one moment, as they came."""
    assert run_script(LATE_HISTORY) == ["first", "second", "third", "fourth", "fifth", "last"]


UNANSWERED = """
import "PAGE";
import { ask } from "WEB/meet/api.js";
const keys = [];
let status = 0;
globalThis.fetch = async (path, sent) => {
  keys.push(sent.headers["Idempotency-Key"]);
  if (!status) throw new TypeError("no line");
  return { ok: status < 300, status, json: async () => ({}) };
};
for (status of [0, 503, 201, 201]) await ask("/chat", { text: "one" }).catch(() => {});
await ask("/chat", { text: "two" });
await ask("/state");
const isString = /^"[ -~]{8,128}"$/.test(keys[0]);
done({ keys: keys.map((key) => keys.indexOf(key)), isString, read: keys.at(-1) ?? null });
"""


def test_what_had_no_answer_is_asked_again_with_its_key() -> None:
    """Until the station has answered it is the same request; said again afterwards it is another one."""
    assert run_script(UNANSWERED) == {"keys": [0, 0, 0, 3, 4, 5], "isString": True, "read": None}


MATTERS = """
import { byId } from "PAGE";
import { Matters } from "WEB/meet/matters.js";
let answer;
const api = {
  note: (title) => new Promise((resolve) => (answer = () => resolve({ id: "cs_1", number: "1", title }))),
  state: async () => ({ matters: [] }),
};
new Matters(api, { noted: "{number}" });
byId("matter-said").scrollIntoView = () => {};
const settle = () => new Promise((resolve) => setImmediate(resolve));
const [title, unit] = [byId("matter-title"), byId("matter-unit")];
const note = async (words, meanwhile) => {
  [title.value, unit.value] = [words, "un_1"];
  byId("matter-form").dispatchEvent(new Event("submit"));
  if (meanwhile) title.value = meanwhile;
  answer();
  await settle();
  return [title.value, unit.value];
};
done([await note("路灯坏了", ""), await note("水管漏", "下一件")]);
"""


def test_a_matter_begun_while_the_one_before_is_on_its_way_stays() -> None:
    """The field is emptied of what was sent, never of what came after."""
    assert run_script(MATTERS) == [["", ""], ["下一件", "un_1"]]


DESK = """
import { Element } from "PAGE";
let said = null;
const over = { remove: () => (said = null) };
const words = { content: { cloneNode: () => over } };
const root = Object.assign(new Element(), { dataset: { every: "30" }, before: (shown) => (said = shown) });
document.querySelector = () => root;
document.getElementById = (id) => ({ "page-over": said, "page-over-words": words })[id] ?? null;
Object.assign(globalThis, {
  HTMLTemplateElement: HTMLElement,
  DOMParser: class { parseFromString() {} },
  location: { href: "https://s/desk" },
  setInterval: (act) => (look = act),
});
let look;
await import("WEB/pages/desk.js");
const seen = [];
for (const answer of [{ ok: true }, { ok: true, redirected: true }, { ok: false, status: 403 }, null, { ok: true }]) {
  globalThis.fetch = async () => {
    if (!answer) throw new TypeError("no line");
    return { text: async () => "", ...answer };
  };
  await look();
  seen.push(said !== null);
}
done(seen);
"""


def test_a_desk_that_is_left_open_says_that_its_session_has_ended() -> None:
    """Led to the sign-in, or no longer allowed: it says that what stands there is old, until it is not any more."""
    assert run_script(DESK) == [False, True, True, True, False]


UNREACHABLE = """
import "PAGE";
import { ask } from "WEB/meet/api.js";
globalThis.fetch = async () => { throw new TypeError("NetworkError when attempting to fetch resource."); };
done(await ask("/api/v1/meetings/mt_1/state").catch((error) => [error.code, error.message, error.status]));
"""


def test_no_browsers_own_english_is_said_when_the_line_is_cut() -> None:
    """Each browser words it in its way, none in the reader's: the page's own sentence is said instead."""
    assert run_script(UNREACHABLE) == ["unavailable", "", 0]


ASKED = """
import { byId } from "PAGE";
import { onAsk } from "WEB/meet/page.js";
let [asked, answer] = [0, () => {}];
onAsk("stop-recorded", () => new Promise((resolve) => { asked++; answer = resolve; }));
const [button, busy] = [byId("stop-recorded"), []];
const look = () => busy.push(button.getAttribute("aria-busy"));
button.click();
button.click();
look();
answer();
await new Promise((resolve) => setImmediate(resolve));
look();
button.click();
done([asked, busy]);
"""


def test_a_button_that_asks_the_station_shows_that_it_does() -> None:
    """It turns until there is an answer, asks once however often it is pressed, and can be pressed again afterwards."""
    assert run_script(ASKED) == [2, ["true", "false"]]
