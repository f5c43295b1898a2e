"""Identifiers are long, spelt with all signs, and none comes twice."""

from __future__ import annotations

from station.base.ids import is_safe_name, new_id


def test_ids_are_different_and_use_all_signs_in_all_places() -> None:
    """Two thousand ids: each is new, safe in a path, of one length, and every place has had every sign."""
    made = {new_id("bk") for _ in range(2000)}
    assert len(made) == 2000
    assert all(is_safe_name(each) and each.startswith("bk_") and len(each) == 17 for each in made)
    assert all(len({each[place] for each in made}) == 30 for place in range(3, 17))
