"""Reading the notice as it is published (国务院办公厅关于 … 年部分节假日安排的通知) and finding what is wrong with it.

Pure. The wording has been the same for many years:

    二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from station.base.calendar import YearNotice, festival_days
from station.base.errors import N_, Phrase
from station.base.text import fold

FESTIVALS = ("元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节")
MAX_NOTICE = 4000
LONGEST_BREAK = 15
NEAR = timedelta(days=40)  # make-up days lie within weeks of the break that they pay for
ONE_DAY = timedelta(days=1)
_WEEKDAYS = "一二三四五六日"
_NAMES = "|".join(FESTIVALS)
_HEADING = re.compile(rf"((?:{_NAMES})(?:[、和,](?:{_NAMES}))*):")
_DATE = r"(?:(\d{4})年)?(?:(\d{1,2})月)?(\d{1,2})日(?:\(([^)]*)\))?"
_DAY = re.compile(_DATE)
_SPAN = re.compile(rf"{_DATE}(?:至{_DATE})?")
_TOTAL = re.compile(r"共(\d{1,2})天")
_WEEKDAY = re.compile(r"(?:周|星期)([一二三四五六日天])")
_ADVICE = ("鼓励", "建议", "结合")  # "鼓励各单位…安排职工在除夕休息" grants no day


@dataclass(frozen=True, slots=True)
class Break:
    """One break: its festivals, its first and last day off, and the weekend days worked for it."""

    names: tuple[str, ...]
    first: date
    last: date
    worked: tuple[date, ...]

    @property
    def days(self) -> tuple[date, ...]:
        """Every day of it."""
        return tuple(self.first + n * ONE_DAY for n in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True)
class Reading:
    """What was understood of a text, and in words what does not fit."""

    breaks: tuple[Break, ...]
    faults: tuple[Phrase, ...]


def read_notice(text: str, year: int) -> Reading:
    """The breaks of a pasted notice. Every fault is told, so that all are mended at once."""
    plain = fold(text).replace(" ", "")
    heads = list(_HEADING.finditer(plain))
    breaks: list[Break] = []
    faults: list[Phrase] = []
    missing = list(FESTIVALS)
    for number, head in enumerate(heads):
        names = tuple(re.split("[、和,]", head.group(1)))
        missing = [name for name in missing if name not in names]
        end = heads[number + 1].start() if number + 1 < len(heads) else len(plain)
        try:
            breaks.append(_read_break(names, plain[head.end() : end], year))
        except _Misread as fault:
            faults.append(fault.phrase)
    faults += [Phrase(N_("没有找到%(name)s的安排"), name=name) for name in missing]
    return Reading(tuple(breaks), (*faults, *_find_faults(breaks, year, complete=not faults)))


class _Misread(Exception):
    def __init__(self, phrase: Phrase) -> None:
        super().__init__(str(phrase))
        self.phrase = phrase


def _read_break(names: tuple[str, ...], body: str, year: int) -> Break:
    name = "、".join(names)
    off: list[date] = []
    worked: list[date] = []
    for sentence in re.split("[。;\n]", body):
        if any(word in sentence for word in _ADVICE):
            continue
        if "放假" in sentence:
            off = _read_span(name, sentence, year)
        if "上班" in sentence:
            worked += [_read_day(name, found.groups(), year, None) for found in _DAY.finditer(sentence)]
    if not off:
        raise _Misread(Phrase(N_("%(name)s：没有看懂从哪天放到哪天"), name=name))
    return Break(names, off[0], off[1], tuple(sorted(worked)))


def _read_span(name: str, sentence: str, year: int) -> list[date]:
    found = _SPAN.search(sentence.split("上班", maxsplit=1)[0])
    if found is None:
        raise _Misread(Phrase(N_("%(name)s：没有看懂从哪天放到哪天"), name=name))
    parts = found.groups()
    first = _read_day(name, parts[:4], year, None)
    last = first if parts[6] is None else _read_day(name, parts[4:], first.year, first)
    total = _TOTAL.search(sentence)
    days = (last - first).days + 1
    if not 1 <= days <= LONGEST_BREAK:
        raise _Misread(Phrase(N_("%(name)s：从%(first)s到%(last)s，日子对不上"), name=name, first=first, last=last))
    if total is not None and int(total.group(1)) != days:
        raise _Misread(
            Phrase(N_("%(name)s：写着共 %(told)s 天，数出来是 %(days)s 天"), name=name, told=total.group(1), days=days)
        )
    return [first, last]


def _read_day(name: str, parts: Sequence[str | None], year: int, after: date | None) -> date:
    """A day with its year and month left out where they are those of the day before; its weekday must fit."""
    years, months, days, note = parts
    month = int(months) if months else after.month if after else 0
    try:
        day = date(int(years) if years else year, month, int(days or 0))
    except ValueError:
        raise _Misread(
            Phrase(N_("%(name)s：没有 %(month)s 月 %(day)s 日这一天"), name=name, month=month, day=days)
        ) from None
    told = _WEEKDAY.search(note or "")
    if told is not None and _WEEKDAYS.index(told.group(1).replace("天", "日")) != day.weekday():
        sentence = N_("%(name)s：%(day)s写的是周%(told)s，其实是周%(real)s，看看年份和日子")
        raise _Misread(Phrase(sentence, name=name, day=day, told=told.group(1), real=_WEEKDAYS[day.weekday()]))
    return day


def _find_faults(breaks: Sequence[Break], year: int, complete: bool) -> Iterator[Phrase]:
    """What no notice can say: days of another year, two breaks on one day, work on a weekday, a festival worked."""
    seen: dict[date, str] = {}
    for each in breaks:
        name = "、".join(each.names)
        for day in (*each.days, *each.worked):
            if not date(year - 1, 12, 1) <= day <= date(year, 12, 31):
                yield Phrase(N_("%(name)s：%(day)s不在 %(year)s 年"), name=name, day=day, year=year)
            if day in seen:
                yield Phrase(N_("%(name)s：%(day)s已经在%(other)s里了"), name=name, day=day, other=seen[day])
            seen[day] = name
        for day in each.worked:
            if day.weekday() < 5:
                yield Phrase(N_("%(name)s：%(day)s本来就上班，不是周末"), name=name, day=day)
            if not each.first - NEAR <= day <= each.last + NEAR:
                yield Phrase(N_("%(name)s：%(day)s上班，离放假太远了"), name=name, day=day)
        if len(each.worked) > len(_may_be_given(each)):
            yield Phrase(N_("%(name)s：补班的天数比调休的天数多"), name=name)
    off = {day for each in breaks for day in each.days}
    for day, name in festival_days(year) if complete else ():
        if day not in off:
            yield Phrase(N_("%(day)s是%(name)s，法定要放假，这份安排里却没有"), day=day, name=name)


def _may_be_given(each: Break) -> list[date]:
    """The weekdays of a break that are no festival's own day: given off for weekends worked."""
    festivals = {day for year in {each.first.year, each.last.year} for day, _ in festival_days(year)}
    return [day for day in each.days if day.weekday() < 5 and day not in festivals]


def as_calendar(breaks: Sequence[Break]) -> YearNotice:
    """The breaks as the calendar counts by them: the last weekdays of a break are those given for its weekends."""
    worked: dict[date, date] = {}
    for each in breaks:
        if each.worked:
            worked |= dict(zip(each.worked, _may_be_given(each)[-len(each.worked) :], strict=True))
    return YearNotice(frozenset(day for each in breaks for day in each.days), worked)


def first_change(before: YearNotice | None, after: YearNotice | None, year: int) -> date:
    """The first day from which anything counted by the one may come out otherwise by the other."""
    if before is None or after is None:  # the guess for the year gave way to a notice, or came back
        days = {day for known in (before, after) if known for day in (*known.off, *known.worked)}
        return min({date(year, 1, 1), *days})
    moved = {d for d in {*before.worked, *after.worked} if before.worked.get(d) != after.worked.get(d)}
    return min((before.off ^ after.off) | moved, default=date(year, 12, 31))
