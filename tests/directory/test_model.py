"""Finding one's way: places, names, the tree of stations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.directory.model import (
    MAX_QUERY,
    LiaisonStation,
    Place,
    PlaceKind,
    StationNode,
    Tier,
    build_tree,
    clean_query,
    closest_name,
    narrowest,
    page_count,
    read_name,
    spell,
    surname_of,
)


def place(name: str, kind: PlaceKind, constituency: str = "co") -> Place:
    return Place(name, name, kind, constituency)


def test_the_narrowest_named_place_counts() -> None:
    """An address that names a street and an estate means the estate."""
    street, estate = place("桂花街道", PlaceKind.STREET), place("柳荫新村", PlaceKind.ESTATE)
    assert narrowest("桂花街道柳荫新村7号楼", [street, estate]) == (estate,)


def test_a_part_of_names_means_all_of_them() -> None:
    """柳荫 may be the estate, the road or the community."""
    found = [place("柳荫新村", PlaceKind.ESTATE), place("柳荫路", PlaceKind.ROAD)]
    assert narrowest("柳荫", found) == tuple(found)


def test_a_misspelt_place_is_recognised() -> None:
    """柳阴新村 is taken for 柳荫新村; something else for nothing."""
    assert closest_name("柳阴新村", ["东风小区", "柳荫新村"]) == "柳荫新村"
    assert closest_name("火星", ["东风小区", "柳荫新村"]) == ""


def test_names_are_spelt_for_searching() -> None:
    """A name is found by its letters and by its initials; double surnames stay whole."""
    assert spell("lin xiu lan") == ("Lin Xiulan", "linxiulan", "lxl")
    assert surname_of("欧阳青") == "欧阳"
    assert surname_of("林秀兰") == "林"


@pytest.mark.parametrize(
    ("name", "surname"),
    [
        ("欧阳青", "欧阳"), ("令狐冲云", "令狐"), ("慕容雪", "慕容"), ("端木赐", "端木"), ("万俟明", "万俟"),
        ("歐陽鋒", "歐陽"), ("長孫無忌", "長孫"), ("欧阳", "欧"), ("司马", "司"), ("东方红", "东方"),
        ("林秀兰", "林"), ("于", "于"), ("", ""), ("买买提·艾力", "买"),
    ],
)  # fmt: skip
def test_double_surnames_stay_whole(name: str, surname: str) -> None:
    """Also rare ones and those in traditional characters; two signs in all are a surname and a given name."""
    assert surname_of(name) == surname


@given(st.text())
def test_any_name_can_be_searched(raw: str) -> None:
    """Whatever is typed becomes a query of letters or of Chinese signs, or none."""
    query = read_name(raw)
    assert not (query.chinese and query.letters)


@given(st.text())
def test_any_query_is_tamed(raw: str) -> None:
    """Whatever is typed becomes short and free of spaces."""
    query = clean_query(raw)
    assert len(query) <= MAX_QUERY
    assert not any(c.isspace() for c in query)


@given(st.integers(0, 10_000), st.integers(1, 100))
def test_pages_hold_everything(total: int, size: int) -> None:
    """All items fit on the pages, and no page is empty but the first."""
    pages = page_count(total, size)
    assert pages * size >= total
    assert pages == 1 or (pages - 1) * size < total


def count(nodes: tuple[StationNode, ...]) -> int:
    return sum(1 + count(node.children) for node in nodes)


@given(st.lists(st.one_of(st.none(), st.integers(0, 7)), min_size=1, max_size=8))
def test_every_station_stands_in_the_tree_once(parents: list[int | None]) -> None:
    """No station is lost or doubled, even when the parents are nonsense or form a circle."""
    stations = [
        LiaisonStation(f"st_{n}", "di", None if parent is None else f"st_{parent}", Tier.STREET, "", "", "")
        for n, parent in enumerate(parents)
    ]
    assert count(build_tree(stations)) == len(stations)
