"""Who is to be seen, and from which track, at each moment of a recording. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from recordings.layout import MOST_BESIDE_SCREEN, MOST_PEOPLE
from recordings.timeline import RecordedTrack, Timeline


@dataclass(frozen=True, slots=True)
class Seat:
    """One person's place; `camera` is None while it is off, muted or the person is not there."""

    person: str
    name: str
    camera: RecordedTrack | None


@dataclass(frozen=True, slots=True)
class Scene:
    """What the picture shows: people in their order of coming, and a shared screen if there is one."""

    seats: tuple[Seat, ...]
    screen: RecordedTrack | None


class Script:
    """The scenes of a recording."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._names: dict[str, str] = {}
        for track in sorted(timeline.tracks, key=lambda track: track.opened_ms):
            self._names.setdefault(track.info.person, track.info.name)
        self._changes = _changes(timeline)
        self._index = -1
        self._scene = Scene((), None)

    def scene_at(self, at_ms: float) -> Scene:
        """The scene at a moment (Unix ms); the same object as long as nothing changes."""
        index = bisect_right(self._changes, at_ms)
        if index != self._index:
            self._index = index
            scene = self._compute(at_ms)
            if scene != self._scene:
                self._scene = scene
        return self._scene

    def _compute(self, at_ms: float) -> Scene:
        muted = _muted_at(self._timeline, at_ms)
        shown: dict[str, RecordedTrack] = {}
        screen: RecordedTrack | None = None
        present: set[str] = set()
        for track in self._timeline.tracks:
            if not track.opened_ms <= at_ms < ended_ms(track):
                continue
            present.add(track.info.person)
            if track.info.kind != "video" or track.info.id in muted:
                continue
            if track.info.source == "screen":
                screen = track
            else:
                shown[track.info.person] = track
        seats = [Seat(person, name, shown.get(person)) for person, name in self._names.items()]
        return Scene(_chosen(seats, present, MOST_BESIDE_SCREEN if screen else MOST_PEOPLE), screen)


def ended_ms(track: RecordedTrack) -> float:
    """When a track ended; infinity for one that was not closed."""
    return math.inf if track.closed_ms is None else track.closed_ms


def _chosen(seats: list[Seat], present: set[str], most: int) -> tuple[Seat, ...]:
    """All, when there is room for all who ever came; else those with a camera, then those who are there."""
    if len(seats) <= most:
        return tuple(seats)
    ranked = sorted(seats, key=lambda seat: (seat.camera is None, seat.person not in present))
    chosen = {seat.person for seat in ranked[:most]}
    return tuple(seat for seat in seats if seat.person in chosen)


def _changes(timeline: Timeline) -> list[float]:
    times = {mark.at_ms for mark in timeline.marks if mark.name in ("muted", "unmuted")}
    for track in timeline.tracks:
        times.update((track.opened_ms, ended_ms(track)))
    return sorted(times)


def _muted_at(timeline: Timeline, at_ms: float) -> set[str]:
    muted: set[str] = set()
    for mark in timeline.marks:
        if mark.at_ms <= at_ms and mark.name == "muted":
            muted.add(str(mark.fields.get("track", "")))
        elif mark.at_ms <= at_ms and mark.name == "unmuted":
            muted.discard(str(mark.fields.get("track", "")))
    return muted
