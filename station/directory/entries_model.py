"""What an administrator writes into the directory, one entry a kind, and what may be wrong with it.

Forms and spreadsheets make the same entries and are held to the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from station.base.errors import N_, BadInput, Conflict, Phrase
from station.base.text import digits_of, fold
from station.base.traditional import simplify
from station.directory.model import LiaisonStation, PlaceKind, Tier, simple_name, stations_below

Faults = dict[str, str]
MAX_PLACES = 200  # of one constituency: their form has three fields each
LEVELS = ("district", "city")
_CODE = re.compile(r"[a-z][a-z0-9]{1,11}")
_SYLLABLES = re.compile(r"[a-z]+(?: [a-z]+)*")
_BETWEEN_NAMES = re.compile(r"[、，,;；\n]+")
TOO_LONG = N_("太长了，最多 %(most)s 个字，现在 %(n)s 个")


class ChangedMeanwhile(Conflict):
    """What the form showed is not what is there now."""

    code = "entry-changed"
    message = N_("您填写的时候，别人刚改过这一条。两边都在下面，请看过再存")


class AskAgain(BadInput):
    """There is one like it already: it is asked whether both are meant. `like` names it."""

    code = "ask-again"
    message = N_("已经有一条很像的了，请看一下是不是同一个")

    def __init__(self, name: str) -> None:
        super().__init__(fields={"name": Phrase(N_("已经有“%(name)s”了。确实是另外一个，就勾上再存"), name=name)})


class StillNeeded(Conflict):
    """It cannot be closed or taken away, as somebody depends on it."""

    code = "still-needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StationEntry:
    """A liaison station as it is written; `parent` is an id, "" at the top."""

    name: str
    tier: str
    parent: str = ""
    address: str
    phone: str
    hours: str = ""
    directions: str = ""
    accessibility: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEntry:
    """A handling unit; `contacts` holds a person a line."""

    name: str
    phone: str
    contacts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceEntry:
    """A place of a constituency with its other names."""

    kind: str
    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstituencyEntry:
    """A constituency and its places, in their order."""

    name: str
    whole_district: bool = False
    places: tuple[PlaceEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeputyEntry:
    """A deputy with the seat of the term that lasts; `station` and `constituency` are ids."""

    name: str
    syllables: str = ""
    code: str = ""
    station: str
    constituency: str
    level: str = "district"
    job: str = ""
    concerns: str = ""
    bio: str = ""
    receiving: bool = True


_LONGEST = {
    StationEntry: {"name": 60, "address": 120, "phone": 30, "hours": 120, "directions": 400, "accessibility": 200},
    UnitEntry: {"name": 60, "phone": 30, "contacts": 400},
    ConstituencyEntry: {"name": 60},
    DeputyEntry: {"name": 40, "syllables": 80, "job": 80, "concerns": 120, "bio": 2000},
}
Entry = StationEntry | UnitEntry | ConstituencyEntry | DeputyEntry


def split_names(typed: str) -> tuple[str, ...]:
    """Other names as they are typed one after another (柳新、新村), in the order in which they are kept."""
    return tuple(sorted({name for part in _BETWEEN_NAMES.split(typed) if (name := simple_name(part))}))


def name_key(name: str) -> str:
    """One spelling of a name for comparing."""
    return simplify(fold(name)).replace(" ", "").casefold()


def check_lengths(entry: Entry) -> Faults:
    """Texts longer than their columns."""
    faults: Faults = {}
    for field, most in _LONGEST[type(entry)].items():
        length = len(getattr(entry, field))
        if length > most:
            faults[field] = Phrase(TOO_LONG, most=most, n=length)
    return faults


def check_station(entry: StationEntry, own_id: str, stations: Iterable[LiaisonStation]) -> Faults:
    """What is wrong with a station; `own_id` is "" for a new one."""
    known = {one.id: one for one in stations}
    faults: Faults = {}
    if not entry.name:
        faults["name"] = N_("请写名称")
    if entry.tier not in set(Tier):
        faults["tier"] = N_("请选总站、中心站或联络站")
    if not entry.address:
        faults["address"] = N_("请写地址，群众要找得到")
    faults |= check_phone(entry.phone)
    if entry.parent:
        faults |= _check_parent(entry.parent, own_id, known)
    return faults | check_lengths(entry)


def _check_parent(parent: str, own_id: str, known: dict[str, LiaisonStation]) -> Faults:
    if parent not in known:
        return {"parent": N_("没有这个上级站，请重新选")}
    if own_id and parent in stations_below(list(known.values()), own_id):
        return {"parent": N_("上级站不能是它自己，也不能是它下面的站")}
    return {}


def check_phone(phone: str, required: bool = True) -> Faults:
    """A telephone number is some digits, with whatever stands between them."""
    if not phone:
        return {"phone": N_("请写电话")} if required else {}
    return {} if 3 <= len(digits_of(phone)) <= 20 else {"phone": N_("这个电话号码不对，要 3 到 20 位数字")}


def check_unit(entry: UnitEntry) -> Faults:
    """What is wrong with a unit."""
    faults: Faults = {} if entry.name else {"name": N_("请写名称")}
    return faults | check_phone(entry.phone) | check_lengths(entry)


def check_constituency(entry: ConstituencyEntry) -> Faults:
    """What is wrong with a constituency; a place's fault is under `place-2`, counted from 0."""
    faults: Faults = {} if entry.name else {"name": N_("请写名称")}
    if len(entry.places) > MAX_PLACES:
        faults["places"] = Phrase(N_("一个选区最多 %(most)s 处"), most=MAX_PLACES)
    seen: set[tuple[str, str]] = set()
    for number, place in enumerate(entry.places):
        key = (place.kind, name_key(place.name))
        if place.kind not in set(PlaceKind):
            faults[f"place-{number}"] = N_("请选是街道、社区、路还是小区")
        elif any(len(name) > 60 for name in (place.name, *place.aliases)):
            faults[f"place-{number}"] = N_("地名太长了，最多 60 个字")
        elif key in seen:
            faults[f"place-{number}"] = Phrase(N_("“%(name)s”写了两遍"), name=place.name)
        seen.add(key)
    return faults | check_lengths(entry)


