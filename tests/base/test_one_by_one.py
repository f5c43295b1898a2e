"""What a chore does with many rows: one that fails holds up no other, unless it would be the same with all."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from station.base.errors import DatabaseAway, NotFound, StorageFull
from station.base.one_by_one import do_each


async def test_one_that_fails_holds_up_no_other() -> None:
    """The others are done and counted; the log names the one."""

    async def act(number: int) -> bool:
        if number == 2:
            raise NotFound
        return number != 3  # there was nothing to do

    with capture_logs() as logged:
        assert await do_each([1, 2, 3, 4], act) == 2
    assert [entry["item"] for entry in logged] == ["2"]


@pytest.mark.parametrize("error", [DatabaseAway, StorageFull])
async def test_what_would_be_the_same_with_all_ends_the_turn(error: type[Exception]) -> None:
    """Nothing more is tried in vain; the next turn begins anew."""
    tried: list[int] = []

    async def act(number: int) -> bool:
        tried.append(number)
        raise error

    with pytest.raises(error):
        await do_each([1, 2], act)
    assert tried == [1]
