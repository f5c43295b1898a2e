"""The running numbers in VP8 payload descriptors, which must go on when a subscriber is given another (RFC 7741)."""

from __future__ import annotations

from dataclasses import dataclass

from station.rtc.formats.rtp import Buffer


@dataclass(frozen=True, slots=True)
class PictureShift:
    """How much later a subscriber's numbers are than the publisher's."""

    picture: int
    layer_zero: int

    def apply(self, buffer: bytearray, at: int, end: int) -> None:
        """Rewrites the numbers of a payload from `at` to `end` where it lies; leaves alone what is cut off."""
        if at + 4 > end or not buffer[at] & 0x80:
            return
        flags, at = buffer[at + 1], at + 2
        if flags & 0x80:
            if buffer[at] & 0x80:
                picture = ((buffer[at] << 8 | buffer[at + 1]) + self.picture) & 0x7FFF
                buffer[at], buffer[at + 1] = 0x80 | picture >> 8, picture & 0xFF
                at += 2
            else:
                buffer[at] = (buffer[at] + self.picture) & 0x7F
                at += 1
        if flags & 0x40 and at < end:
            buffer[at] = (buffer[at] + self.layer_zero) & 0xFF


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
    if len(payload) < 4 or not payload[0] & 0x80 or not payload[1] & 0x80:
        return None
    long = bool(payload[2] & 0x80)
    picture = (payload[2] & 0x7F) << 8 | payload[3] if long else payload[2] & 0x7F
    at = 4 if long else 3
    has_layer_zero = payload[1] & 0x40 and at < len(payload)
    return PictureNumbers(picture, payload[at] if has_layer_zero else 0)
