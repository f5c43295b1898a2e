"""What the forms of the directory share: their fields as text, and what is answered to one that cannot be taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from station.base.errors import BadInput
from station.base.text import fold
from station.base.web import read_form, see_other
from station.directory.entries_model import AskAgain, ChangedMeanwhile

Values = dict[str, str]
Show = Callable[..., Awaitable[web.StreamResponse]]


async def read_values(request: web.Request, names: Iterable[str]) -> Values:
    """The fields of a form by name; one that is missing is empty."""
    form = await read_form(request)
    return {name: form.get(name, "") for name in (*names, "seen", "sure")}


def seen_version(values: Mapping[str, str]) -> int:
    """The version that the form showed; 0 for what is none."""
    typed = fold(values.get("seen", ""))
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 9 else 0


async def answer_edit(
    values: Values, save: Callable[[], Awaitable[str]], show: Show, done: Callable[[str], str]
) -> web.StreamResponse:
    """Save, and go on to what was saved; or the form again, with what was typed and the reason beside it."""
    try:
        identity = await save()
    except BadInput as error:
        return await show(values, status=422, fields=error.fields, asks=isinstance(error, AskAgain))
    except ChangedMeanwhile:
        return await show(values, status=409)
    return see_other(done(identity))


def differing(values: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """What another administrator has saved since, of the fields in which that is not what was typed."""
    return {name: now[name] for name in now.keys() - {"seen", "sure"} if name in values and values[name] != now[name]}


def as_text(row: Mapping[str, Any], names: Iterable[str]) -> Values:
    """A row's columns as the fields of its form; all empty for one that is not there yet."""
    return {"seen": "", "sure": "", **{name: _text(row.get(name)) for name in names}}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)
