"""What a station lacks, said to who can put it in; empty pages that say so."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from station.setup.missing import Holdings, find_missing

ALL = Holdings(
    stations=1,
    deputies=1,
    constituencies=1,
    places=1,
    units=1,
    clerks=1,
    sends_sms=True,
    rota_rules=1,
    is_secure=True,
)


@pytest.mark.parametrize("name", [each.name for each in fields(Holdings)])
def test_each_thing_that_is_not_there_is_missing_and_nothing_else(name: str) -> None:
    """One at a time: it alone is on the list; constituencies without places are as good as none."""
    (missing,) = find_missing(replace(ALL, **{name: type(getattr(ALL, name))()}))
    assert missing.words and missing.why


def test_a_full_station_lacks_nothing_and_an_empty_one_all() -> None:
    """In the order in which it is put in: stations first."""
    assert find_missing(ALL) == []
    assert [each.code for each in find_missing(Holdings())] == [
        "stations", "constituencies", "deputies", "units", "clerks", "rota", "sms", "address",
    ]  # fmt: skip
