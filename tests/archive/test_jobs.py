"""Composing and sealing: what the ledger says happened, once, however often a step had to be done again."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from recordings.bag import seal
from recordings.contents import duration_s
from recordings.verify import verify
from station.archive import jobs
from station.archive.jobs import (
    bag_folder,
    compose,
    composed_file,
    record_missing_seals,
    recording_folder,
    seal_bag,
    seal_uncomposed,
)
from station.base.clock import FixedClock
from station.base.jobs import MAX_ATTEMPTS, claim, enqueue, retry
from station.base.jobs import jobs as job_rows
from station.base.principal import SYSTEM
from station.base.station import Station
from station.ledger.service import append, timeline
from station.ledger.verify import verify_chain
from station.ledger.witness import sealed_heads
from station.meeting.model import Meeting
from station.work import work_once
from tests.recordings.media import EPOCH_MS, feed, record, sound, track, video


async def no_progress(_: float) -> None:
    return None


async def actions(station: Station, meeting: Meeting) -> list[str]:
    return [e.action for e in await timeline(station, meeting.subject) if e.action.startswith("archive.")]


async def run(station: Station, meeting: Meeting) -> None:
    await compose(station, {"meeting": meeting.id}, no_progress)
    await seal_bag(station, {"meeting": meeting.id}, no_progress)


async def test_nothing_composed_is_not_called_composed(station: Station, hearing: Meeting) -> None:
    """A meeting without a recording is archived, and the ledger says that nothing was recorded."""
    await run(station, hearing)
    assert await actions(station, hearing) == ["archive.nothing-recorded", "archive.sealed"]


async def test_steps_done_again_are_told_once(station: Station, hearing: Meeting) -> None:
    """A job whose worker died at its very end is done again; the ledger does not tell its steps twice."""
    await run(station, hearing)
    await run(station, hearing)
    assert await actions(station, hearing) == ["archive.nothing-recorded", "archive.sealed"]


async def test_two_workers_at_one_bag_make_one(
    station: Station, hearing: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose lease ran out while it seals, and the one that got the job after it: one whole bag, one proof."""
    metadata = jobs._metadata

    async def sealed_meanwhile(*given: Any) -> dict[str, Any]:
        monkeypatch.setattr(jobs, "_metadata", metadata)
        await seal_bag(station, {"meeting": hearing.id}, no_progress)
        return await metadata(*given)

    monkeypatch.setattr(jobs, "_metadata", sealed_meanwhile)
    await seal_bag(station, {"meeting": hearing.id}, no_progress)
    assert await actions(station, hearing) == ["archive.sealed"]
    assert verify(bag_folder(station.settings, hearing.id)).ok
    assert not any((station.settings.data / "scratch").iterdir())


