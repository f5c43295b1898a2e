"""What the live role keeps of its broadcasts, when the disk is full or slow."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from station.live.origin import registry as registries
from station.live.origin.registry import BroadcastEnded, CannotKeep, Registry
from station.live.packaging.programme import Programme, ProgrammeFolder
from tests.servers import pick_port

NOWHERE = (f"http://127.0.0.1:{pick_port()}",)


async def test_a_source_that_could_not_be_written_down_is_not_taken_for_the_present_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full, then has room: the same order given again changes the source, and is not passed over."""
    async with Registry(tmp_path, NOWHERE) as registry:
        broadcast = await registry.put("b1", "r1", "p1", "grant")
        source = broadcast._source

        def refuse(_folder: ProgrammeFolder, _programme: Programme) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as full:
            full.setattr(ProgrammeFolder, "save", refuse)
            with pytest.raises(CannotKeep):
                await registry.put("b1", "r1", "p2", "grant")
        assert broadcast.programme.person == "p1" and broadcast._source is source
        await registry.put("b1", "r1", "p2", "grant")
        assert broadcast.programme.person == "p2" and broadcast._source is not source


async def test_what_ends_while_its_source_changes_stays_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing reads a source for a broadcast that is over, however slowly the disk takes the change."""
    writing, written = threading.Event(), threading.Event()
    save = ProgrammeFolder.save

    def slow(folder: ProgrammeFolder, programme: Programme) -> None:
        if programme.person == "p2" and not writing.is_set():
            writing.set()
            assert written.wait(20)
        save(folder, programme)

    async with Registry(tmp_path, NOWHERE) as registry:
        broadcast = await registry.put("b1", "r1", "p1", "grant")
        monkeypatch.setattr(ProgrammeFolder, "save", slow)
        changing = asyncio.create_task(registry.put("b1", "r1", "p2", "grant"))
        assert await asyncio.to_thread(writing.wait, 20)
        await registry.end("b1")
        written.set()
        with pytest.raises(BroadcastEnded):
            await changing
        assert broadcast.ended and broadcast._source is None and broadcast._packaging is None


async def test_years_of_replays_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of broadcasts that have ended the last ones asked for stay in memory, besides all that only memory knows."""
    monkeypatch.setattr(registries, "ENDED_KEPT", 2)
    save = ProgrammeFolder.save

    def full_for_one(folder: ProgrammeFolder, programme: Programme) -> None:
        if programme.id == "unsaved" and programme.state == "ended":
            raise OSError(28, "No space left on device")
        save(folder, programme)

    monkeypatch.setattr(ProgrammeFolder, "save", full_for_one)
    async with Registry(tmp_path, NOWHERE) as registry:
        on_air = await registry.put("on_air", "r1", "p1", "grant")
        for name in ("unsaved", "b1", "b2", "b3"):
            await registry.put(name, "r1", "p1", "grant")
            await registry.end(name)
        for name in ("b1", "b2", "b3", "b2"):
            assert (await registry.get(name)).ended
        ended = tmp_path / "b4"
        ProgrammeFolder(ended).save(Programme("b4", "r1", "p1", state="ended"))
        assert (await registry.get("b4")).ended
        assert set(registry._broadcasts) == {"on_air", "unsaved", "b2", "b4"}
        assert registry.on_air == [on_air] and (await registry.get("unsaved")).ended
        await registry.set_access("b3", True, [])
        assert (await registry.get("b3")).is_public and not (await registry.get("b1")).is_public
