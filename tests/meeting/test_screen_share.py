"""The button that shares the screen, where it does not come to sharing."""

from __future__ import annotations

import pytest

from tests.scripts import run_script

pytestmark = pytest.mark.usefixtures("node")
SHARE = """
import { byId, lend, Track } from "PAGE";
import { Dock } from "WEB/meet/dock.js";
import { OwnDevices } from "WEB/meet/devices.js";
const screen = new Track("video");
let chosen = () => {};
lend({
  enumerateDevices: async () => [],
  getDisplayMedia: () => new Promise((resolve, reject) => {
    chosen = (name) => name ? reject(Object.assign(new Error(), { name })) : resolve(new MediaStream([screen]));
  }),
});
const words = new Proxy({}, { get: (_, name) => String(name) });
const sent = [];
let refuse = false;
const connection = {
  setMuted() {}, unpublish() {},
  publish: async (track) => { if (refuse) throw new Error("away"); sent.push(track.kind); },
};
const stage = { showSelf() {}, showSelfMuted() {} };
const dock = new Dock({ connection, devices: new OwnDevices(), stage, words, onMicrophone() {} });
const settled = () => new Promise((resolve) => setTimeout(resolve));
const said = () => byId("device-problem").hidden ? "" : byId("device-problem").querySelector("span").textContent;
const press = async (answer) => {
  byId("screen").click();
  await settled();
  chosen(answer);
  await settled();
  return [said(), screen.readyState, sent.length];
};
%s
"""


def test_what_keeps_a_screen_from_being_shared_is_said() -> None:
    """Refused by a person or the system, by the browser, or by a line that is down: each is told."""
    found = run_script(
        SHARE
        % """
const denied = await press("NotAllowedError"), busy = await press("NotReadableError");
refuse = true;
const failed = await press();
refuse = false;
screen.readyState = "live";
done([denied, busy, failed, await press()]);
process.exit();
"""
    )
    assert found == [
        ["shareDenied", "live", 0],
        ["shareFailed", "live", 0],
        ["shareFailed", "ended", 0],
        ["", "live", 1],
    ]


def test_a_screen_that_is_chosen_after_the_end_is_not_captured() -> None:
    """The browser's window may still be open when the meeting ends: what is chosen there is let go of at once."""
    source = """
byId("screen").click();
await settled();
dock.close();
chosen();
await settled();
done([said(), screen.readyState, sent.length]);
"""
    assert run_script(SHARE % source) == ["", "ended", 0]
