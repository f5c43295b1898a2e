"""The forwarding loop: a run of packets to each down track. All here runs once a packet and subscriber.

`compiled.py` does the same in C where it could be built; what it cannot do (TCP) comes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from station.rtc.formats.rtp import HEADER, HEADER_BYTES, NUMBERED_HEADER, NUMBERED_HEADER_BYTES
from station.rtc.forwarding.down_track import DownTrack
from station.rtc.forwarding.gso import Packet
from station.rtc.transport.dtls_srtp import Scratch, srtp_protect


def fan_out(scratch: Scratch, run: Sequence[Packet], outputs: Iterable[DownTrack], now_s: float) -> tuple[int, int]:
    """Writes, encrypts and sends packets of one length to each down track. Returns how many left, how many did not."""
    count, sent, dropped = len(run), 0, 0
    buffer, view, pointer, size = scratch.bytes_, scratch.view, scratch.pointer, scratch.size
    plain, numbered, protect = HEADER.pack_into, NUMBERED_HEADER.pack_into, srtp_protect
    for down_track in outputs:
        downlink, handle = down_track.downlink, down_track.handle
        ssrc, kind = down_track.ssrc, down_track.payload_type
        ahead, later, picture = down_track.sequence_offset, down_track.timestamp_offset, down_track.picture_shift
        extension = down_track.extension
        first = number = downlink.number if extension else 0
        end = segment = 0
        for sequence, timestamp, marker, payload, flags in run:
            start = end
            out_sequence, out_timestamp = (sequence + ahead) & 0xFFFF, (timestamp + later) & 0xFFFFFFFF
            if extension:
                numbered(
                    buffer,
                    start,
                    flags | 0x10,
                    marker | kind,
                    out_sequence,
                    out_timestamp,
                    ssrc,
                    0xBEDE0001,
                    extension,
                    number & 0xFFFF,
                )
                number += 1
                at = start + NUMBERED_HEADER_BYTES
            else:
                plain(buffer, start, flags, marker | kind, out_sequence, out_timestamp, ssrc)
                at = start + HEADER_BYTES
            end = at + len(payload)
            view[at:end] = payload
            if picture is not None:
                picture.apply(buffer, at, end)
            size[0] = end - start
            if protect(handle, pointer + start, size):
                dropped += count
                break
            end = start + size[0]
            segment = segment or end
        else:
            try:
                if count == 1:
                    down_track.send(view[:end], down_track.address)
                else:
                    down_track.send_segments(view[:end], segment, down_track.address)
                sent += count
            except OSError:  # the socket's buffer is full, or the address has gone
                dropped += count
            down_track.packets += count
            down_track.octets += end
            if extension:
                downlink.number = number
                downlink.note((first & 0xFFFF, count, end, now_s))
    return sent, dropped
