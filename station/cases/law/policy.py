"""Policy packs: what a region may set for its cases, as data with the article of law beside each number."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from station.base.station import Station
from station.base.working_days import MAX_PERIOD, Calendar, DueDay, add_months, add_working_days

PACKS = Path(__file__).with_name("packs")
RULES = {
    "accept": ("wd",),
    "assign": ("wd",),
    "reply": ("wd", "month"),
    "return": ("wd",),
    "extension": ("wd",),
    "extensions": ("times",),
    "rate": ("wd",),
    "conclude": ("wd",),
    "redo": ("wd", "month"),
    "redos": ("times",),
    "yellow": ("wd",),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A number with its unit ("wd", "month", "times") and the article it stands on."""

    amount: int
    unit: str
    article: str

    def due_day(self, start: date, days_off: Calendar) -> DueDay:
        """The last day of the period that starts on `start`."""
        add = add_months if self.unit == "month" else add_working_days
        return add(start, self.amount, days_off)


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of case with its own time to reply."""

    code: str
    name: str
    reply: Rule


@dataclass(frozen=True, slots=True)
class Decline:
    """A reason not to accept, and where to go instead."""

    code: str
    text: str
    referral: str


@dataclass(frozen=True, slots=True)
class CasePolicy:
    """One region's pack."""

    name: str
    number_prefix: str
    conclude_grade: int
    rules: Mapping[str, Rule]
    categories: Mapping[str, Category]
    declines: Mapping[str, Decline]
    outcomes: Mapping[str, str]


def policy_of(station: Station) -> CasePolicy:
    """The pack in force: `policy/cases.toml` in the data folder, else the one that comes with the program."""
    own = station.settings.data / "policy" / "cases.toml"
    return load_policy(own if own.is_file() else PACKS / "default.toml", station.identity.district)


@lru_cache(maxsize=8)
def load_policy(path: Path, district: str) -> CasePolicy:
    """Read and check a pack. Raises ValueError naming what is wrong."""
    text = path.read_text(encoding="utf-8").replace("{district}", district)
    return check_policy(tomllib.loads(text), district)


def check_policy(raw: Mapping[str, Any], district: str) -> CasePolicy:
    """A pack from its parsed TOML. Raises ValueError naming the key that does not fit."""
    rules = _table(raw, "rules")
    if unknown := set(rules) - set(RULES):
        raise ValueError(f"rules: unknown {', '.join(sorted(unknown))}")
    checked = {name: _rule(rules.get(name), f"rules.{name}", units) for name, units in RULES.items()}
    grade = raw.get("conclude_grade")
    if not isinstance(grade, int) or not 1 <= grade <= 5:
        raise ValueError("conclude_grade must be 1 to 5")
    prefix = _text(raw, "number_prefix", "pack", empty=True) or district.rstrip("区县市")
    categories = [_category(entry, checked["reply"]) for entry in _entries(raw, "categories")]
    declines = [
        Decline(*(_text(entry, key, "declines") for key in ("code", "text", "referral")))
        for entry in _entries(raw, "declines")
    ]
    outcomes = {_text(e, "code", "outcomes"): _text(e, "name", "outcomes") for e in _entries(raw, "outcomes")}
    return CasePolicy(
        name=_text(raw, "name", "pack"),
        number_prefix=prefix,
        conclude_grade=grade,
        rules=checked,
        categories={c.code: c for c in categories},
        declines={d.code: d for d in declines},
        outcomes=outcomes,
    )


def _rule(raw: object, where: str, units: tuple[str, ...]) -> Rule:
    if not isinstance(raw, dict):
        raise ValueError(f"{where} is missing")
    amount, unit = raw.get("amount"), raw.get("unit")
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 <= amount <= MAX_PERIOD:
        raise ValueError(f"{where}.amount must be a whole number from 0 to {MAX_PERIOD}")
    if unit not in units:
        raise ValueError(f"{where}.unit must be one of {', '.join(units)}")
    return Rule(amount, str(unit), _text(raw, "article", where))


def _category(raw: dict[str, Any], standard: Rule) -> Category:
    code = _text(raw, "code", "categories")
    own = _rule(raw, f"categories.{code}", ("wd", "month")) if "amount" in raw else standard
    return Category(code, _text(raw, "name", "categories"), own)


def _table(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key)
    if not isinstance(value, dict):
        raise ValueError(f"{key} must be a table")
    return value


def _entries(raw: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = raw.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(entry, dict) for entry in value):
        raise ValueError(f"{key} must be a list of tables with at least one entry")
    codes = [entry.get("code") for entry in value]
    if len(set(codes)) != len(codes):
        raise ValueError(f"{key}: a code stands twice")
    return value


def _text(raw: Mapping[str, Any], key: str, where: str, empty: bool = False) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not (value or empty):
        raise ValueError(f"{where}.{key} must be text")
    return value
