"""Whose line is weak, judged from what the browser measures."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.rtc.conftest import OpenPage

JUDGE = """
(rounds) => import("/js/media/quality.js").then(({ LineJudge }) => {
  const judge = new LineJudge();
  return rounds.map(({ paused, ...measures }) => {
    const { own, theirs } = judge.judge({ ...measures, paused: new Set(paused) });
    return [own, [...theirs]];
  });
})
"""
UP = {"source": "camera", "fractionLost": 0, "roundTripTime": 0.05, "limitedBy": "none", "height": 720,
      "sourceHeight": 720}  # fmt: skip
DOWN = {"track": "t", "packetsLost": 0, "packetsReceived": 0}
REPORT = {"frames_per_s": 25, "height": 720, "freezes": 0, "frozen_s": 0, "jitter_ms": 40, "concealed": 0}


def measures(
    up: dict[str, Any] | None = None,
    down: dict[str, Any] | None = None,
    report: dict[str, Any] | None = None,
    paused: tuple[str, ...] = (),
) -> dict[str, Any]:
    return {
        "up": [{**UP, **(up or {})}],
        "down": [{**DOWN, **(down or {})}],
        "reports": {"t": {**REPORT, **(report or {})}},
        "paused": list(paused),
    }


@pytest_asyncio.fixture
async def page(page_server: str, open_page: OpenPage) -> Page:
    """A page that has our modules."""
    page = await open_page()
    await page.goto(page_server)
    return page


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (measures(), [None, []]),
        (measures(up={"fractionLost": 0.08}), ["upload", []]),
        (measures(up={"limitedBy": "bandwidth", "height": 360}), ["upload", []]),
        (measures(up={"limitedBy": "bandwidth", "height": 540}), [None, []]),
        (measures(up={"limitedBy": "cpu", "height": 180}), [None, []]),
        (measures(up={"limitedBy": "unknown", "height": 360}), ["upload", []]),
        (measures(up={"limitedBy": "unknown", "height": 540}), [None, []]),
        (measures(up={"limitedBy": "unknown", "height": 0}), [None, []]),
        (measures(up={"roundTripTime": 0.8}), ["delay", []]),
        (measures(paused=("t",)), ["download", []]),
        (measures(report={"frozen_s": 1.2}), [None, ["t"]]),
        (measures(report={"concealed": 0.2}), [None, ["t"]]),
        (measures(up={"fractionLost": 0.08}, report={"frozen_s": 1.2}), ["upload", []]),
    ],
)
async def test_a_weak_line_is_told_from_a_good_one(page: Page, given: dict[str, Any], verdict: list[object]) -> None:
    """Loss, delay and want of bits are ours; what suffers while ours is good is theirs; a slow computer is neither."""
    assert await page.evaluate(JUDGE, [given]) == [verdict]


UP_STATS = """
([settings, reports]) => import("/js/media/stats.js").then(({ upStats }) => upStats("camera", {
  track: { getSettings: () => settings },
  getStats: async () => new Map(reports.map((report, at) => [String(at), report])),
}))
"""
SENT = {"type": "outbound-rtp", "kind": "video", "frameWidth": 480, "frameHeight": 270, "framesPerSecond": 25}
SHRUNK = {"type": "media-source", "kind": "video", "width": 480, "height": 270}
CAMERA = {"width": 1280, "height": 720}


@pytest.mark.parametrize(
    ("settings", "sent", "expected"),
    [
        (CAMERA, {}, ("unknown", 270, 720)),
        (CAMERA, {"qualityLimitationReason": "bandwidth"}, ("bandwidth", 270, 720)),
        (CAMERA, {"qualityLimitationReason": "none"}, ("none", 270, 720)),
        (CAMERA, {"frameWidth": 270, "frameHeight": 480}, ("unknown", 480, 1280)),
        ({"width": 720, "height": 1280}, {"frameWidth": 270, "frameHeight": 480}, ("unknown", 480, 1280)),
    ],
)
async def test_what_is_sent_is_compared_with_what_the_camera_gives(
    page: Page, settings: dict[str, int], sent: dict[str, Any], expected: tuple[str, int, int]
) -> None:
    """Firefox gives no reason and tells its source's size after making it smaller; phones are held upright."""
    stats = await page.evaluate(UP_STATS, [settings, [{**SENT, **sent}, SHRUNK]])
    assert (stats["limitedBy"], stats["height"], stats["sourceHeight"]) == expected


