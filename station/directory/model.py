"""What the directory knows, and the pure rules of finding one's way in it."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from station.base.text import fold
from station.base.traditional import simplify

PAGE_SIZE = 10
MAX_QUERY = 40


class Tier(StrEnum):
    """The three tiers of stations: 总站, 中心站, 联络站."""

    MAIN = "main"
    CENTER = "center"
    STREET = "street"


class PlaceKind(StrEnum):
    """What a constituency covers, from wide to narrow."""

    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"
    ROAD = "road"
    ESTATE = "estate"


_WIDTH = {kind: width for width, kind in enumerate(PlaceKind)}


@dataclass(frozen=True, slots=True)
class LiaisonStation:
    """One liaison station; `parent` is the station above it, None at the top."""

    id: str
    district: str
    parent: str | None
    tier: Tier
    name: str
    address: str
    phone: str
    hours: str = ""
    directions: str = ""
    accessibility: str = ""
    closed: bool = False
    version: int = 1


@dataclass(frozen=True, slots=True)
class StationNode:
    """A station with those below it."""

    station: LiaisonStation
    children: tuple[StationNode, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A street, community, road or estate, and the constituency it belongs to.

    `spelling` is that of its names by which it was found.
    """

    id: str
    name: str
    kind: PlaceKind
    constituency: str
    spelling: str = ""

    @property
    def called(self) -> str:
        """What it was called by who looked for it."""
        return self.spelling or self.name


@dataclass(frozen=True, slots=True)
class Seat:
    """A deputy's mandate in one term for one constituency; `level` is "district" or "city"."""

    id: str
    deputy: str
    term: str
    constituency: str
    level: str


@dataclass(frozen=True, slots=True)
class Deputy:
    """A deputy as pages show them: the person, and the seat of the term that lasts, or the last one they had.

    `receiving` says whether times may be booked now.
    """

    id: str
    code: str
    name: str
    latin: str
    constituency: str
    constituency_id: str
    level: str
    station_id: str
    station_name: str
    station_address: str
    job: str
    concerns: str
    bio: str
    term: str
    since: int
    in_office: bool = True
    receiving: bool = True

    @property
    def is_bookable(self) -> bool:
        """Whether somebody may make an appointment."""
        return self.in_office and self.receiving

    @property
    def surname(self) -> str:
        """The family name, for the avatar and for "林代表"."""
        return surname_of(self.name)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that handles cases (承办单位). A retired one ends what it has, and gets nothing new."""

    id: str
    name: str
    phone: str
    contacts: str = ""
    retired: bool = False
    version: int = 1


@dataclass(frozen=True, slots=True)
class DirectoryCounts:
    """How much the directory holds; `stations` by tier, `deputies` those with a seat in the term that lasts."""

    stations: dict[Tier, int]
    deputies: int
    constituencies: int
    places: int
    units: int


@dataclass(frozen=True, slots=True)
class DeputyPage:
    """One page of a search: what was found, where the search landed, and what else may have been meant."""

    deputies: tuple[Deputy, ...]
    total: int
    page: int
    pages: int
    places: tuple[Place, ...]
    suggestion: str


# The double surnames of 百家姓 and those borne today besides.
_DOUBLE = (
    "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 "
    "申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 "
    "宰父 谷梁 拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 梁丘 左丘 西门 第五 南荣 东里 仲长 即墨 "
    "达奚 褚师 纳兰 完颜 耶律 贺兰 哥舒 淳于 单于 屠岸 叶赫 爱新 富察 佟佳 钮祜 赫舍 乌雅 章佳"
)
DOUBLE_SURNAMES = frozenset(_DOUBLE.split())
_TITLES = re.compile(r"^(?:[市区县]?人大代表|代表)+|(?:[市区县]?人大代表|代表|委员|同志|先生|女士|老师)+$")
_U_UMLAUT = re.compile("(?<=[ln])v")
_DOTS = re.compile("[·•・．.‧∙⋅᛫]")


def surname_of(name: str) -> str:
    """The family name of a Chinese name, double surnames included, in traditional characters too."""
    return name[:2] if len(name) > 2 and simplify(name[:2]) in DOUBLE_SURNAMES else name[:1]


def clean_query(raw: str) -> str:
    """What somebody typed into a search field, in one spelling: simplified, without blanks, MAX_QUERY long at most."""
    return simplify(fold(raw)).replace(" ", "")[:MAX_QUERY]


def simple_name(name: str) -> str:
    """A place's name as queries are spelled: simplified, folded, without spaces."""
    return simplify(fold(name)).replace(" ", "")[:60]


