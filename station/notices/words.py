"""A notice in words: its kind and the values for the gaps, as they are kept and as a reader reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias

from station.base.clock import local_date
from station.base.errors import Phrase
from station.base.i18n import format_day, format_time
from station.notices.kinds import KINDS, Kind, Value

Gettext: TypeAlias = Callable[[str], str]
_BETWEEN_SENTENCES = {"zh": "", "en": " "}


def to_json(values: Mapping[str, Value]) -> dict[str, Any]:
    """The values as JSON keeps them."""
    return {name: _to_json(value) for name, value in values.items()}


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, Phrase):
        return {"phrase": str(value), "gaps": {name: _to_json(gap) for name, gap in value.params.items()}}
    if isinstance(value, tuple):
        return [_to_json(part) for part in value]
    return value


def sentence_of(kind: Kind, kept: Mapping[str, Any], gettext: Gettext, language: str, written: datetime) -> str:
    """The sentence in a language. `kept`: what `to_json` gave; a day of another year than `written` says its year."""
    return gettext(kind.sentence) % say_gaps(kept, gettext, language, written)


def say_gaps(kept: Mapping[str, Any], gettext: Gettext, language: str, written: datetime) -> dict[str, str]:
    """What fills the gaps, in a language."""
    today = local_date(written)
    return {name: _say(value, gettext, language, today) for name, value in kept.items()}


def kind_of(name: str) -> Kind | None:
    """The kind of that name; None for a notice of an older release, which has its text alone."""
    return KINDS.get(name)


def _say(value: Any, gettext: Gettext, language: str, today: date) -> str:
    if isinstance(value, list):
        return _BETWEEN_SENTENCES[language].join(_say(part, gettext, language, today) for part in value)
    if not isinstance(value, dict):
        return str(value)
    if "day" in value:
        return format_day(date.fromisoformat(value["day"]), language, today)
    if "moment" in value:
        moment = datetime.fromisoformat(value["moment"])
        between = "" if language == "zh" else ", "
        return f"{format_day(moment, language, today)}{between}{format_time(moment)}"
    gaps = {name: _say(gap, gettext, language, today) for name, gap in value["gaps"].items()}
    phrase = value["phrase"]
    return gettext(phrase) % gaps if gaps else gettext(phrase)
