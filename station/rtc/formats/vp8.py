"""VP8 payload descriptors (RFC 7741); their running numbers go on when a subscriber is given another layer."""

from __future__ import annotations

from dataclasses import dataclass

from station.rtc.formats.rtp import Buffer


def read_descriptor(buffer: Buffer, at: int, end: int) -> tuple[int, int, int] | None:
    """Where the descriptor at `at` ends, and where its PictureID and its TL0PICIDX lie; 0 for what it does not have.

    None when it is cut off. Plain numbers, since it is read for each packet of each subscriber (section 4.2).
    """
    if at >= end:
        return None
    picture = layer_zero = 0
    is_extended, at = buffer[at] & 0x80, at + 1
    if is_extended:
        if at >= end:
            return None
        flags, at = buffer[at], at + 1
        if flags & 0x80:
            if at >= end:
                return None
            picture = at
            at += 2 if buffer[at] & 0x80 else 1
        if flags & 0x40:
            layer_zero = at
            at += 1
        at += bool(flags & 0x30)
    return (at, picture, layer_zero) if at <= end else None


@dataclass(frozen=True, slots=True)
class PictureShift:
    """How much later a subscriber's numbers are than the publisher's."""

    picture: int
    layer_zero: int

    def apply(self, buffer: bytearray, at: int, end: int) -> None:
        """Rewrites the numbers of a payload from `at` to `end` where it lies; leaves alone what is cut off."""
        found = read_descriptor(buffer, at, end)
        if found is None:
            return
        _, picture_at, layer_zero_at = found
        if picture_at:
            if buffer[picture_at] & 0x80:
                picture = ((buffer[picture_at] << 8 | buffer[picture_at + 1]) + self.picture) & 0x7FFF
                buffer[picture_at], buffer[picture_at + 1] = 0x80 | picture >> 8, picture & 0xFF
            else:
                buffer[picture_at] = (buffer[picture_at] + self.picture) & 0x7F
        if layer_zero_at:
            buffer[layer_zero_at] = (buffer[layer_zero_at] + self.layer_zero) & 0xFF


@dataclass(frozen=True, slots=True)
class PictureNumbers:
    """PictureID and TL0PICIDX of a payload."""

    picture: int
    layer_zero: int

    def shifted(self, shift: PictureShift | None) -> PictureNumbers:
        """As a subscriber sees them."""
        if shift is None:
            return self
        return PictureNumbers(self.picture + shift.picture & 0x7FFF, self.layer_zero + shift.layer_zero & 0xFF)

    def shift_to_follow(self, before: PictureNumbers) -> PictureShift:
        """The shift that makes these come right after those."""
        return PictureShift(
            (before.picture + 1 - self.picture) & 0x7FFF, (before.layer_zero + 1 - self.layer_zero) & 0xFF
        )


def read_numbers(payload: Buffer) -> PictureNumbers | None:
    """The numbers of a payload; None when it has no PictureID or is cut off."""
    found = read_descriptor(payload, 0, len(payload))
    if found is None or not found[1]:
        return None
    _, at, layer_zero_at = found
    picture = (payload[at] & 0x7F) << 8 | payload[at + 1] if payload[at] & 0x80 else payload[at]
    return PictureNumbers(picture, payload[layer_zero_at] if layer_zero_at else 0)
