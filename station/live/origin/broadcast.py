"""One broadcast in memory: its source, its playlist, its fresh parts, and who waits for the next."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from itertools import groupby
from pathlib import Path

import aiohttp

from recordings.frames import EncodedFrame
from station.live.origin.feed_reader import FeedUnavailable, find_media, read_feed
from station.live.origin.live_cache import LiveCache
from station.live.packaging.playlist import MediaPlaylist, SegmentLine, Variant, render_multivariant
from station.live.packaging.programme import PARTS_KEPT_FOR, Programme, ProgrammeFolder, StoredSegment
from station.live.packaging.writer import InitReady, PartReady, ProgrammeWriter, SegmentClosed, SegmentOpened, Update
from station.live.viewing.viewers import ViewerCount

log = logging.getLogger(__name__)
RECONNECT_S = 0.5
SILENT_S = 3.0  # without a frame for so long, viewers are told that the picture is interrupted
_QUEUE_FRAMES = 2000  # past this media's own drop rule applies: the feed's socket fills up
_GONE = None


class Broadcast:
    """Owns the source's task and the packager's thread. `end()` finishes it for good; `close()` only stops."""

    def __init__(self, folder: Path, programme: Programme, segments: list[StoredSegment]) -> None:
        self.programme = programme
        self.folder = ProgrammeFolder(folder)
        self.cache = LiveCache(MediaPlaylist())
        self.viewers = ViewerCount()
        self.connected = False
        self._heard_at = 0.0
        self.refused = False
        self.peak_bits_per_s = 0
        self._changes = self._saved_changes = 0
        self._segments = segments
        self._writer: ProgrammeWriter | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._frames: asyncio.Queue[EncodedFrame | None] = asyncio.Queue(_QUEUE_FRAMES)
        self._source: asyncio.Task[None] | None = None
        self._leaving: list[asyncio.Task[None]] = []  # sources of before, whose last frames are still packaged
        self._packaging: asyncio.Task[None] | None = None
        for stored in segments:
            self._restore(stored)
        self.cache.playlist.hide(self.is_hidden)
        if self.ended:
            self.cache.finish()

    @property
    def ended(self) -> bool:
        """Whether it is off air for good."""
        return self.programme.state == "ended"

    @property
    def can_be_forgotten(self) -> bool:
        """Whether the disk knows all that memory does, and nothing will change: it can be opened anew."""
        is_saved = self._saved_changes == self._changes
        return self.ended and is_saved and self._writer is None and not self.cache.waiting

    @property
    def alarm(self) -> str | None:
        """What keeps it from being written, such as "disk_full"; None while all is well."""
        return self._writer.alarm if self._writer else None

    @property
    def state(self) -> str:
        """`waiting` for a first frame, `live`, `interrupted` while media is away or nothing comes from it, `ended`."""
        if self.ended:
            return "ended"
        if self.connected and time.monotonic() - self._heard_at < SILENT_S:
            return "live"
        return "interrupted" if self.cache.playlist.segments else "waiting"

    @property
    def is_public(self) -> bool:
        """Whether everybody may fetch it: while it is on air, and once its recording has been reviewed."""
        return self.programme.public or not self.ended

    def is_hidden(self, segment: int) -> bool:
        """Whether a segment shows somebody who no longer wants to be seen; who is in an old one is not known."""
        if not self.programme.hidden:
            return False
        # The open one shows whom the writer writes: while the source changes that is not yet whom the programme names.
        current = self._writer.person if self._writer else self.programme.person
        person = self._segments[segment].person if segment < len(self._segments) else current
        return not person or person in self.programme.hidden

    async def set_access(self, public: bool, hidden: list[str]) -> None:
        """Say whether the recording is public and whom it may not show. Raises OSError; memory follows either way."""
        self.programme.public, self.programme.hidden = public, sorted(set(hidden))
        self.cache.playlist.hide(self.is_hidden)
        self.cache.wake()
        await self._save()

    async def _save(self) -> None:
        self._changes += 1
        change = self._changes
        await asyncio.to_thread(self.folder.save, self.programme)
        self._saved_changes = max(self._saved_changes, change)

    @property
    def variant(self) -> Variant:
        """What the multivariant playlist says of the newest video and audio."""
        init = self.programme.inits[-1]
        return Variant(init.codecs, (init.width, init.height) if init.width else None)

    def multivariant(self) -> str:
        """The multivariant playlist (RFC 8216 §4.3.4)."""
        return render_multivariant(self.variant, self.peak_bits_per_s)

    def watch(self, session: aiohttp.ClientSession, media_urls: tuple[str, ...]) -> None:
        """Begin to read the source, or read another one: room, person or grant have changed."""
        if self._writer is None:
            self._writer = ProgrammeWriter(self.folder, self.programme, self._segments)
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="packager")
            self._packaging = asyncio.create_task(self._package(self._writer, self._thread))
        self._leaving = [source for source in self._leaving if not source.done()]
        if self._source:
            self._source.cancel()
            self._leaving.append(self._source)
        self._source = asyncio.create_task(self._read_source(session, media_urls, self._leaving))

    async def end(self, now_ms: int) -> None:
        """Finish for good: the playlist gets its end mark, the same files are its recording. Harmless when repeated."""
        if self.ended:
            return
        await self._stop_source()
        self.programme.state, self.programme.ended_at_ms, self.programme.grant = "ended", now_ms, ""
        try:
            await self._save()
        except OSError:  # a full disk must not keep a broadcast on air; a restart would, until it is ended again
            log.exception("broadcast %s: its end could not be written down", self.programme.id)
        await self._stop_packaging()
        self.cache.finish()

    async def close(self) -> None:
        """Stop without ending: a restarted role goes on."""
        await self._stop_source()
        await self._stop_packaging()
        self.cache.wake()

    async def _stop_source(self) -> None:
        source, self._source = self._source, None
        if source:
            source.cancel()
            await asyncio.wait([source, *self._leaving])
        if self._packaging:
            await self._frames.put(_GONE)
            await self._frames.join()
        self.connected = False

    async def _stop_packaging(self) -> None:
        packaging, self._packaging = self._packaging, None
        if packaging:
            packaging.cancel()
            with suppress(asyncio.CancelledError):
                await packaging
        if self._thread:
            thread, self._thread = self._thread, None
            await asyncio.to_thread(thread.shutdown, wait=True)  # on a slow disk: the others go on meanwhile
        self._writer = None

    async def _read_source(
        self, session: aiohttp.ClientSession, media_urls: tuple[str, ...], before: list[asyncio.Task[None]]
    ) -> None:
        programme, seen = self.programme, ""
        if before:
            await asyncio.wait(before)
        while True:
            try:
                room, person, grant = programme.room, programme.person, programme.grant
                if self._writer:
                    self._writer.person = person  # all frames of the source before have been packaged
                media_url = await find_media(session, media_urls, room, person, grant)
                feed = read_feed(session, media_url, room, person, grant)
                async with aclosing(feed):
                    async for frame in feed:
                        self.connected, self.refused = True, False
                        self._heard_at = time.monotonic()
                        await self._frames.put(frame)
                reason = "media ended the feed"
            except FeedUnavailable as error:
                self.refused = error.refused
                reason = str(error)
            finally:
                if self.connected:
                    await self._frames.put(_GONE)
                    await self._frames.join()
                    self.connected = False
            if reason != seen:
                log.warning("broadcast %s has no source: %s", programme.id, reason)
                seen = reason
            await asyncio.sleep(RECONNECT_S)

    async def _package(self, writer: ProgrammeWriter, thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._frames.get()]
            while not self._frames.empty():
                batch.append(self._frames.get_nowait())
            try:
                self._apply(await loop.run_in_executor(thread, _process, writer, batch))
            except Exception:
                # A frame nobody foresaw must not end a broadcast: begin anew with the next keyframe.
                log.exception("broadcast %s dropped %d frames", self.programme.id, len(batch))
                self._apply(await loop.run_in_executor(thread, writer.interrupt))
            finally:
                for _ in batch:
                    self._frames.task_done()

    def _apply(self, updates: list[Update]) -> None:
        playlist = self.cache.playlist
        for update in updates:
            if isinstance(update, InitReady):
                self.cache.inits[update.number] = update.data
            elif isinstance(update, SegmentOpened):
                playlist.open_segment(update.at_ms, update.init, update.discontinuity)
                playlist.segments[-1].hidden = self.is_hidden(playlist.segments[-1].number)
            elif isinstance(update, PartReady):
                playlist.add_part(update.line)
                self.cache.parts[update.segment, update.index] = update.data
            else:
                self._close_segment(update)
        if updates:
            self.cache.wake()

    def _close_segment(self, update: SegmentClosed) -> None:
        stored = update.stored
        self._segments.append(stored)
        self.cache.playlist.close_segment(stored.duration_s, stored.at_ms)
        self._measure(stored)
        old = stored.n - PARTS_KEPT_FOR
        self.cache.forget(old)
        if old >= 0 and self._segments[old].lost:
            self.cache.playlist.lose(old)

    def _restore(self, stored: StoredSegment) -> None:
        line = SegmentLine(stored.n, stored.at_ms, stored.init, stored.discontinuity, stored.duration_s)
        line.lost = stored.lost
        self.cache.playlist.restore(line)
        self._measure(stored)

    def _measure(self, stored: StoredSegment) -> None:
        if stored.duration_s >= 0.5:  # a stump says nothing about the rate
            bits_per_s = round(stored.bytes * 8 / stored.duration_s)
            self.peak_bits_per_s = max(self.peak_bits_per_s, bits_per_s)


def _process(writer: ProgrammeWriter, batch: list[EncodedFrame | None]) -> list[Update]:
    updates: list[Update] = []
    for gone, frames in groupby(batch, key=lambda frame: frame is _GONE):
        if gone:
            updates += writer.interrupt()
        else:  # all that arrived together: only so is it seen that a burst is ahead of the clock
            updates += writer.push([frame for frame in frames if frame is not None])
    return updates


def now_ms() -> int:
    """Unix time in milliseconds."""
    return int(time.time() * 1000)
