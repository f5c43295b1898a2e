"""Loss, requests for what is lost, order, and time: all with time as an argument."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from station.rtc.forwarding.reception import KeyframeRequests, Missing, Reception
from station.rtc.forwarding.sender_clock import SenderClock, TrackClock
from station.rtc.rooms.reorder import ReorderBuffer


def test_loss_is_counted_as_the_standard_says() -> None:
    """Of ten packets two lost: a fifth is reported once, the total stays."""
    reception = Reception(90_000)
    for number in (65530, 65531, 65533, 65534, 65535, 0, 1, 3):
        reception.received(number, 0, 0.0)
    fraction, lost, highest, _ = reception.report()
    assert (fraction, lost, highest & 0xFFFF) == ((2 << 8) // 10, 2, 3)
    assert reception.report()[:2] == (0, 2)


def test_what_is_missing_is_asked_for_again_and_then_given_up() -> None:
    """A gap is asked for at once, again after 60 ms, not once it has come, and given up after 450 ms."""
    missing = Missing()
    assert missing.jumped(12, 3, now_s=0.0) == [10, 11]
    assert missing.due(0.05) == ([], 0)
    assert missing.arrived(11, 0.05)
    assert not missing.arrived(11, 0.05)
    assert missing.due(0.07) == ([10], 0)
    assert missing.due(0.46) == ([], 1)
    assert not missing


def test_repeats_tell_how_long_to_wait_for_them() -> None:
    """On a long way the wait is more than a round trip; after ten quiet seconds, and on a short way, there is none."""
    missing = Missing()
    missing.jumped(12, 2, now_s=0.0)
    assert missing.wait_s(0.1) == 0.0
    assert missing.arrived(11, 0.2)
    assert 0.2 < missing.wait_s(0.3) < 0.4
    assert missing.wait_s(10.3) == 0.0
    near = Missing()
    near.jumped(12, 2, now_s=0.0)
    assert near.arrived(11, 0.01)
    assert near.wait_s(0.02) == 0.0


def test_wishes_for_a_keyframe_are_merged_and_repeated_until_it_comes() -> None:
    """Many wishes cost one request; unheard it is sent again; a new wish soon after is held back, not lost."""
    requests = KeyframeRequests()
    assert requests.want(0.0)
    assert not any(requests.want(n / 100) for n in range(1, 20))
    assert requests.due(0.51)
    requests.arrived()
    assert not requests.due(5.0)
    assert requests.want(5.0)
    requests.arrived()
    assert not requests.want(5.1)
    assert requests.due(5.55)


def _packet(number: int) -> bytes:
    return b"\x80\x60" + (number & 0xFFFF).to_bytes(2, "big") + bytes(8) + b"x"


@given(st.permutations(range(40)), st.integers(0, 65535))
def test_shuffled_packets_come_out_in_order(order: list[int], base: int) -> None:
    """Whatever the order they arrive in, within the wait, packets after the first come out in order, none missing."""
    buffer = ReorderBuffer()
    out = [n for n, _ in buffer.push(_packet(base - 1), 0.0)]
    for offset in order:
        for packet, after_gap in buffer.push(_packet(base + offset), 0.1):
            assert not after_gap
            out.append(packet)
    assert out == [_packet(base + n) for n in range(-1, 40)]


def test_waiting_for_a_packet_ends() -> None:
    """After 0.3 s the packets behind a gap are handed out, the first of them marked."""
    buffer = ReorderBuffer()
    assert [gap for _, gap in buffer.push(_packet(1), 0.0)] == [False]
    assert not list(buffer.push(_packet(3), 0.0))
    assert not list(buffer.push(_packet(4), 0.2))
    assert list(buffer.push(_packet(5), 0.31)) == [(_packet(3), True), (_packet(4), False), (_packet(5), False)]
    assert not list(buffer.push(_packet(2), 0.32))


def test_picture_and_sound_of_a_sender_keep_their_distance() -> None:
    """By the sender's reports, timestamps of the same moment get the same time, whatever the delay of each report."""
    sender = SenderClock()
    video, audio = TrackClock(90_000, sender), TrackClock(48_000, sender)
    sender.observe(1000.0, 5000.03)
    video.report(2**32 - 45_000, 1000.0)
    sender.observe(1000.2, 5000.25)
    audio.report(100, 1000.2)
    assert abs(video.frame_s(45_000, 5001.1) - audio.frame_s(100 + int(0.8 * 48_000), 5001.2)) < 1e-6


def test_time_never_jumps_when_a_later_report_disagrees() -> None:
    """Once anchored, a report that is off by 50 ms moves time by at most 5 ms a second."""
    sender = SenderClock()
    clock = TrackClock(90_000, sender)
    sender.observe(1000.0, 5000.0)
    clock.report(0, 1000.0)
    times = [clock.frame_s(n * 3000, 5000.0 + n / 30) for n in range(30)]
    clock.report(90_000, 1001.05)
    times += [clock.frame_s(n * 3000, 5000.0 + n / 30) for n in range(30, 60)]
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(0.033 < step < 0.0337 for step in steps)
