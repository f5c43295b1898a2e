"""An administrator writes constituencies and deputies on pages, and everybody finds them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio

from station.base.principal import SYSTEM
from station.base.station import Station
from station.booking.model import Matter, Mode, SlotClosed
from station.booking.rota import list_slots
from station.booking.service import book_slot
from station.demo.booking import LIN, seed_booking
from station.directory import edit_service
from station.directory.entries_model import ConstituencyEntry, DeputyEntry, PlaceEntry, check_constituency
from station.directory.pinyin import propose_syllables, spell_place
from station.directory.service import find_deputies, get_deputy
from station.ledger.verify import verify_chain
from tests.cases.conftest import CITIZEN
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
RIVER = {
    "name": "河西第 1 选区",
    "kind-0": "estate",
    "name-0": "渔阳里",
    "aliases-0": "机务段宿舍、老机务",
    "seen": "0",
}
HAI = {"name": "单海峰", "constituency": "co_demo_city", "station": "st_demo_main", "level": "city", "receiving": "yes"}


@pytest_asyncio.fixture
async def admin(town: Station, new_person: NewPerson) -> Person:
    return await new_person("ac_demo_admin")


@pytest.mark.parametrize(
    ("name", "syllables"),
    [
        ("林秀兰", "lin xiu lan"), ("单海峰", "shan hai feng"), ("欧阳青", "ouyang qing"), ("尉迟恭", "yuchi gong"),
        ("仇英", "qiu ying"), ("曾巩", "zeng gong"), ("吕布", "lyu bu"), ("解缙", "xie jin"), ("歐陽修", "ouyang xiu"),
    ],
)  # fmt: skip
def test_the_pinyin_of_a_name_is_proposed(name: str, syllables: str) -> None:
    """The surname in one word and in its own reading, then sign for sign."""
    assert propose_syllables(name) == syllables


async def test_a_place_is_found_by_each_of_its_names(town: Station, admin: Person) -> None:
    """By name and other names, in traditional characters, by pinyin and initials; taken away it is found no more."""
    page = await admin.post("/admin/constituencies", 200, **RIVER)
    assert "存好了" in page and "机务段宿舍、老机务" in page
    made = page.split('action="/admin/constituencies/')[1].split('"')[0]
    seat = DeputyEntry(name="郑海峰", constituency=made, station="st_demo_main")
    zheng = await edit_service.save_deputy(town, SYSTEM, "", seat)
    for query in ("渔阳里", "漁陽里", "老机务", "河西路老机务3号楼", "yuyangli", "YYL", "laojiwu"):
        found = await find_deputies(town, place=query)
        assert zheng in {deputy.id for deputy in found.deputies}, query
        assert [place.name for place in found.places] == ["渔阳里"], query
    assert "河西第 1 选区" in await admin.get("/admin/constituencies?q=laojiwu")
    await admin.post(f"/admin/constituencies/{made}", 200, **(RIVER | {"name-0": "", "seen": "1"}))
    assert not (await find_deputies(town, place="老机务")).places


async def test_a_constituency_is_removed_only_without_seats(town: Station, admin: Person) -> None:
    """With seats of any term the reason is told; without, it goes with its places."""
    page = await admin.post("/admin/constituencies/co_demo_city/remove", 409, seen="1")
    assert "不能去掉" in page
    made = await edit_service.save_constituency(town, SYSTEM, "", ConstituencyEntry(name="河东选区"))
    await admin.post(f"/admin/constituencies/{made}/remove", seen="1")
    await admin.get(f"/admin/constituencies/{made}", status=404)
    assert (await verify_chain(town.database)).ok


async def test_the_second_of_two_sees_the_others_places(town: Station, admin: Person) -> None:
    """Places count as part of their constituency: who saves over an older state is shown what is there."""
    entry = ConstituencyEntry(name="全区", whole_district=True, places=(PlaceEntry(kind="road", name="环城路"),))
    await edit_service.save_constituency(town, SYSTEM, "co_demo_city", entry, 1)
    page = await admin.post("/admin/constituencies/co_demo_city", 409, **(RIVER | {"seen": "1"}))
    assert "环城路" in page and "渔阳里" in page


def test_a_place_is_written_once() -> None:
    """The same name twice, a kind that is none and a name too long are told by their line."""
    places = [PlaceEntry(kind="road", name="环城路")] * 2 + [PlaceEntry(kind="sea", name="x")]
    faults = check_constituency(ConstituencyEntry(name="一", places=(*places, PlaceEntry(kind="road", name="长" * 61))))
    assert list(faults) == ["place-1", "place-2", "place-3"]
    assert spell_place("重庆路A座") == ("chongqinglu" + "a" + "zuo", "cqlaz")


async def test_a_new_deputy_gets_pinyin_and_code_and_is_found(town: Station, admin: Person) -> None:
    """What was left empty is proposed, and the code leads to the deputy; two of a name are asked about."""
    page = await admin.post("/admin/deputies", 200, **HAI)
    assert 'value="shan hai feng"' in page and 'value="shan1"' in page
    assert "单海峰" in await admin.get("/d/shan1")
    assert "单海峰" in await admin.get("/deputies?name=shanhaifeng") and "单海峰" in await admin.get(
        "/admin/deputies?q=单"
    )
    assert "确实是另外一个" in await admin.post("/admin/deputies", 422, **HAI)
    twin = await admin.post("/admin/deputies", 200, **HAI, sure="yes")
    assert 'value="shan2"' in twin
    assert "已经是单海峰代表的了" in await admin.post(
        "/admin/deputies", 422, **(HAI | {"name": "单二", "code": "shan2"})
    )


async def test_who_does_not_receive_cannot_be_booked(town: Station, admin: Person) -> None:
    """Their page and the list say so, and a time chosen before is refused; the booked ones stand."""
    await seed_booking(town)
    slot = next(slot for slot in await list_slots(town, CITIZEN, LIN) if not slot.full)
    lin = await get_deputy(town, LIN)
    form = {"name": lin.name, "constituency": lin.constituency_id, "station": lin.station_id, "level": lin.level}
    await admin.post(f"/admin/deputies/{LIN}", 200, **form, syllables="lin xiu lan", code=lin.code, seen="1")
    assert "现在不接待" in await admin.get(f"/deputies/{LIN}")
    with pytest.raises(SlotClosed):
        await book_slot(town, CITIZEN, slot.id, Matter(Mode.VIDEO, "电梯"), "key-of-a-form")


def test_places_with_umlauts_are_spelled_as_keyboards_type_them() -> None:
    """绿苑 is lvyuan to whoever types it; in people's names it is lyu, as in passports."""
    assert spell_place("绿苑小区")[0] == "lvyuanxiaoqu"
    assert propose_syllables("吕绿") == "lyu lyu"
