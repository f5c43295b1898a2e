"""The figures behind a verdict, a few rows a person: what is sent, and what is received taken together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from station.base.errors import N_
from station.nodes.insight import Given, Person, Sent

SENT = {
    "camera": N_("发出的画面"),
    "screen": N_("发出的屏幕"),
    "microphone": N_("发出的声音"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; None where there is nothing to tell. Of what is received: the sum, or the worst."""

    name: str
    what: str
    count: int = 1
    kbit_per_s: int = 0
    loss_percent: float = 0.0
    height: int | None = None
    layers: str = ""  # 1/3: the encodings that arrive, of all that were offered
    frames_per_s: int | None = None
    jitter_ms: int | None = None
    freezes: int | None = None
    concealed_percent: int | None = None
    paused: int = 0


def rows_of(person: Person) -> list[Row]:
    """At most five rows."""
    sent = [_sent_row(person.name, track) for track in person.sent]
    return [*sent, *_given_rows(person)]


def _sent_row(name: str, track: Sent) -> Row:
    best, is_picture = track.best, track.kind == "video"
    return Row(
        name,
        SENT.get(track.source, track.source),
        kbit_per_s=round(track.bits_per_s / 1000),
        loss_percent=round(track.loss * 100, 1),
        height=best.height or None,
        layers=f"{sum(layer.is_sending for layer in track.layers)}/{len(track.layers)}" if is_picture else "",
        jitter_ms=round(best.jitter_ms) if not is_picture else None,
    )


def _given_rows(person: Person) -> Iterator[Row]:
    by_kind = {kind: [given for given in person.given if given.kind == kind] for kind in ("video", "audio")}
    texts = {"video": N_("收到的画面"), "audio": N_("收到的声音")}
    own_loss = max((watching.loss for watching in person.down), default=0.0)
    for kind, given in by_kind.items():
        if given:
            yield _given_row(person.name, texts[kind], given, own_loss, is_picture=kind == "video")


def _given_row(name: str, what: str, given: Sequence[Given], own_loss: float, *, is_picture: bool) -> Row:
    flowing = [track for track in given if track.is_given]
    rates = [track.frames_per_s for track in flowing if track.frames_per_s is not None]
    jitters_ms = [track.jitter_ms for track in given if track.jitter_ms is not None]
    made_up = [track.concealed for track in given if track.concealed is not None]
    return Row(
        name,
        what,
        count=len(given),
        kbit_per_s=round(sum(track.bits_per_s for track in flowing) / 1000),
        loss_percent=round(max([own_loss, *(track.loss for track in given)]) * 100, 1),
        height=min((track.height for track in flowing if track.height), default=None) if is_picture else None,
        frames_per_s=round(min(rates)) if rates and is_picture else None,
        jitter_ms=round(max(jitters_ms)) if jitters_ms else None,
        freezes=sum(track.freezes for track in given) if is_picture and rates else None,
        concealed_percent=round(max(made_up) * 100) if made_up and not is_picture else None,
        paused=sum(track.is_paused for track in given),
    )
