"""Searching the public list: a number only when nothing else is typed, titles in any spelling."""

from __future__ import annotations

import pytest

from station.cases import service
from tests.cases.conftest import CLERK, Town

TITLES = ("屋顶漏水", "望江路 22 号外墙脱落", "垃圾分类亭太远", "ＡＥＤ 没有电", "2026 年路灯改造")


async def found(town: Town, words: str) -> list[str]:
    return [line.title for line in (await service.list_public(town.station, words)).lines]


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("22", ["望江路 22 号外墙脱落"]),
        ("2026-11-30 路灯", []),
        ("2026 路灯", ["2026 年路灯改造"]),
        ("垃圾 分类", ["垃圾分类亭太远"]),
        ("垃圾\u200b分类", ["垃圾分类亭太远"]),
        ("太远 垃圾", ["垃圾分类亭太远"]),
        ("外牆脫落", ["望江路 22 号外墙脱落"]),
        ("望江路22号", ["望江路 22 号外墙脱落"]),
        ("aed", ["ＡＥＤ 没有电"]),
        ("2026-0001", ["屋顶漏水"]),
        ("２０２６－１", ["屋顶漏水"]),
        ("1", ["屋顶漏水"]),
        ("%", []),
        ("_", []),
    ],
)
async def test_what_is_typed_finds_what_is_meant(town: Town, words: str, titles: list[str]) -> None:
    """Words find titles, numbers find numbers and titles, and a date is no number."""
    for title in TITLES:
        case = await town.noted(title)
        await service.publish_case(town.station, CLERK, case.id, title, "")
    assert await found(town, words) == titles


async def test_titles_not_reviewed_are_not_found(town: Town) -> None:
    """A recalled title is not searched any more."""
    case = await town.noted("垃圾分类亭太远")
    assert await found(town, "垃圾") == []
    await service.publish_case(town.station, CLERK, case.id, "垃圾分类亭太远", "")
    assert len(await found(town, "垃圾")) == 1
    await service.recall_case(town.station, CLERK, case.id, "写错了")
    assert await found(town, "垃圾") == []
