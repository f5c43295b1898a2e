"""The scripts of every posted form by themselves: sent once, and not lost on the way."""

from __future__ import annotations

import pytest

from tests.scripts import run_script

pytestmark = pytest.mark.usefixtures("node")

ON_THE_WAY = """
import { forgetSent, OnTheWay } from "WEB/forms/on_the_way.js";
const store = { other: "of another script" };
const [mine, theirs, guest] = ["aa", "bb", ""].map((owner) => new OnTheWay(store, owner));
const words = [["text", "一份长长的答复"]];
const later = (hours) => hours * 3_600_000;
mine.put("/unit/cases/1/reply", { page: "https://s/unit/cases/1", at: 0, typed: words });
mine.put("/book/1", { page: "https://s/book/1", at: 0, typed: words });
guest.put("/signin", { page: "https://s/signin", at: 0, typed: words });
const found = {
  mine: mine.find("/unit/cases/1/reply", later(1)).typed,
  tooLate: mine.find("/unit/cases/1/reply", later(3)),
  theirs: theirs.find("/unit/cases/1/reply", 0),
  guest: guest.find("/signin", 0),
};
mine.arrived("");
mine.arrived("https://s/unit/cases/1");
found.answered = mine.find("/unit/cases/1/reply", 0);
found.other = mine.find("/book/1", 0).typed;
guest.forgetOthers(later(1));
found.afterGuest = mine.find("/book/1", 0).typed;
guest.forgetOthers(later(2));
found.afterTwoHours = Object.keys(store);
mine.put("/book/1", { page: "https://s/book/1", at: 0, typed: words });
theirs.forgetOthers(0);
found.afterOthers = Object.keys(store);
mine.put("/book/1", { page: "https://s/book/1", at: 0, typed: words });
forgetSent(store);
found.afterSignOut = Object.keys(store);
done(found);
"""


def test_what_is_on_its_way_is_kept_for_its_writer_until_it_is_answered() -> None:
    """For two hours, for that account alone; an answer from its page or a sign-out ends it, a guest's is never kept.

    A guest's page, as after a session that ran out, leaves it for the way back, but not past its time.
    """
    words = [["text", "一份长长的答复"]]
    assert run_script(ON_THE_WAY) == {
        "mine": words,
        "tooLate": None,
        "theirs": None,
        "guest": None,
        "answered": None,
        "other": words,
        "afterGuest": words,
        "afterTwoHours": ["other"],
        "afterOthers": ["other"],
        "afterSignOut": ["other"],
    }


TWICE = """
import { Element } from "PAGE";
globalThis.sessionStorage = {};
globalThis.location = { href: "https://s/signin/code" };
globalThis.addEventListener = () => {};
globalThis.setTimeout = () => 0;
const form = Object.assign(new Element(), { method: "post", elements: [] });
const search = Object.assign(new Element(), { method: "get", elements: [] });
form.setAttribute("action", "/signin/code");
document.forms = [form, search];
await import("WEB/pages/forms.js");
const press = (target, isHandled) => {
  const event = new Event("submit", { cancelable: true });
  Object.defineProperties(event, { target: { value: target }, submitter: { value: null } });
  if (isHandled) event.preventDefault();
  document.dispatchEvent(event);
  return !event.defaultPrevented;
};
done([press(form, true), press(form), press(form), press(search), press(search)]);
"""


def test_a_form_that_is_pressed_twice_goes_once() -> None:
    """Of a one-time code the second answer would say that it is wrong. Searches, and what a script sends, are free."""
    assert run_script(TWICE) == [False, True, False, True, True]


