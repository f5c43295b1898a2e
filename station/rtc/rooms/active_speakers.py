"""Whose voice the room hears: tells everyone who speaks, and in a large room forwards only the loudest few."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from station.rtc.forwarding.published import PublishedTrack
from station.rtc.rooms.speakers import Speakers

LOOK_EVERY_S = 0.1
FORWARDED = 6  # microphones; more at once nobody can follow, and each costs everyone


class ActiveSpeakers:
    """Belongs to one room. `tell` is told of each change of who speaks."""

    def __init__(self, tell: Callable[[list[str]], None]) -> None:
        self._tell = tell
        self._speakers = Speakers()
        self._tracks: dict[str, PublishedTrack] = {}  # microphones by person
        self._looked_s = 0.0
        self.speaking: list[str] = []

    def add(self, track: PublishedTrack, has_levels: bool) -> None:
        """Somebody's microphone is there."""
        if track.state.kind == "audio":
            self._tracks[track.state.person] = track
            if not has_levels:
                self._speakers.add_unknown(track.state.person)

    def remove(self, track: PublishedTrack) -> None:
        """A microphone has gone."""
        if self._tracks.get(track.state.person) is track:
            del self._tracks[track.state.person]
            self._speakers.remove(track.state.person)

    def on_level(self, track: PublishedTrack, level: int, now_s: float) -> None:
        """An audio packet came, `level` in -dBov (RFC 6464); looks ten times a second what has changed."""
        self._speakers.on_level(track.state.person, level, now_s)
        if now_s - self._looked_s >= LOOK_EVERY_S:
            self.update(now_s)

    def update(self, now_s: float) -> None:
        """Decides anew who speaks and who is forwarded."""
        self._looked_s = now_s
        changed = self._speakers.changed(now_s)
        if changed is not None:
            self.speaking = changed
            self._tell(changed)
        if len(self._tracks) > FORWARDED:
            self._forward_only(self._speakers.loudest(FORWARDED, now_s))
        else:
            self._forward_only(self._tracks)

    def _forward_only(self, people: Iterable[str]) -> None:
        chosen = set(people)
        for person, track in self._tracks.items():
            track.best.hold(person not in chosen)
