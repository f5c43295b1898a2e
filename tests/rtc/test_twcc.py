"""Transport-wide feedback, written and read: against bytes from the draft's figures, and against each other."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.rtc.formats.twcc import CLOCK_PERIOD_S, TICK_S, ArrivalLog, Feedback, parse_feedback


def _packet(
    chunks: list[int], deltas: bytes, first: int = 10, count: int = 1, reference: int = 1, number: int = 7
) -> bytes:
    body = struct.pack("!IIHHI", 1, 2, first, count, reference << 8 | number)
    body += b"".join(struct.pack("!H", chunk) for chunk in chunks) + deltas
    padding = -len(body) % 4
    body += bytes(padding - 1) + bytes([padding]) if padding else b""
    return struct.pack("!BBH", 0xAF if padding else 0x8F, 205, len(body) // 4) + body


def _read(packet: bytes) -> Feedback:
    feedback = parse_feedback(packet)
    assert feedback is not None
    return feedback


def test_a_run_of_received_packets() -> None:
    """Section 3.1.3: one chunk says that all have come; the first delta counts from the reference time of 64 ms."""
    read = _read(_packet([0x2003], bytes([4, 8, 40]), first=65_534, count=3))
    assert (read.media, read.first_sequence, read.packets, read.lost, read.number) == (2, 65_534, 3, 0, 7)
    assert (read.first_received, read.last_received) == (65_534, 0)
    assert read.first_arrival_s == pytest.approx(0.065)
    assert read.span_s == pytest.approx(0.012)
    assert read.arrivals() == pytest.approx({0: 0.065, 1: 0.067, 2: 0.077})


def test_a_vector_of_one_bit_symbols() -> None:
    """Section 3.1.4, first figure: 0xDF20 without its symbol-size bit: lost, five received, three lost, …"""
    read = _read(_packet([0x9F1C], bytes([1] * 8), count=14))
    assert read.statuses() == bytes([0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0])
    assert (read.lost, read.first_received, read.last_received) == (6, 11, 21)


def test_a_vector_of_two_bit_symbols_with_a_step_back() -> None:
    """Section 3.1.4, second figure: a packet that came before its predecessor has a negative delta of two bytes."""
    read = _read(_packet([0xC950], struct.pack("!hBBB", -8, 1, 2, 3), count=7))
    assert read.statuses() == bytes([0, 2, 1, 1, 1, 0, 0])
    assert read.first_arrival_s == pytest.approx(0.064 - 0.002)
    assert read.span_s == pytest.approx(0.0015)


def test_what_is_no_feedback_is_refused() -> None:
    """Other packets, cut-off chunks or deltas, the reserved symbol and wrong lengths give None."""
    whole = _packet([0x2003], bytes(3), count=3)
    assert parse_feedback(whole) is not None
    assert parse_feedback(whole[:-4]) is None
    assert parse_feedback(whole + bytes(4)) is None
    assert parse_feedback(bytes([0x8F, 206]) + whole[2:]) is None
    assert parse_feedback(bytes([0x81]) + whole[1:]) is None
    assert parse_feedback(_packet([0x2030], bytes(3), count=0x30)) is None
    assert parse_feedback(_packet([0x6003], bytes(6), count=3)) is None
    assert parse_feedback(_packet([0x2003], bytes(3), count=9)) is None
    assert parse_feedback(_packet([0x2003], bytes(3), count=0)) is None


def _told(log: ArrivalLog) -> dict[int, float]:
    """Everything the log has to tell, read back: sequence number → arrival."""
    told: dict[int, float] = {}
    while (packet := log.feedback(1, 2, 0.0)) is not None:
        assert len(packet) < 1200
        read = _read(packet)
        times = read.arrivals()
        assert len(times) == read.packets - read.lost
        if times:
            first, last = times[min(times)], times[max(times)]
            assert (read.first_arrival_s, read.last_arrival_s) == pytest.approx((first, last))
        told |= {(read.first_sequence + place) & 0xFFFF: at for place, at in times.items()}
    return told


ARRIVALS = st.lists(
    st.tuples(st.integers(0, 400), st.one_of(st.floats(0, 0.05), st.floats(0, 20.0))), min_size=1, max_size=60
)


@given(ARRIVALS, st.integers(0, 65_535), st.floats(0, 2 * CLOCK_PERIOD_S))
def test_what_was_noted_is_what_is_read(arrivals: list[tuple[int, float]], base: int, start_s: float) -> None:
    """Whatever is lost, late, repeated or far apart: the reader learns each packet's arrival to the tick."""
    log = ArrivalLog()
    expected: dict[int, float] = {}
    now_s = start_s
    told: dict[int, float] = {}
    for at, (offset, wait_s) in enumerate(arrivals):
        now_s += wait_s
        sequence = (base + offset) & 0xFFFF
        log.note(sequence, now_s)
        expected.setdefault(sequence, now_s)
        if at % 7 == 6:
            told |= _told(log)
    told |= _told(log)
    assert told.keys() == expected.keys()
    for sequence, at_s in told.items():
        apart = (at_s - expected[sequence] + CLOCK_PERIOD_S / 2) % CLOCK_PERIOD_S - CLOCK_PERIOD_S / 2
        assert -1.01 * TICK_S < apart < 0.01 * TICK_S