async def test_loss_is_what_was_lost_lately(page: Page) -> None:
    """What was lost before does not count for ever, and a few packets tell nothing."""
    rounds = [
        measures(down={"packetsLost": 30, "packetsReceived": 200}),
        measures(down={"packetsLost": 30, "packetsReceived": 400}),
        measures(down={"packetsLost": 33, "packetsReceived": 410}),
    ]
    assert await page.evaluate(JUDGE, rounds) == [["download", []], [None, []], [None, []]]


WAIT = """
(rounds) => import("/js/media/patience.js").then(({ Patience }) => {
  const patience = new Patience();
  return rounds.map(([stats, late_ms, now_ms]) => patience.target(stats, late_ms, now_ms));
})
"""


def picture(nacks: int, round_trip_s: float, buffered: int = 0, needed_s: float = 0.0) -> dict[str, Any]:
    return {"track": "p", "kind": "video", "nacks": nacks, "roundTripTime": round_trip_s, "jitter": 0.001,
            "buffered": buffered, "neededTime": needed_s}  # fmt: skip


def voice(jitter_s: float, buffered: int, needed_s: float) -> dict[str, Any]:
    return {**picture(99, 0.5, buffered, needed_s), "track": "v", "kind": "audio", "jitter": jitter_s}


async def test_pictures_wait_longer_on_lossy_lines(page: Page) -> None:
    """A round trip and more while packets are asked for again (on a short line: many), ten seconds after, and what the
    publisher needs."""
    rounds = [(0, 0.2, 0, 0), (3, 0.2, 0, 1000), (3, 0.2, 0, 9000), (3, 0.2, 0, 12000), (4, 0.01, 0, 13000)]
    rounds += [(5, 2.0, 0, 14000), (5, 0.01, 250, 15000), (6, 0.2, 250, 16000)]
    rounds += [(7, 0.21, 250, 17000), (8, 0.15, 250, 18000), (9, 0.06, 250, 19000)]  # a round trip that wavers a little
    rounds += [(10, 0.01, 0, 30000), (13, 0.01, 0, 31000), (14, 0.01, 0, 40000), (14, 0.01, 0, 41000)]  # a short one
    asked = [([picture(nacks, round_trip_s)], late, now) for nacks, round_trip_s, late, now in rounds]
    waits = [None, 300, 300, None, None, 800, 360, 550, 562, 562, 382, None, 110, 110, None]
    assert await page.evaluate(WAIT, asked) == waits


async def test_sound_and_picture_wait_alike_on_uneven_lines(page: Page) -> None:
    """What the slower of them has needed since the last look; nothing on an even line, nor for a voice alone."""
    rounds = [
        [picture(0, 0.01, 25, 0.5), voice(0.02, 48000, 4800.0)],  # 20 ms and 100 ms
        [picture(0, 0.01, 50, 4.5), voice(0.02, 96000, 10560.0)],  # 160 ms and 120 ms
        [picture(0, 0.01, 75, 6.0), voice(0.02, 96000, 10560.0)],  # 60 ms, and nothing was heard
        [picture(0, 0.01, 100, 8.5), voice(0.002, 144000, 15360.0)],
        [voice(0.02, 192000, 25360.0)],
    ]
    assert await page.evaluate(WAIT, [[stats, 0, 1000 * n] for n, stats in enumerate(rounds)]) == [
        100, 160, 60, None, None,
    ]  # fmt: skip