UPLOAD = """
import { Element } from "PAGE";
globalThis.sessionStorage = {};
globalThis.location = { href: "https://s/book/1" };
globalThis.addEventListener = () => {};
const waits = [];
globalThis.setTimeout = (_act, wait) => waits.push(wait);
globalThis.HTMLTextAreaElement = globalThis.HTMLSelectElement = class {};
const files = [{ size: 6_000_000 }, { size: 2_000_000 }];
const photos = Object.assign(new Element(), { name: "photos", type: "file", files });
for (const [action, elements] of [["/book/1", [photos]], ["/book/2", []]]) {
  const form = Object.assign(new Element(), { method: "post", elements });
  form.setAttribute("action", action);
  document.forms = [...(document.forms ?? []), form];
}
await import("WEB/pages/forms.js");
for (const form of document.forms) {
  const event = new Event("submit", { cancelable: true });
  Object.defineProperties(event, { target: { value: form }, submitter: { value: null } });
  document.dispatchEvent(event);
}
done(waits.filter((wait) => wait > 1000));
"""


def test_photos_on_their_way_are_not_begun_anew_by_a_second_press() -> None:
    """A form with eight megabytes stays held back for as long as a poor line takes; one without for half a minute."""
    assert run_script(UPLOAD) == [530_000, 30_000]


SAME_FORM = """
class Control { constructor(parts) { Object.assign(this, { dataset: {}, checked: false, value: "" }, parts); } }
globalThis.HTMLInputElement = class extends Control {};
globalThis.HTMLTextAreaElement = class extends Control {};
globalThis.HTMLSelectElement = class extends Control {};
const { fillIn, typedIn } = await import("WEB/forms/controls.js");
const { OnTheWay } = await import("WEB/forms/on_the_way.js");
const formOf = (key, text) => ({
  elements: [new HTMLInputElement({ type: "hidden", name: "csrf", value: key }),
    new HTMLInputElement({ type: "hidden", name: "form_key", value: key }),
    new HTMLInputElement({ type: "hidden", name: "seen", value: key }),
    ...(text === undefined ? [] : [new HTMLTextAreaElement({ name: "text", value: text })])],
  closest: () => null,
});
const store = {};
const way = new OnTheWay(store, "aa");
way.put("/nothing/typed", { page: "", at: 0, typed: typedIn(formOf("k0")) });
way.put("/reply", { page: "", at: 0, typed: typedIn(formOf("k1", "words")) });
const newer = formOf("k2", "");
fillIn(newer, way.find("/reply", 0).typed);
done([newer.elements.map((control) => control.value), Object.keys(store)]);
"""


def test_what_is_put_back_is_the_same_form() -> None:
    """With its key: had it arrived after all, it is not done a second time. A form without words is not kept.

    With the version that its page showed, too: over a newer one the station asks first.
    """
    assert run_script(SAME_FORM) == [["k2", "k1", "k1", "words"], ["sent/aa/reply"]]


