"""Telephone, identity and account numbers: what counts are the digits and how they are grouped, not what parts them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from station.cases.masking.view import View

PHONE, IDENTITY, ACCOUNT = "〔电话〕", "〔证件号〕", "〔账号〕"
_PARTS = r"[\s\-‐-―−_.·•・,，、。/\\|~()\[\]+*:;'\"^=#]"
_GROUP = re.compile(r"\d+")
_BETWEEN = re.compile(rf"{_PARTS}{{1,3}}")
_LIST = re.compile(r"[,，、;/]")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_COUNTRY = re.compile(r"(?:00)?86")
_LANDLINE = re.compile(r"(?:0(?:10|2\d|[3-9]\d\d))[2-9]\d{6,7}")
_SERVICE = re.compile(r"[48]00\d{7}")
_ABROAD = re.compile(r"00[1-9]\d{7,14}")
_GREATER_CHINA = re.compile(r"(?:852[2-9]|853[268]|886[2-9])\d{7,8}")
_MOBILE_SHAPES = {(3, 4, 4), (3, 3, 5), (3, 8), (7, 4), (3, 4, 2, 2), (4, 3, 4), (4, 4, 3), (3, 2, 2, 2, 2), (1,) * 11}
_LIST_SHAPES = {(3, 4, 4), (3, 3, 5), (3, 8), (7, 4), (1,) * 11}
_SERVICE_SHAPES = {(10,), (3, 3, 4), (3, 4, 3), (3, 7), (4, 3, 3)}
_CALLED = re.compile(
    r"(?:电话|座机|固话|家里|单位|号码|手机|短号|传真|打|拨|联系|致电|电联|tel|phone|call|fax)[^\d]{0,8}$",
    re.IGNORECASE,
)
_CALL_AFTER = re.compile(r"^\s*(?:找我|联系|这个电话|是我(?:家)?的?(?:电话|座机)|[(（]?(?:座机|电话|固话|家)[)）]?)")
_COUNTED = re.compile(
    r"^\s*(?:多|余|来)?\s*[元块万亿千百年月日号人户票个盏平米棵辆次件层部台位名家吨度公里%％倍字页册瓦升斤克]"
)
_EXTENSION = re.compile(r"\s*(?:转|分机|ext\.?|-)\s*(?:分机)?\s*\d{1,5}(?!\d)", re.IGNORECASE)
Found = tuple[int, int, str] | None  # where a number begins and ends, and the sign for it


@dataclass(frozen=True, slots=True)
class Group:
    """Digits that stand together, and what parts them from the group before ("" for the first of a run)."""

    digits: str
    start: int
    end: int
    parted_by: str


@dataclass(frozen=True, slots=True)
class Window:
    """Some groups that follow each other, read as one number."""

    groups: tuple[Group, ...]

    @property
    def digits(self) -> str:
        """All digits in a row."""
        return "".join(group.digits for group in self.groups)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many digits each group has."""
        return tuple(len(group.digits) for group in self.groups)

    @property
    def listed(self) -> bool:
        """Whether the groups are parted as the items of a list are."""
        return any(_LIST.search(group.parted_by) for group in self.groups[1:])

    @property
    def years(self) -> bool:
        """Whether each group reads as a year."""
        return all(_YEAR.fullmatch(group.digits) for group in self.groups)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How many digits a kind of number has, and what tells it from others."""

    sizes: range
    judge: Callable[[View, Window], Found]


def mask_numbers(view: View) -> None:
    """Take out every number that is somebody's."""
    for kind in (_Kind(range(15, 19), _identity), _Kind(range(15, 25), _account), _Kind(range(8, 18), _phone)):
        for run in list(_runs(view.digits)):
            _search(view, run, kind)
    _local(view)


def _runs(text: str) -> Iterator[list[Group]]:
    """Groups of digits with nothing but separators between them."""
    run: list[Group] = []
    for found in _GROUP.finditer(text):
        between = text[run[-1].end : found.start()] if run else ""
        if run and not _BETWEEN.fullmatch(between):
            yield run
            run = []
        run.append(Group(found[0], found.start(), found.end(), between if run else ""))
    if run:
        yield run


def _search(view: View, run: list[Group], kind: _Kind) -> None:
    """Read each beginning of the run as the longest number of a kind that it can be."""
    first = 0
    while first < len(run):
        for window in _windows(run, first, kind.sizes):
            found = kind.judge(view, window)
            if found is not None:
                view.take(*found)
                first += len(window.groups) - 1
                break
        first += 1


