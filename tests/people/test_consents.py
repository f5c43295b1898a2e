"""Answers to "do you agree?": the latest word counts, and it is the person's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from station.base.clock import FixedClock
from station.base.errors import NotFound
from station.base.principal import Principal, Role
from station.base.station import Station
from station.people.model import ConsentKind
from station.people.service import consents_of, get_own_consent, give_consent, my_consents
from tests.fixtures import MONDAY_TEN

ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")
LI = Principal("ac_demo_citizen2", Role.CITIZEN, "李国强")


@pytest.mark.parametrize("back_s", [0, 30])
async def test_the_last_word_counts_whatever_the_clock_says(station: Station, back_s: int) -> None:
    """Answers in one moment, or by a machine whose clock is behind, still follow each other."""
    given = (True, False, True, False, True, False)
    for answer in given:
        await give_consent(station, ZHAO, ConsentKind.PUBLISHED, "meeting:mt_1", answer)
        [latest] = await consents_of(station, "meeting:mt_1")
        assert latest.given is answer
    behind = replace(station, clock=FixedClock(MONDAY_TEN - timedelta(seconds=back_s)))
    await give_consent(behind, ZHAO, ConsentKind.PUBLISHED, "meeting:mt_1", True)
    [latest] = await consents_of(station, "meeting:mt_1")
    assert latest.given is True


async def test_each_sees_the_own_answers_only(station: Station) -> None:
    """One line a question with the latest word, the newest first; an answer of anybody else is not found."""
    await give_consent(station, ZHAO, ConsentKind.RECORDED, "meeting:mt_1", True)
    later = replace(station, clock=FixedClock(MONDAY_TEN + timedelta(minutes=1)))
    await give_consent(later, ZHAO, ConsentKind.BROADCAST, "meeting:mt_2", True)
    await give_consent(later, ZHAO, ConsentKind.RECORDED, "meeting:mt_1", False)
    await give_consent(later, LI, ConsentKind.RECORDED, "meeting:mt_1", True)
    own = await my_consents(station, ZHAO)
    assert {(c.kind, c.subject, c.given) for c in own} == {
        ("broadcast", "meeting:mt_2", True),
        ("recorded", "meeting:mt_1", False),
    }
    assert [c.at for c in own] == sorted((c.at for c in own), reverse=True)
    assert await get_own_consent(station, ZHAO, own[0].id) == own[0]
    with pytest.raises(NotFound):
        await get_own_consent(station, LI, own[0].id)
