"""Who speaks, from the audio levels that clients put beside their audio (RFC 6464). Pure: time is an argument.

A level is 0 for the loudest and 127 for silence, in -dBov. Loudness here is 127 - level, so that louder is more.
"""

from __future__ import annotations

SILENCE = 127
SPEECH_FROM = SILENCE - 50  # loudness at which someone begins to speak, and below which they stop
SPEECH_UNTIL = SILENCE - 60
BEGINS_AFTER_S = 0.1
ENDS_AFTER_S = 1.5
DISPLACES_AFTER_S = 0.2
LEADS_AFTER_S = 0.8
MARGIN = 6.0  # dB by which someone must be louder to take another's place
MAX_SPEAKERS = 5
_RISE_S, _FALL_S = 0.1, 0.5
_QUIET_AFTER_S = 0.5  # without a packet: senders that stop in silence (DTX) still send every 0.4 s


class _Voice:
    __slots__ = ("heard_s", "is_speaking", "levels", "loud_since_s", "loudness", "packets", "spoke_s")

    def __init__(self) -> None:
        self.levels = self.packets = 0  # since the last update
        self.heard_s = self.spoke_s = float("-inf")
        self.loudness = 0.0
        self.loud_since_s: float | None = None
        self.is_speaking = False

    def update(self, elapsed_s: float, now_s: float) -> None:
        if self.packets:
            fresh = SILENCE - self.levels / self.packets
            self.levels = self.packets = 0
        elif now_s - self.heard_s > _QUIET_AFTER_S:
            fresh = 0.0
        else:
            fresh = self.loudness
        time_s = _RISE_S if fresh > self.loudness else _FALL_S
        self.loudness += (fresh - self.loudness) * elapsed_s / (elapsed_s + time_s)
        self._decide(fresh, now_s)

    def _decide(self, fresh: float, now_s: float) -> None:
        if fresh < (SPEECH_UNTIL if self.is_speaking else SPEECH_FROM):
            self.loud_since_s = None
            if now_s - self.spoke_s > ENDS_AFTER_S:
                self.is_speaking = False
            return
        if self.loud_since_s is None:
            self.loud_since_s = now_s
        if now_s - self.loud_since_s >= BEGINS_AFTER_S:
            self.is_speaking = True
        if self.is_speaking:
            self.spoke_s = now_s


class Speakers:
    """Belongs to a room. `on_level` runs once per packet; `changed` and `loudest` some ten times a second."""

    def __init__(self) -> None:
        self._voices: dict[str, _Voice] = {}
        self._unknown: set[str] = set()
        self._looked_s: float | None = None
        self._order: list[str] = []
        self._louder_since: dict[str, float] = {}  # who would lead
        self._places: list[str] = []
        self._waiting_since: dict[str, float] = {}  # who would be let through

    def on_level(self, person: str, level: int, now_s: float) -> None:
        """A packet of this person's microphone had this level, 0 (loudest) to 127 (silence)."""
        voice = self._voices.get(person)
        if voice is None:
            voice = self._voices[person] = _Voice()
            self._unknown.discard(person)
        voice.levels += level
        voice.packets += 1
        voice.heard_s = now_s

    def add_unknown(self, person: str) -> None:
        """This person's client tells no levels: always counts as heard, and never as speaking."""
        if person not in self._voices:
            self._unknown.add(person)

    def remove(self, person: str) -> None:
        """The person has no microphone any more."""
        self._voices.pop(person, None)
        self._unknown.discard(person)
        for mark in (self._louder_since, self._waiting_since):
            mark.pop(person, None)
        if person in self._places:
            self._places.remove(person)

    def changed(self, now_s: float) -> list[str] | None:
        """Who speaks now, first whom the room listens to; None when that is as it was."""
        elapsed_s = now_s - self._looked_s if self._looked_s is not None else 0.0
        self._looked_s = now_s
        for voice in self._voices.values():
            voice.update(elapsed_s, now_s)
        speaking = [person for person, voice in self._voices.items() if voice.is_speaking]
        order = [person for person in self._order if person in speaking]
        order += sorted((p for p in speaking if p not in order), key=self._loudness, reverse=True)
        order = self._led(order, now_s)[:MAX_SPEAKERS]
        if order == self._order:
            return None
        self._order = order
        return list(order)

    def loudest(self, number: int, now_s: float) -> set[str]:
        """Whose audio to forward when only so many are: places are kept until someone louder has waited 0.2 s."""
        del self._places[number:]
        ranked = sorted(self._voices, key=self._loudness, reverse=True)
        self._places += [p for p in ranked if p not in self._places][: number - len(self._places)]
        wishing = [p for p in ranked[:number] if p not in self._places]
        self._waiting_since = {person: self._waiting_since.get(person, now_s) for person in wishing}
        for person in wishing:
            quietest = min(self._places, key=self._loudness, default=None)
            if quietest is None or self._loudness(person) < self._loudness(quietest) + MARGIN:
                break
            if now_s - self._waiting_since[person] >= DISPLACES_AFTER_S:
                self._places[self._places.index(quietest)] = person
                del self._waiting_since[person]
        return {*self._places, *self._unknown}

    def _led(self, order: list[str], now_s: float) -> list[str]:
        """Lets a louder one lead once that has lasted, so that the layout does not jump at every word."""
        if len(order) < 2:
            self._louder_since = {}
            return order
        leading = self._loudness(order[0]) + MARGIN
        louder = [person for person in order[1:] if self._loudness(person) > leading]
        self._louder_since = {person: self._louder_since.get(person, now_s) for person in louder}
        for person in sorted(louder, key=self._loudness, reverse=True):
            if now_s - self._louder_since[person] >= LEADS_AFTER_S:
                return [person, *(other for other in order if other != person)]
        return order

    def _loudness(self, person: str) -> float:
        return self._voices[person].loudness
