"""Looking deputies up: by place, name, letters and code."""

from __future__ import annotations

import pytest

from station.base.errors import NotFound
from station.base.station import Station
from station.demo.directory import DEPUTIES, seed_directory
from station.directory.service import (
    deputies_under,
    deputy_of_account,
    deputy_of_code,
    find_deputies,
    get_deputies,
    get_deputy,
    get_unit,
    list_units,
    station_tree,
)


async def names(station: Station, place: str = "", name: str = "") -> list[str]:
    return [deputy.name for deputy in (await find_deputies(station, place, name)).deputies]


async def test_an_estate_finds_its_deputies(town: Station) -> None:
    """柳荫新村 is answered for by the deputies of its constituency, then by those of the whole district."""
    assert await names(town, place="柳荫新村") == ["林秀兰", "周明远", "范志强", "沈若兰"]


async def test_an_address_finds_the_same(town: Station) -> None:
    """A whole address, with spaces and a house number, finds what the estate finds."""
    assert await names(town, place="桂花街道 柳荫新村 7 号楼") == await names(town, place="柳荫新村")


async def test_a_street_finds_all_its_constituencies(town: Station) -> None:
    """桂花街道 covers three constituencies."""
    found = await find_deputies(town, place="桂花街道")
    assert {d.constituency for d in found.deputies} >= {f"桂花街道第 {n} 选区" for n in (1, 2, 3)}


async def test_a_misspelt_place_gets_a_suggestion(town: Station) -> None:
    """An unknown place finds nobody but the closest name."""
    found = await find_deputies(town, place="柳阴新村")
    assert (found.total, found.suggestion) == (0, "柳荫新村")


@pytest.mark.parametrize(
    "query",
    [
        "林秀兰", "秀兰", "linxiulan", "LinXiu", "lxl", "lin3",
        "林秀兰代表", "人大代表林秀兰", "林秀兰女士", "林代表", "林秀蘭", "林 秀 兰", "林\u200b秀兰", "\ufeff林秀兰",
        "Xiu-lan", "Lin Xiu-lan", "Xiulan Lin", "xiulan", "Lín Xiùlán", "ｌｉｎｘｉｕｌａｎ", "L X L",
    ],
)  # fmt: skip
async def test_a_deputy_is_found_by_name_letters_initials_or_code(town: Station, query: str) -> None:
    """Each way of writing the name leads to the same person."""
    assert await names(town, name=query) == ["林秀兰"]


async def test_a_surname_with_a_title_means_the_surname(town: Station) -> None:
    """林代表 is 林秀兰, not 沈若兰 nor 周林; 代表 alone means all of them; a traditional place is found too."""
    assert await names(town, name="沈代表") == ["沈若兰"]
    assert (await find_deputies(town, name="代表")).total == len(DEPUTIES)
    assert await names(town, place="柳蔭新村") == await names(town, place="柳荫新村")
    assert await names(town, place="柳荫\u200b新村") == await names(town, place="柳荫新村")


@pytest.mark.parametrize("query", ["%", "_", "100%", "'; drop table deputies; --", "\\"])
async def test_signs_of_the_query_language_find_nobody(town: Station, query: str) -> None:
    """Wildcards and quotes are letters like others."""
    assert (await find_deputies(town, name=query)).total == 0
    assert (await find_deputies(town, place=query)).total == 0


async def test_the_list_is_paged(town: Station) -> None:
    """Twenty deputies stand on two pages without doubles; a page past the end is empty, one before the first is it."""
    pages = [await find_deputies(town, page=n) for n in (1, 2)]
    ids = [deputy.id for page in pages for deputy in page.deputies]
    assert len(ids) == len(set(ids)) == len(DEPUTIES) == pages[0].total
    assert pages[0].pages == 2
    assert (await find_deputies(town, page=99)).deputies == ()
    assert (await find_deputies(town, page=-1)).page == 1


async def test_a_deputy_shows_the_seat_of_the_term_that_lasts(town: Station) -> None:
    """林秀兰 sat for another constituency in the former term; the present one shows."""
    deputy = await get_deputy(town, "dp_demo_linxiulan")
    assert (deputy.constituency, deputy.term, deputy.since) == ("桂花街道第 3 选区", "第十八届", 2022)


async def test_codes_accounts_and_ids_lead_to_the_deputy(town: Station) -> None:
    """The QR code's code, the account and the id name the same person; unknown ones are not found."""
    by_code = await deputy_of_code(town, "LIN3")
    assert by_code == await deputy_of_account(town, "ac_demo_deputy1")
    assert await get_deputies(town, [by_code.id, "dp_nobody"]) == {by_code.id: by_code}
    for search in (deputy_of_code(town, "nope"), get_deputy(town, "nope"), deputy_of_account(town, "ac_demo_clerk")):
        with pytest.raises(NotFound):
            await search


async def test_units_and_stations_are_listed(town: Station) -> None:
    """Units by id and as a list; stations as a tree of three tiers."""
    units = await list_units(town)
    assert (await get_unit(town, "un_demo_housing")).name == "区住房和城乡建设局"
    assert len(units) == 10
    with pytest.raises(NotFound):
        await get_unit(town, "un_nobody")
    (main,) = await station_tree(town)
    assert main.station.tier == "main"
    assert {child.station.tier for child in main.children} == {"center"}
    assert {leaf.station.tier for child in main.children for leaf in child.children} == {"street"}


async def test_seeding_twice_changes_nothing(town: Station) -> None:
    """A restart of the demo adds nobody."""
    await seed_directory(town)
    assert (await find_deputies(town)).total == len(DEPUTIES)


async def test_a_station_covers_its_deputies_and_those_below_it(town: Station) -> None:
    """A centre covers its street stations, not its neighbours; the main station and "" cover all."""
    guihua = await deputies_under(town, "st_demo_guihua")
    wangjiang = await deputies_under(town, "st_demo_wangjiang")
    main = await deputies_under(town, "st_demo_main")
    assert guihua and wangjiang and main
    assert "dp_demo_linxiulan" in guihua and not guihua & wangjiang
    assert main == {f"dp_demo_{deputy.key}" for deputy in DEPUTIES}
    assert await deputies_under(town, "") is None
    assert await deputies_under(town, "st_nowhere") == frozenset()
