"""Policy packs: checked when loaded, and the only place where numbers live."""

from __future__ import annotations

import copy
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from station.base.calendar import china
from station.cases.law.policy import PACKS, RULES, check_policy, load_policy

DEFAULT = PACKS / "default.toml"


@pytest.fixture
def raw() -> dict[str, Any]:
    """The default pack as it is parsed."""
    return tomllib.loads(DEFAULT.read_text(encoding="utf-8"))


def test_the_default_pack_fits() -> None:
    """Every rule has a number and an article of the district's own rules."""
    policy = load_policy(DEFAULT, "清和区")
    assert set(policy.rules) == set(RULES)
    assert all("清和区" in rule.article for rule in policy.rules.values())
    assert policy.number_prefix == "清和"
    assert policy.categories["general"].reply.amount == 10


def test_two_regions_two_due_dates(raw: dict[str, Any]) -> None:
    """The same case is due on another day where the pack says another number."""
    other = copy.deepcopy(raw)
    other["rules"]["reply"] = {"amount": 2, "unit": "month", "article": "另一个区的规则第 3 条"}
    start = date(2026, 9, 28)
    here = check_policy(raw, "清和区").rules["reply"].due_day(start, china()).day
    there = check_policy(other, "另一区").rules["reply"].due_day(start, china()).day
    assert (here, there) == (date(2026, 10, 16), date(2026, 11, 30))


FAULTS: list[tuple[list[str], Any, str]] = [
    (["rules", "reply", "amount"], -1, r"rules\.reply\.amount"),
    (["rules", "reply", "amount"], "ten", r"rules\.reply\.amount"),
    (["rules", "reply", "amount"], True, r"rules\.reply\.amount"),
    (["rules", "reply", "unit"], "weeks", r"rules\.reply\.unit"),
    (["rules", "reply", "article"], "", r"rules\.reply\.article"),
    (["rules", "repli"], {}, "unknown repli"),
    (["rules", "accept"], None, r"rules\.accept is missing"),
    (["conclude_grade"], 9, "conclude_grade"),
    (["name"], "", r"pack\.name"),
    (["categories"], [], "categories"),
    (["declines"], [{"code": "x"}], r"declines\.text"),
    (["outcomes"], [{"code": "a", "name": "1"}, {"code": "a", "name": "2"}], "a code stands twice"),
]


@pytest.mark.parametrize(("path", "value", "told"), FAULTS)
def test_a_wrong_pack_is_refused(raw: dict[str, Any], path: list[str], value: Any, told: str) -> None:
    """A pack with a fault is refused when it is loaded, and the fault is named."""
    place = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=told):
        check_policy(raw, "清和区")


def test_a_pack_of_ones_own(tmp_path: Path) -> None:
    """A file from elsewhere is read the same way."""
    own = tmp_path / "cases.toml"
    own.write_text(DEFAULT.read_text(encoding="utf-8").replace("conclude_grade = 3", "conclude_grade = 4"), "utf-8")
    assert load_policy(own, "清和区").conclude_grade == 4