def check_deputy(
    entry: DeputyEntry, station_ids: Iterable[str], constituency_ids: Iterable[str], is_seated: bool = True
) -> Faults:
    """What is wrong with a deputy, apart from whether the code is somebody else's.

    Who is not in office any more (not `is_seated`) needs no constituency; with one they have a seat again.
    """
    faults: Faults = {}
    if not entry.name:
        faults["name"] = N_("请写姓名")
    if entry.syllables and not _SYLLABLES.fullmatch(entry.syllables):
        faults["syllables"] = N_("拼音只写字母和空格，比如 lin xiu lan")
    elif len(entry.syllables.split()) > 12:
        faults["syllables"] = N_("拼音最多 12 个音节")
    if entry.code and not _CODE.fullmatch(entry.code):
        faults["code"] = N_("代码是 2 到 12 个小写字母和数字，以字母开头，比如 lin3")
    if entry.station not in set(station_ids):
        faults["station"] = N_("请选在哪个联络站接待")
    if entry.constituency not in set(constituency_ids) and (is_seated or entry.constituency):
        faults["constituency"] = N_("请选哪个选区")
    if entry.level not in LEVELS:
        faults["level"] = N_("请选区代表还是市代表")
    return faults | check_lengths(entry)


def propose_code(syllables: str, taken: Iterable[str]) -> str:
    """The code on the deputy's poster: the surname and the first number that is free, `lin3`."""
    stem = (syllables.split() or ["dp"])[0][:8]
    used = set(taken)
    return next(code for number in range(1, len(used) + 3) if (code := f"{stem}{number}") not in used)
