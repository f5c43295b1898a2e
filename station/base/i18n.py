"""Chinese first, complete English beside it: gettext catalogues read once, and dates as people here say them."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

from babel import negotiate_locale
from babel.messages.pofile import read_po

from station.base.clock import local

LANGUAGES = ("zh", "en")
LOCALE_FOLDER = Path(__file__).resolve().parents[2] / "web" / "locale"
_QVALUE = re.compile(r"^(0(\.\d{0,3})?|1(\.0{0,3})?)$")  # RFC 9110 §12.4.2
_WEEKDAYS_ZH = "一二三四五六日"
_PARTS_OF_DAY = ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))  # each up to that hour


class Translator:
    """Message ids are Chinese; a language other than Chinese looks them up in `locale/{lang}/*.po`."""

    def __init__(self, folder: Path = LOCALE_FOLDER) -> None:
        self._messages: dict[str, dict[str, str]] = {"zh": {}}
        for language in LANGUAGES[1:]:
            self._messages[language] = _read_catalogues(folder / language)

    def gettext(self, language: str, message: str) -> str:
        """The message in that language; Chinese when there is no translation."""
        return self._messages[language].get(message) or message

    def ngettext(self, language: str, singular: str, plural: str, count: int) -> str:
        """Chinese has one form; English chooses by the count."""
        return self.gettext(language, singular if count == 1 else plural)

    def has(self, language: str, message: str) -> bool:
        """Whether there is a translation of a text."""
        return bool(self._messages[language].get(message))


def _read_catalogues(folder: Path) -> dict[str, str]:
    messages: dict[str, str] = {}
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=folder.name)
        messages.update({str(m.id): str(m.string) for m in catalogue if m.id and m.string})
    return messages


def choose_language(cookie: str | None, accept: str | None) -> str:
    """The visitor's choice, else what the browser asks for (RFC 9110 §12.5.4), else Chinese."""
    if cookie in LANGUAGES:
        return cookie
    # In lower case, since Babel answers a language in the spelling in which it was asked for.
    asked = [tag.lower().replace("_", "-") for tag in _by_weight(accept or "") if tag.isascii()]
    return negotiate_locale(asked, LANGUAGES, sep="-") or LANGUAGES[0]


def _by_weight(accept: str) -> list[str]:
    """The tags of an Accept-Language header, the most wanted first; what is refused (q=0) or malformed is left out."""
    weighted: list[tuple[float, str]] = []
    for part in accept.split(","):
        tag, *parameters = (piece.strip() for piece in part.split(";"))
        weight = _weight(parameters)
        if tag and weight > 0:
            weighted.append((weight, tag))
    return [tag for _, tag in sorted(weighted, key=itemgetter(0), reverse=True)]


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return float(value) if _QVALUE.match(value.strip()) else 0.0
    return 1.0


# A page says the same days and times again and again.
@lru_cache(maxsize=4096)
def format_day(moment: datetime | date, language: str, today: date | None = None) -> str:
    """`10月15日（周四）` or `Thursday 15 October`; with the year only when it is another one."""
    day = local(moment).date() if isinstance(moment, datetime) else moment
    other_year = today is not None and day.year != today.year
    if language == "zh":
        year = f"{day.year}年" if other_year else ""
        return f"{year}{day.month}月{day.day}日（周{_WEEKDAYS_ZH[day.weekday()]}）"
    return f"{day:%A} {day.day} {day:%B}" + (f" {day.year}" if other_year else "")


@lru_cache(maxsize=4096)
def format_time(moment: datetime, elder: bool = False, language: str = "zh") -> str:
    """`14:30`, or `下午 2:30` in the elder mode, in English `2:30 pm`; ten past midnight is `凌晨 0:10`, `12:10 am`."""
    here = local(moment)
    if not elder:
        return f"{here:%H:%M}"
    if language == "en":
        return f"{(here.hour - 1) % 12 + 1}:{here:%M} {'am' if here.hour < 12 else 'pm'}"
    part = next(word for until, word in _PARTS_OF_DAY if here.hour < until)
    return f"{part} {here.hour if here.hour <= 12 else here.hour - 12}:{here:%M}"


def format_moment(moment: datetime, language: str, elder: bool = False) -> str:
    """Day and time together, for timelines."""
    here, time = local(moment), format_time(moment, elder, language)
    if language == "zh":
        return f"{here.month}月{here.day}日 {time}"
    return f"{here.day} {here:%B}, {time}"


def format_span(seconds: float) -> str:
    """A place in a recording: `6:42`, or `1:06:42`."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"