async def test_a_bag_whose_worker_died_is_proven_at_the_next_try(
    station: Station, hearing: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Death between sealing and saying so: the retry leaves the bag alone and puts its hash into the ledger."""

    async def die(*_: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(jobs, "record_seal", die)
        await seal_bag(station, {"meeting": hearing.id}, no_progress)
    bag = bag_folder(station.settings, hearing.id)
    made = bag.stat().st_mtime_ns
    assert await actions(station, hearing) == []
    await seal_bag(station, {"meeting": hearing.id}, no_progress)
    event = (await timeline(station, hearing.subject))[-1]
    manifest = (bag / "manifest-sha256.txt").read_bytes()
    assert event.data == {"manifest-sha256": hashlib.sha256(manifest).hexdigest()}
    assert bag.stat().st_mtime_ns == made
    assert not list((station.settings.data / "scratch").iterdir())


async def test_bags_of_jobs_long_done_are_proven_too(station: Station, hearing: Meeting) -> None:
    """A bag that an older release left without its event gets it, once; unfinished bags and strays get none."""
    bag = bag_folder(station.settings, hearing.id)
    bag.parent.mkdir()
    seal(bag, {"metadata.json": b"{}"}, {})
    (bag.parent / f".{hearing.id}2.part").mkdir()
    for stray in ("a-stray", "z-stray"):  # which can be proven by nothing, and holds up no bag
        (bag.parent / stray).mkdir()
    assert await record_missing_seals(station) == 1
    assert await record_missing_seals(station) == 0
    assert await actions(station, hearing) == ["archive.sealed"]


async def test_the_bag_tells_what_its_files_are(station: Station, hearing: Meeting) -> None:
    """metadata.json holds codec, rates and size of each file, place, recorder and terms, and claims no standard.

    What somebody typed is not in the bag, whose events prove the ledger.
    """
    async with station.database.transaction() as work:
        await append(station, work, SYSTEM, "meeting.noted", hearing.subject, reason="电话 13800001234")
    folder = recording_folder(station.settings, hearing.id)
    await record(
        folder,
        feed(track("a"), video("h264", 25)),
        feed(track("b", "microphone", "opus"), sound(1)),
        stop_ms=EPOCH_MS + 1000,
    )
    await run(station, hearing)
    assert await actions(station, hearing) == ["archive.composed", "archive.sealed"]
    bag = bag_folder(station.settings, hearing.id)
    assert verify(bag).faults == ()
    facts = json.loads((bag / "data" / "metadata.json").read_bytes())
    assert "standard" not in facts
    assert (facts["place"]["name"], facts["secrecy"], facts["kept_years"]) == ("桂花街道中心站", "公开", 3)
    files = {entry["file"]: entry for entry in facts["files"]}
    composed = files["meeting.mp4"]
    assert [stream["codec"] for stream in composed["streams"]] == ["h264", "aac"]
    assert (composed["streams"][0]["width"], composed["streams"][0]["frames_per_s"]) == (1280, 25.0)
    assert composed["size_bytes"] == (bag / "data" / "meeting.mp4").stat().st_size
    assert {entry["streams"][0]["codec"] for name, entry in files.items() if name.startswith("tracks/")} == {
        "h264",
        "opus",
    }
    assert "13800001234" not in (bag / "data" / "ledger.json").read_text()
    result = await verify_chain(station.database, sealed_heads(bag.parent))
    assert result.ok
    assert result.compared > 1


async def test_two_workers_at_one_video_do_not_spoil_it(station: Station, hearing: Meeting) -> None:
    """A lease may run out while its worker goes on: what stays is one whole video, and nothing beside it."""
    tracks = (feed(track("a"), video("h264", 25)), feed(track("b", "microphone", "opus"), sound(1)))
    await record(recording_folder(station.settings, hearing.id), *tracks, stop_ms=EPOCH_MS + 1000)
    video_file = composed_file(station.settings, hearing.id)
    video_file.parent.mkdir(parents=True)
    video_file.with_suffix(".dead.part.mp4").write_bytes(b"of a worker that died")
    both = [compose(station, {"meeting": hearing.id}, no_progress) for _ in range(2)]
    ended = await asyncio.gather(*both, return_exceptions=True)
    assert None in ended
    assert duration_s(video_file) == pytest.approx(1.0, abs=0.1)
    assert list(video_file.parent.iterdir()) == [video_file]


@pytest.mark.parametrize("died", [False, True])
async def test_what_cannot_be_composed_is_sealed_without_a_video(
    station: Station, hearing: Meeting, monkeypatch: pytest.MonkeyPatch, died: bool
) -> None:
    """A day after the last try, also of workers that died of it: the bag is whole, and says that it has no video."""
    tracks = (feed(track("a"), video("h264", 25)), feed(track("b", "microphone", "opus"), sound(1)))
    await record(recording_folder(station.settings, hearing.id), *tracks, stop_ms=EPOCH_MS + 1000)

    async def fail(*_: object) -> bool:
        raise jobs.ComposeFailed("no memory")

    monkeypatch.setattr(jobs, "_run_composer", fail)
    now = station.clock.now()
    async with station.database.transaction() as work:
        await enqueue(work, "compose", f"compose:{hearing.id}", {"meeting": hearing.id}, now)
    for _ in range(MAX_ATTEMPTS):
        now += timedelta(hours=1)
        if died:
            assert await claim(station.database, ["compose"], now) is not None
        else:
            assert await work_once(replace(station, clock=FixedClock(now)))
    assert await claim(station.database, ["compose"], now + timedelta(hours=1)) is None
    assert await seal_uncomposed(replace(station, clock=FixedClock(now + timedelta(hours=23)))) == 0
    later = replace(station, clock=FixedClock(now + timedelta(hours=26)))
    assert await seal_uncomposed(later) == 1
    assert await seal_uncomposed(later) == 0
    assert await work_once(later)
    assert await actions(station, hearing) == ["archive.not-composed", "archive.sealed"]
    bag = bag_folder(station.settings, hearing.id)
    assert verify(bag).faults == ()
    assert json.loads((bag / "data" / "metadata.json").read_bytes())["video"] == "not-composed"
    assert len(list((bag / "data" / "tracks").glob("*.mkv"))) == 2


async def test_what_is_begun_anew_in_time_is_sealed_with_its_video(station: Station, hearing: Meeting) -> None:
    """A job that failed and then was done asks for its bag itself."""
    now = station.clock.now()
    async with station.database.transaction() as work:
        await enqueue(work, "compose", f"compose:{hearing.id}", {"meeting": hearing.id}, now)
        await work.execute(update(job_rows).values(state="failed", finished_at=now, attempts=MAX_ATTEMPTS))
    async with station.database.transaction() as work:
        assert await retry(work, f"compose:{hearing.id}", now)
    later = replace(station, clock=FixedClock(now + timedelta(days=2)))
    assert await seal_uncomposed(later) == 0
    assert await work_once(later) and await work_once(later)
    assert await seal_uncomposed(later) == 0
    assert await actions(station, hearing) == ["archive.nothing-recorded", "archive.sealed"]
