"""A process that hangs is told from one that works, ends, or has not begun yet."""

from __future__ import annotations

import asyncio
import os

import pytest
import pytest_asyncio

from station.serve import pulse as module
from station.serve.pulse import BEAT_EVERY_S, LAST_CHANCE_S, SILENT_AFTER_S, open_pulse, release_given
from tests.skipping_clock import skip_waiting

LIMIT_S = 10 * (SILENT_AFTER_S + LAST_CHANCE_S)


@pytest_asyncio.fixture(autouse=True)
async def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    skip_waiting(monkeypatch)


async def test_silence_after_a_beat_is_a_hang() -> None:
    """It is noticed after the time to be silent and the last chance, not before."""
    with open_pulse() as pulse:
        os.write(pulse.given, b".")
        began_s = asyncio.get_running_loop().time()
        assert await asyncio.wait_for(pulse.stops(), LIMIT_S)
        passed_s = asyncio.get_running_loop().time() - began_s
        assert SILENT_AFTER_S + LAST_CHANCE_S <= passed_s < SILENT_AFTER_S + LAST_CHANCE_S + 1


async def test_a_slow_start_is_none() -> None:
    """Before the first beat there is all the time it takes."""
    with open_pulse() as pulse, pytest.raises(TimeoutError):
        await asyncio.wait_for(pulse.stops(), LIMIT_S)


async def test_the_end_of_a_process_is_none() -> None:
    """The pipe closes with it, whether it had begun to beat or not."""
    for said in (b"", b"."):
        with open_pulse() as pulse:
            os.write(pulse.given, said)
            release_given(pulse)
            assert not await asyncio.wait_for(pulse.stops(), LIMIT_S)


async def test_a_beat_in_the_last_moment_is_enough() -> None:
    """A machine that was stopped as a whole loses no process by it."""
    with open_pulse() as pulse:
        os.write(pulse.given, b".")
        stopping = asyncio.create_task(pulse.stops())
        for _ in range(4):
            await asyncio.sleep(SILENT_AFTER_S + LAST_CHANCE_S - 0.5)
            assert not stopping.done()
            os.write(pulse.given, b".")
        assert await asyncio.wait_for(stopping, LIMIT_S)


async def test_a_process_beats_and_a_full_pipe_does_not_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats come while the loop turns, also when nobody reads them any more."""
    with open_pulse() as pulse:
        monkeypatch.setenv(module.PULSE_VARIABLE, str(pulse.given))
        beating = asyncio.create_task(module.beat())
        stopping = asyncio.create_task(pulse.stops())
        await asyncio.sleep(LIMIT_S)
        assert not stopping.done()
        stopping.cancel()
        os.set_blocking(pulse.given, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(pulse.given, bytes(65536))
        await asyncio.sleep(5 * BEAT_EVERY_S)
        assert not beating.done()
        beating.cancel()
