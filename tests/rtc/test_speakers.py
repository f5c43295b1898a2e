"""Who speaks, and whose sound is forwarded in a large room."""

from __future__ import annotations

import random

from station.rtc.rooms.speakers import Speakers

LOUD, QUIET, SILENT = 25, 75, 127


class Room:
    """Packets of 20 ms from everyone, a look ten times a second."""

    def __init__(self) -> None:
        self.speakers = Speakers()
        self.now_s = 10.0
        self.told: list[tuple[float, list[str]]] = []
        self.forwarded: set[str] = set()

    def run(self, seconds: float, places: int = 3, **levels: int) -> list[str] | None:
        """The last list told in this time, None when nothing was."""
        told: list[str] | None = None
        for step in range(round(seconds / 0.02)):
            self.now_s += 0.02
            for person, level in levels.items():
                self.speakers.on_level(person, level, self.now_s)
            if step % 5 == 0:
                changed = self.speakers.changed(self.now_s)
                self.forwarded = self.speakers.loudest(places, self.now_s)
                if changed is not None:
                    told = changed
                    self.told.append((self.now_s, changed))
        return told


def test_who_begins_to_speak_is_told_soon_and_who_ends_after_a_while() -> None:
    """Within half a second of the first word; through a pause of one second; gone two seconds after the last."""
    room = Room()
    assert room.run(1.0, a=QUIET, b=SILENT) is None
    assert room.run(0.5, a=LOUD, b=SILENT) == ["a"]
    assert room.run(1.0, a=QUIET, b=SILENT) is None
    assert room.run(1.0, a=LOUD, b=SILENT) is None
    assert room.run(2.0, a=QUIET, b=SILENT) == []
    assert len(room.told) == 2


def test_a_cough_is_no_speech() -> None:
    """A noise of 60 ms tells nothing."""
    room = Room()
    room.run(1.0, a=SILENT)
    assert room.run(0.06, a=LOUD) is None
    assert room.run(1.0, a=SILENT) is None


def test_a_sender_that_falls_silent_by_sending_nothing_stops_speaking() -> None:
    """Without packets (DTX, a lost connection) the list empties."""
    room = Room()
    assert room.run(1.0, a=LOUD) == ["a"]
    assert room.run(3.0) == []


def test_two_who_speak_do_not_take_turns_in_leading() -> None:
    """Levels that change with every syllable do not change the order; someone clearly louder leads after a second."""
    room, chance = Room(), random.Random(3)
    room.run(1.0, a=LOUD)
    for _ in range(100):
        room.run(0.1, a=LOUD + chance.randint(-8, 8), b=LOUD + chance.randint(-8, 8))
    assert [people for _, people in room.told] == [["a"], ["a", "b"]]
    assert room.run(2.0, a=45, b=LOUD) == ["b", "a"]


def test_someone_who_leaves_is_forgotten() -> None:
    """A removed person is in no list and no place."""
    room = Room()
    room.run(1.0, a=LOUD, b=LOUD)
    room.speakers.remove("a")
    assert room.run(0.1) == ["b"]
    assert room.forwarded == {"b"}


def test_the_loudest_few_are_forwarded() -> None:
    """Free places are taken at once; a newcomer displaces the quietest after 0.2 s, and keeps the place in silence."""
    room = Room()
    room.run(0.5, places=2, a=LOUD, b=35)
    room.run(0.5, places=2, a=LOUD, b=35, c=QUIET)
    assert room.forwarded == {"a", "b"}
    room.run(0.5, places=2, a=LOUD, b=QUIET, c=QUIET)
    room.run(0.1, places=2, a=LOUD, b=QUIET, c=LOUD)
    assert room.forwarded == {"a", "b"}
    room.run(0.6, places=2, a=LOUD, b=QUIET, c=LOUD)
    assert room.forwarded == {"a", "c"}
    room.run(3.0, places=2, a=SILENT, b=SILENT, c=SILENT)
    assert room.forwarded == {"a", "c"}


def test_who_tells_no_level_is_always_forwarded() -> None:
    """Beside the places for those who do, and never counts as speaking."""
    room = Room()
    room.speakers.add_unknown("old")
    assert room.run(1.0, places=1, a=LOUD, b=QUIET) == ["a"]
    assert room.forwarded == {"a", "old"}
    room.speakers.remove("old")
    room.run(0.1, places=1, a=LOUD)
    assert room.forwarded == {"a"}
