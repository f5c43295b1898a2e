"""What the citizen wrote when booking goes with the case, under their own name."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from station.cases import service
from station.cases.records import Case, OpenCase
from tests.cases.conftest import CITIZEN, CLERK, DEPUTY, UNIT, Town
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
TOPIC, WORDS = "楼道灯三个月不亮", "物业说没有钱。\n老人上楼要打手电。"


async def noted(town: Town) -> Case:
    """A case with the deputy's words and the citizen's."""
    request = OpenCase(
        "7 号楼楼道灯", "请房管局查物业", DEPUTY.scope, CITIZEN.account, citizen_topic=TOPIC, citizen_words=WORDS,
        citizen_help="text,staff",
    )  # fmt: skip
    return await service.open_case(town.station, DEPUTY, request)


async def test_every_party_reads_both_texts_named_by_who_wrote_them(town: Town, new_person: NewPerson) -> None:
    """Clerk and unit decide with the citizen's words before them; the asker is not shown the deputy's as their own."""
    case = await noted(town)
    await service.accept_case(town.station, CLERK, case.id)
    await service.assign_case(town.station, CLERK, case.id, UNIT.scope)
    for account, path in (
        ("ac_demo_clerk", "/desk/cases/"),
        ("ac_demo_unit", "/unit/cases/"),
        ("ac_demo_supervisor", "/oversight/cases/"),
        ("ac_demo_deputy1", "/cases/"),
        ("ac_demo_citizen", "/cases/"),
    ):
        page = re.sub(r"<[^>]+>", "", await (await new_person(account)).get(path + case.id))
        whose = "您约见时写的" if account == "ac_demo_citizen" else "群众约见时写的"
        assert page.index(whose) < page.index(TOPIC) < page.index("老人上楼") < page.index("林秀兰代表记的"), account
        assert "请房管局查物业" in page and "请打字给我看" in page and "您说的" not in page, account


async def test_strangers_read_nothing_of_it(town: Town, new_person: NewPerson) -> None:
    """Neither before nor after the review, on no page and not in the open data."""
    case = await noted(town)
    await service.publish_case(town.station, CLERK, case.id, "楼道灯", "")
    guest, other = await new_person(), await new_person("ac_demo_citizen2")
    for person in (guest, other):
        for path in (f"/cases/{case.id}", "/cases", "/api/v1/cases", f"/api/v1/cases/{case.year}-{case.serial}"):
            page = await person.get(path)
            assert TOPIC not in page and "老人上楼" not in page and "打字给我看" not in page, path


async def test_a_case_without_a_booking_names_who_noted_it(town: Town, new_person: NewPerson) -> None:
    """Nothing is said to be the citizen's that the deputy wrote."""
    case = await town.noted()
    page = re.sub(r"<[^>]+>", "", await (await new_person("ac_demo_citizen")).get(f"/cases/{case.id}"))
    assert "林秀兰代表记的" in page and "约见时写的" not in page and "您说的" not in page