BEGUN = """
class Control { constructor(parts) { Object.assign(this, { dataset: {}, type: "" }, parts); } }
globalThis.HTMLInputElement = class extends Control {};
globalThis.HTMLTextAreaElement = class extends Control {};
globalThis.HTMLSelectElement = class extends Control {};
globalThis.sessionStorage = {};
globalThis.location = { href: "https://s/unit/cases/1#reply", origin: "https://s" };
class Form {}
globalThis.Element = Form;
globalThis.HTMLFormElement = Form;
globalThis.HTMLTemplateElement = class {};
let how = "reload";
globalThis.performance = { getEntriesByType: () => [{ type: how }] };
const token = { getAttribute: () => "0".repeat(64) + "aa" };
let leaving = [];
globalThis.addEventListener = (name, act) => { if (name === "pagehide") leaving.push(act); };
const leave = () => leaving.forEach((act) => act());
globalThis.setTimeout = () => 0;
let answers = null; // the page whose form this page answers
const moved = [];
globalThis.history = { state: null, replaceState: (_state, _title, url) => moved.push(url) };
const page = (title) => {
  const text = new HTMLTextAreaElement({ name: "text", value: "", defaultValue: "" });
  const named = new HTMLInputElement({ type: "text", name: "title", value: title, defaultValue: title });
  const [solved, open] = ["solved", "open"].map((value) =>
    new HTMLInputElement({ type: "radio", name: "outcome", value, checked: false, defaultChecked: false }));
  const seen = new HTMLInputElement({ type: "hidden", name: "version", value: String(visit) });
  const said = [];
  const form = Object.assign(new Form(), { method: "post",
    elements: [text, named, solved, open, seen], closest: (wanted) => (wanted === "form" ? at.form : null),
    getAttribute: () => "/unit/cases/1/reply", before: (words) => said.push(words), querySelector: () => null });
  const heard = {};
  globalThis.document = { forms: [form], addEventListener: (name, act) => { heard[name] = act; },
    querySelector: (wanted) => (wanted.includes("csrf") ? token : answers), getElementById: () => null,
    referrer: "https://s/unit/cases/1" };
  return { text, named, solved, open, seen, form, said, heard };
};
let visit = 0;
const load = async (title) => {
  const shown = page(title);
  leaving = [];
  await import("WEB/pages/forms.js?" + visit++);
  return shown;
};
const shows = ({ text, named, open, seen, said }) =>
  [text.value, named.value, open.checked, seen.value, said.length];
const kept = () => Object.keys(sessionStorage).length;

let at = await load("旧标题");
at.open.checked = true;
leave();
const onlyChosen = kept();
at.text.value = "一半";
leave();
at = await load("新标题");
const back = shows(at);
at.text.value = "";
leave();
const emptied = kept();
at.text.value = "写完了";
at.heard.submit({ target: at.form, submitter: null });
leave();
const sent = JSON.parse(Object.values(sessionStorage)[0]).begun ?? "sent";
at.heard.input({ target: at.form });
leave();
const again = JSON.parse(Object.values(sessionStorage)[0]).begun;
const out = Object.assign(new Form(), { method: "post", elements: [], getAttribute: () => "/signout" });
at.heard.submit({ target: out, submitter: null });
leave();
const signedOut = kept();
at = await load("标题");
at.text.value = "没有选结果";
at.heard.submit({ target: at.form, submitter: null });
leave();
[how, answers] = ["navigate", { getAttribute: () => "/unit/cases/1" }];
at = await load("标题");
at.text.value = at.text.defaultValue = "没有选结果"; // the station shows it again, with what is wrong
leave();
[how, answers] = ["reload", null];
const refused = shows(await load("标题"));
done({ moved, refused, onlyChosen, back, emptied, sent, again, signedOut });
"""


def test_what_is_begun_and_not_sent_is_there_again() -> None:
    """After a reload, the way back, or a tab that the phone ended: what was changed, beside what the page says anew.

    The version that was shown comes with it, so that nobody's newer words are overwritten unseen.

    Choices without words, a field that was emptied, and whoever signs out leave nothing; what was sent is no beginning.
    At a sign-out also what was begun before goes.
    A refusal stands for the form's page, which a browser can go back to, and what was refused is there again as well.
    """
    assert run_script(BEGUN) == {
        "onlyChosen": 0,
        "back": ["一半", "新标题", True, "0", 1],
        "emptied": 0,
        "sent": "sent",
        "again": ["text", "outcome"],
        "signedOut": 0,
        "refused": ["没有选结果", "标题", False, "3", 1],
        "moved": ["https://s/unit/cases/1"],
    }


CONSENT = """
class Control { constructor(parts) { Object.assign(this, { dataset: {}, checked: false, value: "" }, parts); } }
globalThis.HTMLInputElement = class extends Control {};
globalThis.HTMLTextAreaElement = class extends Control {};
globalThis.HTMLSelectElement = class extends Control {};
const { fillIn } = await import("WEB/forms/controls.js");
const box = (parts) => new HTMLInputElement({ type: "checkbox", value: "yes", ...parts });
const [use, help, key] = [box({ name: "use", dataset: { consent: "" } }), box({ name: "help" }),
  new HTMLInputElement({ type: "hidden", name: "key", value: "new" })];
const text = new HTMLTextAreaElement({ name: "text" });
const typed = [["use", "yes"], ["help", "yes"], ["key", "old"], ["text", "words"]];
fillIn({ elements: [use, help, key, text], closest: () => null }, typed);
done([use.checked, help.checked, key.value, text.value]);
"""


def test_nobody_agrees_by_a_script() -> None:
    """Words and choices are put back; consent is given anew, and marks are the page's own."""
    assert run_script(CONSENT) == [False, True, "new", "words"]
