"""Which registered template a carrier is given for a kind of notice: `policy/sms.toml` in the data folder."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from station.notices.kinds import KINDS
from station.notices.model import NotDeliverable, Notice
from station.notices.words import say_gaps

_GAP = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Template:
    """Its number at the carrier, and the gaps of our sentence in the order of those of the template."""

    id: str
    gaps: tuple[str, ...]


@lru_cache(maxsize=8)
def read_templates(path: Path) -> Mapping[str, Template]:
    """The templates by kind. Raises ValueError naming what does not fit."""
    raw = tomllib.loads(path.read_text(encoding="utf-8")).get("templates")
    if not isinstance(raw, dict):
        raise ValueError("templates must be a table")
    return {name: _template(name, entry) for name, entry in raw.items()}


def _template(name: str, entry: object) -> Template:
    if name not in KINDS:
        raise ValueError(f"templates: unknown kind {name}")
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or not entry["id"]:
        raise ValueError(f'templates."{name}".id must be the number of a template')
    known, gaps = _GAP.findall(KINDS[name].sentence), entry.get("gaps", [])
    if not isinstance(gaps, list) or not all(gap in known for gap in gaps) or len(set(gaps)) < len(gaps):
        raise ValueError(f'templates."{name}".gaps must be a list of {", ".join(known)}, each once')
    return Template(entry["id"], tuple(gaps))


def missing_kinds(templates: Mapping[str, Template]) -> list[str]:
    """Kinds that go by SMS and have no template."""
    return [kind.name for kind in KINDS.values() if kind.by_sms and kind.name not in templates]


def choose_template(templates: Mapping[str, Template], notice: Notice) -> tuple[str, dict[str, str]]:
    """The template's number, and what fills its gaps, in order. Raises NotDeliverable for a kind without one."""
    template = templates.get(notice.kind)
    if template is None:
        raise NotDeliverable(f"no template is registered for {notice.kind or 'a notice of an older release'}")
    said = say_gaps(notice.gaps, str, "zh", notice.created_at)
    return template.id, {gap: said[gap] for gap in template.gaps}
