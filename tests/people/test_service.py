"""Accounts of staff: one login is one account, however many are made at once."""

from __future__ import annotations

import asyncio

from station.base.errors import BadInput
from station.base.principal import SYSTEM, Role
from station.base.station import Station
from station.people.service import add_staff


async def test_a_login_given_to_several_at_once_is_one_account(bare_town: Station) -> None:
    """Of three who take the same login at the same moment one gets it; the others are told that it is taken."""
    made = await asyncio.gather(
        *(add_staff(bare_town, SYSTEM, Role.CLERK, "gui", "何晓雯", "a long password") for _ in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, tuple) for answer in made) == 1
    assert [answer.fields for answer in made if isinstance(answer, BadInput)] == [
        {"login": "这个登录名已经有人用了"}
    ] * 2
