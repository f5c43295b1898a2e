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


async def test_loss_is_what_was_lost_lately(page: Page) -> None:
    """What was lost before does not count for ever, and a few packets tell nothing."""
    rounds = [
        measures(down={"packetsLost": 30, "packetsReceived": 200}),
        measures(down={"packetsLost": 30, "packetsReceived": 400}),
        measures(down={"packetsLost": 33, "packetsReceived": 410}),
    ]
    assert await page.evaluate(JUDGE, rounds) == [["download", []], [None, []], [None, []]]


async def test_pictures_wait_longer_on_long_lossy_lines(page: Page) -> None:
    """A round trip and more while packets are asked for again, ten seconds after, and what the publisher needs."""
    targets = """
    (rounds) => import("/js/media/patience.js").then(({ Patience }) => {
      const patience = new Patience();
      return rounds.map((round) => patience.target(...round));
    })
    """
    rounds = [[0, 0.2, 0, 0], [3, 0.2, 0, 1000], [3, 0.2, 0, 9000], [3, 0.2, 0, 12000], [4, 0.01, 0, 13000]]
    rounds += [[5, 2.0, 0, 14000], [5, 0.01, 250, 15000], [6, 0.2, 250, 16000]]
    assert await page.evaluate(targets, rounds) == [None, 300, 300, None, None, 800, 250, 550]
