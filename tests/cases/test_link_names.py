"""Links of the public list tell each case apart, whatever of it has been reviewed."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from station.cases.service import accept_case, publish_case
from tests.cases.conftest import CLERK, Town
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
WORDS = {"zh-CN": "标题还在审核（{} 号）", "en": "Title under review (no. {})"}


def link_names(page: str) -> list[str]:
    """What a screen reader lists of the links to cases, as it says them."""
    links = re.findall(r'<a[^>]*href="/cases/cs_\w+"[^>]*>(.*?)</a>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", "", link).split()) for link in links]


@pytest.mark.parametrize("language", list(WORDS))
async def test_each_link_has_a_name_of_its_own(town: Town, new_person: NewPerson, language: str) -> None:
    """Titles under review go by their number; what has been reviewed by its title; elder mode says the same."""
    cases = [await town.noted(f"{number} 号楼下路灯不亮") for number in range(4)]
    for case in cases:
        await accept_case(town.station, CLERK, case.id)
    await publish_case(town.station, CLERK, cases[3].id, "小区路灯不亮", "")
    guest = await new_person()
    guest.headers = {"Accept-Language": language}
    for _ in ("standard", "elder"):
        page = await guest.get("/cases")
        names = link_names(page)
        assert len(names) == len(set(names)) == 4, names
        assert sum("小区路灯不亮" in name for name in names) == 1
        assert "号楼下路灯不亮" not in page
        for case in cases[:3]:
            serial = re.findall(r"\d{4}", case.number)[-1]
            assert any(WORDS[language].format(serial) in name for name in names), (serial, names)
        await guest.get("/mode/elder?next=/cases")
