"""A plain word on each person's line, good, weak or bad, with why and what to do about it. Pure.

What is felt is judged, not what is measured: a loss that is repaired in time only counts when there is much of it.
The page of the person concerned says the same at about the same limits (web/js/media/quality.js).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from station.base.errors import N_
from station.nodes.insight import Down, Given, Person, RoomInsight, Sent

PERCENT = 100


class Word(IntEnum):
    """The worst of the reasons. UNKNOWN: no connection yet to tell from."""

    UNKNOWN = 0
    GOOD = 1
    WEAK = 2
    BAD = 3


@dataclass(frozen=True, slots=True)
class Limit:
    """From which value on something is weak, and from which bad."""

    weak: float
    bad: float

    def word(self, value: float) -> Word:
        """The word for a value: the higher, the worse."""
        return Word.BAD if value >= self.bad else Word.WEAK if value >= self.weak else Word.GOOD


# Share of packets lost. Up to some 5 % Opus' own correction and retransmissions hide it; past 15 % words go missing and
# videos wait for retransmissions of retransmissions (ITU-T G.113 appendix I rates codecs with concealment about so).
LOSS = Limit(0.05, 0.15)
# ITU-T G.114: up to 150 ms one way nobody notices, past 400 ms a conversation is not acceptable. Twice that, there
# and back, for one person's half of the way.
ROUND_TRIP_MS = Limit(300, 800)
# The same for what waits in front of a line that is too narrow: that delay is one way.
QUEUE_MS = Limit(150, 400)
# ITU-T Y.1541 classes 0 and 1 allow 50 ms of variation to conversation; more makes players wait for the latest.
JITTER_MS = Limit(50, 150)
# Share of the sound that the browser made up. One twentieth is heard, one sixth breaks words.
CONCEALED = Limit(0.05, 0.15)
# Seconds of the last minute in which a picture stood still: one is noticed, a tenth of the time is no picture.
FROZEN_S = Limit(1.0, 6.0)
# A picture this small, in lines, is no face any more on a large screen, if a larger one would be shown and is there.
SMALL_HEIGHT = 240


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is wrong, in words (message ids and what to fill in)."""

    word: Word
    text: str
    advice: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Verdict:
    """On one person. `reasons` has the worst first."""

    word: Word
    reasons: tuple[Reason, ...] = ()

    @property
    def advice(self) -> str:
        """What to try first; empty when all is well."""
        return self.reasons[0].advice if self.reasons else ""


_UP_ADVICE = N_("请他靠近路由器，或先关掉摄像头只留声音")
_DOWN_ADVICE = N_("声音会先保住。请他靠近路由器，停掉别的下载和视频")
_DELAY_ADVICE = N_("说完一句停一停再听回答。用手机流量的，换成无线网或网线会好些")
_DEVICE_ADVICE = N_("请他关掉别的程序和网页，还不行就重新打开这个页面")
_SILENT_ADVICE = N_("请他看一下摄像头和麦克风是不是被别的程序占着，再重新打开这个页面")
_B_FRAMES_ADVICE = N_("请在推流的编码器里把 B 帧设成 0，再重新推流")
_BLOCKED_ADVICE = N_("换一个网络试试，比如手机热点")


def judge_room(room: RoomInsight) -> dict[str, Verdict]:
    """A verdict on each person, by account. A picture that stands still is blamed on whose line is at fault."""
    up = {person.person: list(_judge_up(person)) for person in room.people}
    blamed = {account for account, reasons in up.items() if reasons}
    for account, freezes in _seen_frozen_by_all(room).items():
        if account not in blamed:
            up[account].append(freezes)
            blamed.add(account)
    return {
        person.person: _verdict(person, [*up[person.person], *_judge_down(person, blamed)]) for person in room.people
    }


def _verdict(person: Person, reasons: list[Reason]) -> Verdict:
    if not person.lines:
        return Verdict(Word.UNKNOWN)
    if reasons and any(line.transport == "tcp" for line in person.lines):
        reasons.append(Reason(Word.WEAK, N_("他的网络挡住了 UDP，改走 TCP，会慢一些"), _BLOCKED_ADVICE, {}))
    reasons.sort(key=lambda reason: -reason.word)
    return Verdict(max((reason.word for reason in reasons), default=Word.GOOD), tuple(reasons))