def _windows(run: list[Group], first: int, sizes: range) -> Iterator[Window]:
    """Groups from `first` on that have a number of digits out of `sizes` together, the most first."""
    last, total, fitting = first, 0, []
    while last < len(run) and total + len(run[last].digits) < sizes.stop:
        total += len(run[last].digits)
        last += 1
        if total in sizes:
            fitting.append(last)
    for end in reversed(fitting):
        yield Window(tuple(run[first:end]))


def _identity(view: View, window: Window) -> Found:
    """18 signs with a date of birth in the middle (GB 11643), the last perhaps an X; or the old 15."""
    digits, start, end = window.digits, window.groups[0].start, window.groups[-1].end
    tail = re.match(r"[\s\-]{0,2}[xX](?![A-Za-z])", view.digits[end : end + 4])
    if len(digits) == 17 and tail and _is_day(digits[6:14]):
        return start, end + tail.end(), IDENTITY
    if len(digits) == 18 and _is_day(digits[6:14]) and not window.years:
        return start, end, IDENTITY
    old = len(digits) == 15 and len(window.groups) <= 4 and _is_day("19" + digits[6:12]) and digits[0] in "12345678"
    return (start, end, IDENTITY) if old else None


def _is_day(digits: str) -> bool:
    try:
        return 1900 <= date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year <= 2099
    except ValueError:
        return False


def _account(view: View, window: Window) -> Found:
    digits, shape = window.digits, window.shape
    whole = len(shape) == 1 and 16 <= len(digits) <= 24
    fours = len(shape) >= 4 and all(n == 4 for n in shape[:-1]) and shape[-1] <= 4 and 15 <= len(digits) <= 19
    six = len(shape) == 2 and shape[0] == 6 and 15 <= len(digits) <= 19
    if window.years or not (whole or fours or six) or (window.listed and not _luhn(digits)):
        return None
    return window.groups[0].start, window.groups[-1].end, ACCOUNT


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: what tells a card's number from a list of amounts."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _phone(view: View, window: Window) -> Found:
    start, end = window.groups[0].start, window.groups[-1].end
    text = view.digits
    before = max(0, start - 3)
    plus = re.search(r"\+\s?\(?$", text[before:start])
    if not (plus and 8 <= len(window.digits) <= 15) and not _is_phone(window):
        return None
    extension = _EXTENSION.match(text[end : end + 16])
    opened = text[before:start].endswith("(")
    begin = before + plus.start() if plus else start - 1 if opened else start
    longer = end + extension.end() if extension and not _MOBILE.fullmatch(window.digits) else end
    return begin, longer, PHONE


def _is_phone(window: Window) -> bool:
    digits, shape = window.digits, window.shape
    country = _COUNTRY.match(digits)
    if country and _MOBILE.fullmatch(digits[country.end() :]):
        return True
    if _MOBILE.fullmatch(digits):
        two = len(shape) == 2 and not window.listed
        return len(shape) == 1 or shape in (_LIST_SHAPES if window.listed else _MOBILE_SHAPES) or two
    if _LANDLINE.fullmatch(digits):
        return len(shape) == 1 or (shape[0] in (3, 4) and shape[1:] in {(7,), (8,), (4, 4), (3, 4), (4, 3)})
    if _SERVICE.fullmatch(digits):
        return shape in _SERVICE_SHAPES
    if _ABROAD.fullmatch(digits):
        return len(shape) <= 6 and not window.listed
    return bool(_GREATER_CHINA.fullmatch(digits)) and (len(shape) == 1 or shape[0] == 3) and not window.listed


def _local(view: View) -> None:
    """A number without area code: eight digits that are no day and count nothing, or seven that somebody is to call."""
    for run in list(_runs(view.digits)):
        for first in range(len(run)):
            for window in (Window(tuple(run[first : first + n])) for n in (2, 1)):
                if _is_local(view, window):
                    view.take(window.groups[0].start, window.groups[-1].end, PHONE)
                    break


def _is_local(view: View, window: Window) -> bool:
    digits, shape = window.digits, window.shape
    start, end = window.groups[0].start, window.groups[-1].end
    if not re.fullmatch(r"[2-9]\d{6,7}", digits) or shape not in {(8,), (7,), (4, 4), (3, 4)}:
        return False
    if _COUNTED.match(view.digits[end : end + 8]) or window.years or (len(digits) == 8 and _is_day(digits)):
        return False
    called = _CALLED.search(view.digits[max(0, start - 16) : start]) or _CALL_AFTER.match(view.digits[end : end + 12])
    edge = not re.match(r"[A-Za-z.\d]", view.digits[start - 1 : start]) and not re.match(
        r"[A-Za-z.]\w", view.digits[end : end + 2]
    )
    return bool(called) or (shape == (8,) and edge)
