"""The forwarding benchmark's own parts, against the real media role."""

from __future__ import annotations

import time
from contextlib import closing

from bench import ours
from bench.description import MID, TRANSPORT_CC, VIDEO_TYPE, Line, Local, read, write_answer, write_offer
from bench.drain import Drain
from bench.reports import write_report
from bench.servers import Access
from bench.traffic import Publisher, Traffic
from bench.viewer import Viewer
from station.rtc.formats import rtcp

LOCAL = Local("ours", "password", "AA:BB", ("192.0.2.7", 4000))


def test_packets_are_counted_and_timed_at_each_subscriber() -> None:
    """Two publishers, one watched over WHEP and both over a page: packets of all streams come, probes time them."""
    with ours.server().start() as running, closing(running.access) as access, _traffic(access, 2):
        for number, publishers in enumerate(([0], [0, 1])):
            with closing(access.watch(number, publishers)) as peer:
                viewer = Viewer(peer, number)
                viewer.is_probe = True
                _read_until(viewer, packets=100)
                assert viewer.gaps == 0
                assert len(viewer.delays_ms) == viewer.packets
                assert all(0 < delay < 5000 for delay in viewer.delays_ms)


def test_an_answer_takes_what_the_offer_sends() -> None:
    """An answer repeats payload types and the header extensions we know, and only receives."""
    offer = write_offer(LOCAL, [Line("video", "1", (10, 11))]) + "a=extmap:9 urn:unknown\r\n"
    answer = write_answer(LOCAL, offer)
    (section,) = read(answer).sections
    assert section.types[0] == VIDEO_TYPE
    assert section.extensions[TRANSPORT_CC] == read(offer).sections[0].extensions[TRANSPORT_CC]
    assert MID in section.extensions
    assert "urn:unknown" not in section.extensions
    assert "a=recvonly" in answer
    assert read(answer).address == LOCAL.address


def test_a_report_names_every_stream() -> None:
    """Receiver blocks without loss, one per stream."""
    items = rtcp.parse(write_report({5: 100, 6: 200}, remb_bits_per_s=1_000_000))
    blocks = [item for item in items if isinstance(item, rtcp.ReceiverBlock)]
    assert [(block.ssrc, block.fraction_lost) for block in blocks] == [(5, 0.0), (6, 0.0)]


def _traffic(access: Access, publishers: int) -> Traffic:
    return Traffic([Publisher(access.publish(number), number) for number in range(publishers)])


def _read_until(viewer: Viewer, packets: int) -> None:
    drain, end_s = Drain(1600), time.monotonic() + 20
    while viewer.packets < packets:
        assert time.monotonic() < end_s, f"only {viewer.packets} packets came"
        viewer.read(drain)
        viewer.speak(time.monotonic())
        time.sleep(0.01)