def _judge_up(person: Person) -> Iterator[Reason]:
    """What others suffer from: this person's way to the station."""
    if not person.lines:
        return
    loss = max((sent.loss for sent in person.sent), default=0.0)
    yield from _over(LOSS, loss, N_("上行丢包 %(percent)s%%：他的网络较弱"), _UP_ADVICE, percent=_percent(loss))
    jitter_ms = max((sent.best.jitter_ms for sent in person.sent if sent.kind == "audio"), default=0.0)
    yield from _over(JITTER_MS, jitter_ms, N_("上行忽快忽慢，抖动 %(ms)s 毫秒"), _UP_ADVICE, ms=round(jitter_ms))
    for sent in person.sent:
        yield from _judge_sent(sent)
    delay_ms = person.round_trip_ms or 0
    yield from _over(ROUND_TRIP_MS, delay_ms, N_("往返 %(ms)s 毫秒：说的话会晚到"), _DELAY_ADVICE, ms=delay_ms)


def _judge_sent(sent: Sent) -> Iterator[Reason]:
    if sent.muted or sent.source == "screen":  # a screen that nothing moves on may send nothing for a while
        return
    if sent.has_b_frames:
        yield Reason(Word.WEAK, N_("推来的画面带 B 帧，放出来一顿一顿的"), _B_FRAMES_ADVICE, {})
    if not sent.is_sending and any(layer.packets for layer in sent.layers):
        text = N_("画面传不上来了") if sent.kind == "video" else N_("声音传不上来了")
        yield Reason(Word.BAD, text, _SILENT_ADVICE, {})
    elif len(sent.layers) > 1 and 0 < sent.best.height <= SMALL_HEIGHT and not all(x.is_sending for x in sent.layers):
        text = N_("上行带宽不足，只传来小画面（%(lines)s 行）")
        yield Reason(Word.WEAK, text, _UP_ADVICE, {"lines": sent.best.height})


def _judge_down(person: Person, blamed: set[str]) -> Iterator[Reason]:
    """What this person suffers from: the way from the station."""
    for watching in person.down:
        if watching.line.connected:
            yield from _judge_watching(watching)
    fair = [given for given in person.given if given.person not in blamed]
    frozen_s = max((given.frozen_s for given in fair), default=0.0)
    times = max((given.freezes for given in fair), default=0)
    yield from _over(FROZEN_S, frozen_s, N_("他看到的画面卡顿 %(times)s 次"), _DEVICE_ADVICE, times=times)
    concealed = max((given.concealed or 0.0 for given in fair), default=0.0)
    text = N_("他听到的声音断续，有 %(percent)s%% 是补出来的")
    yield from _over(CONCEALED, concealed, text, _DOWN_ADVICE, percent=_percent(concealed))


def _judge_watching(watching: Down) -> Iterator[Reason]:
    paused = [given for given in watching.tracks if given.is_paused]
    if paused:
        yield Reason(Word.BAD, N_("下行带宽不足，画面已暂停"), _DOWN_ADVICE, {})
    elif any(_is_too_small(given) for given in watching.tracks):
        yield Reason(Word.WEAK, N_("下行带宽不足，看到的是小画面"), _DOWN_ADVICE, {})
    loss = max([watching.loss, *(given.loss for given in watching.tracks)])
    yield from _over(LOSS, loss, N_("下行丢包 %(percent)s%%：他的网络较弱"), _DOWN_ADVICE, percent=_percent(loss))
    text = N_("下行排队 %(ms)s 毫秒：带宽快不够了")
    yield from _over(QUEUE_MS, watching.queue_ms, text, _DOWN_ADVICE, ms=watching.queue_ms)


def _is_too_small(given: Given) -> bool:
    """Whether a picture is given far smaller than it is shown and could be had."""
    wanted = given.best_height if given.shown_height is None else min(given.shown_height, given.best_height)
    return given.is_given and 0 < given.height <= SMALL_HEIGHT and wanted >= 2 * given.height


def _seen_frozen_by_all(room: RoomInsight) -> dict[str, Reason]:
    """Whose picture stands still at everybody who watches it, two at least: then it is not the watchers' fault."""
    seen: dict[str, list[Given]] = {}
    for person in room.people:
        for given in person.given:
            if given.frames_per_s is not None and given.kind == "video":
                seen.setdefault(given.person, []).append(given)
    found = {}
    for account, all_given in seen.items():
        frozen_s = min(given.frozen_s for given in all_given)
        times = max(given.freezes for given in all_given)
        if len(all_given) > 1 and FROZEN_S.word(frozen_s) > Word.GOOD:
            text = N_("别人看他的画面卡顿 %(times)s 次")
            found[account] = Reason(FROZEN_S.word(frozen_s), text, _UP_ADVICE, {"times": times})
    return {account: reason for account, reason in found.items() if any(p.person == account for p in room.people)}


def _over(limit: Limit, value: float, text: str, advice: str, **values: object) -> Iterator[Reason]:
    word = limit.word(value)
    if word > Word.GOOD:
        yield Reason(word, text, advice, values)


def _percent(share: float) -> int:
    return round(share * PERCENT)