def test_a_steady_stream_costs_one_chunk() -> None:
    """A hundred packets in order take one run, and the next feedback goes on where the last ended, over the wrap."""
    log = ArrivalLog()
    for number in range(65_400, 65_400 + 300):
        log.note(number & 0xFFFF, number / 1000)
        if number % 100 == 99:
            packet = log.feedback(1, 2, 0.0)
            assert packet is not None
            assert len(packet) == 20 + 2 + 100 + 2
    assert log.feedback(1, 2, 0.0) is None


def test_packets_lost_between_two_feedbacks_are_told() -> None:
    """The packets missing at the beginning of a feedback are in it as lost."""
    log = ArrivalLog()
    for number in (1, 2, 3):
        log.note(number, 1.0)
    log.feedback(1, 2, 1.0)
    log.note(7, 1.1)
    read = _read(log.feedback(1, 2, 1.1) or b"")
    assert (read.first_sequence, read.packets, read.lost, read.last_received) == (4, 4, 3, 7)


def test_a_sender_that_counts_anew_is_followed() -> None:
    """Numbers far behind what was told begin a new count; a wild one ahead makes no huge packet."""
    log = ArrivalLog()
    log.note(20_000, 1.0)
    assert _told(log).keys() == {20_000}
    log.note(5, 1.1)
    log.note(6, 1.2)
    assert _told(log).keys() == {5, 6}
    log.note(3_900, 1.3)
    assert _told(log).keys() == {3_900}


def test_noting_without_feedback_is_bounded() -> None:
    """A connection whose feedback is never asked for keeps the newest packets only."""
    log = ArrivalLog()
    for number in range(20_000):
        log.note(number & 0xFFFF, number / 1000)
    assert len(_told(log)) <= 8192


@given(st.binary(max_size=300), st.integers(0, 65_535))
def test_no_bytes_can_hurt(data: bytes, count: int) -> None:
    """Whatever the bytes, reading raises nothing, and what is read is consistent."""
    for packet in (data, _packet([], data, count=count), b"\x8f\xcd" + data):
        read = parse_feedback(packet)
        if read is not None:
            assert 0 <= read.lost <= read.packets == len(read.statuses())
            assert len(read.arrivals()) == read.packets - read.lost


def test_long_runs_of_nothing_cost_little() -> None:
    """A hundred chunks that claim 8,191 packets each are read up to the count; a count beyond all use is refused."""
    read = _read(_packet([0x1FFF] * 100, b"", count=4096))
    assert (read.lost, read.arrivals()) == (4096, {})
    assert parse_feedback(_packet([0x1FFF] * 100, b"", count=65_535)) is None


def test_random_loss_and_order_survive_a_long_run() -> None:
    """Thousands of packets, a tenth lost, some late: every one that came is told exactly once or again alike."""
    chance = random.Random(5)
    log, told, expected = ArrivalLog(), dict[int, float](), set[int]()
    order = sorted(range(9000), key=lambda n: n + chance.uniform(0, 6))
    for place, number in enumerate(order):
        if chance.random() > 0.1:
            log.note(number, place / 500)
            expected.add(number)
        if place % 50 == 0:
            told |= _told(log)
    told |= _told(log)
    assert told.keys() == expected
