"""A process that hangs is told from one that works, ends, or has not begun yet."""

from __future__ import annotations

import asyncio
import os

import pytest

from station.serve import pulse as module
from station.serve.pulse import open_pulse, release_given


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENT_AFTER_S", 0.2)
    monkeypatch.setattr(module, "LAST_CHANCE_S", 0.1)


async def test_silence_after_a_beat_is_a_hang() -> None:
    """It is noticed after the time to be silent and the last chance, not before."""
    with open_pulse() as pulse:
        os.write(pulse.given, b".")
        began_s = asyncio.get_running_loop().time()
        assert await asyncio.wait_for(pulse.stops(), 5)
        assert asyncio.get_running_loop().time() - began_s >= 0.3


async def test_a_slow_start_is_none() -> None:
    """Before the first beat there is all the time it takes."""
    with open_pulse() as pulse, pytest.raises(TimeoutError):
        await asyncio.wait_for(pulse.stops(), 0.6)


async def test_the_end_of_a_process_is_none() -> None:
    """The pipe closes with it, whether it had begun to beat or not."""
    for said in (b"", b"."):
        with open_pulse() as pulse:
            os.write(pulse.given, said)
            release_given(pulse)
            assert not await asyncio.wait_for(pulse.stops(), 5)


async def test_a_beat_in_the_last_moment_is_enough() -> None:
    """A machine that was stopped as a whole loses no process by it."""
    with open_pulse() as pulse:
        os.write(pulse.given, b".")
        stopping = asyncio.create_task(pulse.stops())
        for _ in range(4):
            await asyncio.sleep(0.25)
            assert not stopping.done()
            os.write(pulse.given, b".")
        assert await asyncio.wait_for(stopping, 5)


async def test_a_process_beats_and_a_full_pipe_does_not_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats come while the loop turns, also when nobody reads them any more."""
    monkeypatch.setattr(module, "BEAT_EVERY_S", 0.01)
    with open_pulse() as pulse:
        monkeypatch.setenv(module.PULSE_VARIABLE, str(pulse.given))
        beating = asyncio.create_task(module.beat())
        stopping = asyncio.create_task(pulse.stops())
        await asyncio.sleep(0.5)
        assert not stopping.done()
        stopping.cancel()
        os.set_blocking(pulse.given, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(pulse.given, bytes(65536))
        await asyncio.sleep(0.1)
        assert not beating.done()
        beating.cancel()
