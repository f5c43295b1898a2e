"""What congestion control costs: once per packet in, once per burst out, and once per feedback of a viewer.

The feedback is that of a viewer who watches so many pictures of 25 frames and hears so many voices, ten times a second,
on a line that loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from station.rtc.congestion.bandwidth import Estimator
from station.rtc.congestion.send_log import SendLog
from station.rtc.formats.twcc import ArrivalLog, parse_feedback
from station.rtc.rooms.speakers import Speakers

FEEDBACKS = 2000
FRAME_PACKETS = 4
VIEWERS = 200


def _time_ns(run: Callable[[int], None], times: int) -> float:
    begin = time.perf_counter()
    run(times)
    return (time.perf_counter() - begin) / times * 1e9


def _note(times: int) -> None:
    note = ArrivalLog().note
    for number in range(times):
        note(number & 0xFFFF, 1.0)


def _sent(times: int) -> None:
    sent = SendLog().sent
    for number in range(times):
        sent(number & 0xFFFF, 4, 4400, 1.0)


def _heard(times: int) -> None:
    heard = Speakers().on_level
    for _ in range(times):
        heard("someone", 40, 1.0)


def _bursts(pictures: int, voices: int) -> list[tuple[float, int]]:
    """When within a tenth of a second bursts leave, and of how many packets. 2.5 frames are two or three."""
    frames = [(0.04 * n + 0.005 * p, FRAME_PACKETS) for p in range(pictures) for n in range(2 + p % 2)]
    return sorted(frames + [(0.02 * n + 0.003 * v, 1) for v in range(voices) for n in range(5)])


def _feedbacks(pictures: int, voices: int) -> tuple[float, float, int]:
    """Nanoseconds to read one feedback and to judge it, and the packets it tells of."""
    estimator, arrivals = Estimator(0.0), ArrivalLog()
    bursts = _bursts(pictures, voices)
    sequence, arrived_s = 0, 0.0
    parse_s = judge_s = 0.0
    for round_ in range(FEEDBACKS):
        now_s = 0.1 * round_
        for offset_s, packets in bursts:
            estimator.log.sent(sequence, packets, packets * 1100, now_s + offset_s)
            for place in range(packets):
                arrived_s = max(arrived_s + 0.0001, now_s + offset_s + 0.02)
                arrivals.note((sequence + place) & 0xFFFF, arrived_s)
            sequence = (sequence + packets) & 0xFFFF
        packet = arrivals.feedback(1, 2, now_s) or b""
        begin = time.perf_counter()
        feedback = parse_feedback(packet)
        between = time.perf_counter()
        assert feedback is not None
        estimator.on_feedback(feedback, now_s + 0.14)
        end = time.perf_counter()
        parse_s += between - begin
        judge_s += end - between
    return parse_s / FEEDBACKS * 1e9, judge_s / FEEDBACKS * 1e9, sum(packets for _, packets in bursts)


def main() -> None:
    """Prints the table."""
    print("| Once per | ns |")
    print("|---|---:|")
    for name, run in (("packet in: note", _note), ("burst out: sent", _sent), ("packet of sound: heard", _heard)):
        print(f"| {name} | {min(_time_ns(run, 200_000) for _ in range(3)):.0f} |")
    print()
    print(f"| A viewer of | packets a feedback | read, µs | judge, µs | {VIEWERS} viewers, % of a core |")
    print("|---|---:|---:|---:|---:|")
    for pictures, voices in ((1, 1), (1, 3), (5, 3), (15, 5)):
        parse_ns, judge_ns, packets = min((_feedbacks(pictures, voices) for _ in range(3)), key=sum)
        share = VIEWERS * 10 * (parse_ns + judge_ns) / 1e9 * 100
        times = f"{parse_ns / 1e3:.1f} | {judge_ns / 1e3:.1f} | {share:.1f}"
        print(f"| {pictures} pictures, {voices} voices | {packets} | {times} |")


if __name__ == "__main__":
    main()