@dataclass(frozen=True, slots=True)
class NameQuery:
    """A name as it may be stored: Chinese signs, or small letters in each order that makes sense.

    `titled` when only a surname is left of something like 林代表: then the name begins with it.
    """

    chinese: str = ""
    letters: tuple[str, ...] = ()
    titled: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing was asked for."""
        return not self.chinese and not self.letters


def read_name(raw: str) -> NameQuery:
    """A deputy's name as people type it: 林秀蘭, 林秀兰代表, 林代表, Xiu-lan, Xiùlán Lin, LXL, or a code like lin3."""
    folded = simplify(fold(raw))[:MAX_QUERY]
    if not folded.isascii() and not _is_latin(folded):
        plain = _DOTS.sub("", folded.replace(" ", ""))
        bare = _TITLES.sub("", plain)
        return NameQuery(chinese=bare, titled=bare != plain and len(bare) <= 2)
    words = _without_marks(folded).lower().replace("-", "").replace("'", "").replace("’", "").split()
    orders = [words, [*words[-1:], *words[:-1]]]  # Lin Xiulan, and Xiulan Lin
    typed = ["".join(order) for order in orders if order]
    as_in_names = [_U_UMLAUT.sub("yu", letters) for letters in typed]  # 吕 is typed lv and written Lyu
    return NameQuery(letters=tuple(dict.fromkeys([*typed, *as_in_names])))


def _is_latin(text: str) -> bool:
    return all("LATIN" in unicodedata.name(c, "") for c in text if c.isalpha())


def _without_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def spell(syllables: str) -> tuple[str, str, str]:
    """From `lin xiu lan`: the latin name (`Lin Xiulan`), its letters for searching and its initials (`lxl`)."""
    first, *given = syllables.split()
    latin = f"{first.capitalize()} {''.join(given).capitalize()}"
    return latin, first + "".join(given), "".join(part[0] for part in (first, *given))


def narrowest(query: str, found: Sequence[Place]) -> tuple[Place, ...]:
    """The places that a query means.

    An address such as 桂花街道柳荫新村7号楼 names a street and an estate: the narrowest named one counts.
    A query that is only a part of names (柳荫) means every place it is a part of.
    """
    named = [place for place in found if place.called in query]
    if not named:
        return _once_each(found)
    width = max(_WIDTH[place.kind] for place in named)
    return _once_each(place for place in named if _WIDTH[place.kind] == width)


def _once_each(places: Iterable[Place]) -> tuple[Place, ...]:
    """Each place by the first of the spellings that were found."""
    first: dict[str, Place] = {}
    for place in places:
        first.setdefault(place.id, place)
    return tuple(first.values())


def closest_name(query: str, names: Iterable[str]) -> str:
    """The name most like a query that found nothing, or "": 柳阴新村 → 柳荫新村."""
    best = difflib.get_close_matches(query, list(dict.fromkeys(names)), n=1, cutoff=0.6)
    return best[0] if best else ""


def page_count(total: int, size: int = PAGE_SIZE) -> int:
    """How many pages a list has; an empty one has one."""
    return max(1, -(-total // size))


def stations_above(stations: Sequence[LiaisonStation], station_id: str) -> frozenset[str]:
    """A station's id and those of all stations above it; circles in the data do no harm."""
    parents = {station.id: station.parent for station in stations}
    found: set[str] = set()
    above: str | None = station_id
    while above is not None and above not in found:
        found.add(above)
        above = parents.get(above)
    return frozenset(found)


def stations_below(stations: Sequence[LiaisonStation], top: str) -> frozenset[str]:
    """A station's id and those of all stations below it; circles in the data do no harm."""
    found, waiting = {top}, [top]
    while waiting:
        parent = waiting.pop()
        below = [s.id for s in stations if s.parent == parent and s.id not in found]
        found.update(below)
        waiting += below
    return frozenset(found)


def build_tree(stations: Sequence[LiaisonStation]) -> tuple[StationNode, ...]:
    """The stations as a tree. A station whose parent is unknown, or that would close a circle, becomes a root."""
    known = {station.id: station for station in stations}

    def root_of(station: LiaisonStation) -> bool:
        seen, parent = {station.id}, station.parent
        while parent in known:
            if parent in seen:
                return True
            seen.add(parent)
            parent = known[parent].parent
        return station.parent not in known

    roots = [station for station in stations if root_of(station)]
    root_ids = {station.id for station in roots}

    def grow(station: LiaisonStation) -> StationNode:
        below = [s for s in stations if s.parent == station.id and s.id not in root_ids]
        return StationNode(station, tuple(grow(s) for s in below))

    return tuple(grow(station) for station in roots)
