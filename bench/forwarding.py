"""CPU per forwarded packet of the media role: 1 publisher (1 Mbit/s of video, Opus), 1 to 60 subscribers.

`python -m bench.forwarding` prints a Markdown table. CPU is user + system time of the media process as the operating
system accounts it; handshakes, SRTP and sockets are real. Each row takes less than 15 s.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peer import Peer, connect, read_metric
from bench.receivers import MARK, STAMP
from station.base.grants import Grant, GrantSigner, Right
from station.rtc.adapter import Scratch, srtp_protect
from station.rtc.rtp import HEADER
from tests.servers import pick_port

COUNTS = (1, 10, 30, 60)
WARM_UP_S = 1.0
MEASURE_S = 8.0
VIDEO_SSRC, AUDIO_SSRC = 0x1111, 0x2222
FRAMES_PER_S, FRAME_BYTES, PACKET_BYTES, AUDIO_BYTES = 25, 5000, 1100, 100
ROOM = "mt_bench"
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Row:
    """What was measured with one number of subscribers."""

    subscribers: int
    packets_per_s: float
    cpu_us_per_packet: float
    cpu_share: float
    lost_share: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    """Print the table."""
    print(table([measure(count) for count in COUNTS]))


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| subscribers | forwarded packets/s | CPU µs per packet | CPU of one core | lost | delay p50 | delay p99 |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.subscribers} | {row.packets_per_s:,.0f} | {row.cpu_us_per_packet:.1f} | {row.cpu_share:.1%} "
        f"| {row.lost_share:.2%} | {row.p50_ms:.2f} ms | {row.p99_ms:.2f} ms |"
        for row in rows
    ]
    return "\n".join(lines)


def measure(subscribers: int) -> Row:
    """One row: a fresh media process, its subscribers, and some seconds of one publisher."""
    with tempfile.TemporaryDirectory(prefix="station-bench-") as folder:
        signer = GrantSigner.load(Path(folder) / "keys")
        http, udp = pick_port(), pick_port(udp=True)
        url = f"http://127.0.0.1:{http}"
        with media_process(Path(folder), http, udp) as media:
            publisher = Publisher(connect(f"{url}/whip/{ROOM}", grant(signer, "publisher"), udp, "sendonly", SSRCS))
            with receivers(url, udp, [grant(signer, f"viewer{n}") for n in range(subscribers)]) as watching:
                publisher.run(WARM_UP_S)
                cpu_s, packets = cpu_seconds(media.pid), read_metric(url, "packets_forwarded")
                began_s = time.monotonic()
                publisher.run(MEASURE_S)
                passed_s = time.monotonic() - began_s
                cpu_s = cpu_seconds(media.pid) - cpu_s
                packets = read_metric(url, "packets_forwarded") - packets
                told = finish(watching)
    expected = publisher.sent * subscribers
    return Row(
        subscribers, packets / passed_s, cpu_s / packets * 1e6, cpu_s / passed_s,
        max(0.0, 1 - told["received"] / expected), told["p50_ms"], told["p99_ms"],
    )  # fmt: skip


SSRCS = (VIDEO_SSRC, AUDIO_SSRC)


def grant(signer: GrantSigner, person: str) -> str:
    """A pass into the benchmark's room."""
    rights = frozenset({Right.PUBLISH, Right.SUBSCRIBE})
    return signer.sign(Grant(ROOM, person, person, rights, int(time.time()) + 600))


@contextmanager
def media_process(folder: Path, http: int, udp: int) -> Iterator[subprocess.Popen[bytes]]:
    """The media role alone, as `station serve --role media` runs it."""
    environment = {
        **os.environ, "STATION_DATA": str(folder), "STATION_MEDIA_HTTP_PORT": str(http), "STATION_MEDIA_PORT": str(udp),
    }  # fmt: skip
    command = [sys.executable, "-m", "station", "serve", "--role", "media"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(f"http://127.0.0.1:{http}", process)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Raises RuntimeError when the process ends or does not answer within 15 s."""
    end_s = time.monotonic() + 15
    while time.monotonic() < end_s and process.poll() is None:
        try:
            read_metric(url, "rooms")
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError("the media role did not start")


@contextmanager
def receivers(url: str, udp: int, grants: list[str]) -> Iterator[subprocess.Popen[str]]:
    """The subscribers' process, once all of them are connected."""
    command = [sys.executable, "-m", "bench.receivers", f"{url}/whep/{ROOM}", str(udp)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write("\n".join([*grants, "", ""]))
        process.stdin.flush()
        if json.loads(process.stdout.readline() or "{}").get("connected") != len(grants):
            raise RuntimeError("not all subscribers could connect")
        yield process
    finally:
        process.kill()
        process.wait()


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Stops the subscribers and hears what they got."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("stop\n")
    process.stdin.flush()
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads: nanoseconds from the scheduler, or ticks where it does not tell."""
    tasks = list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
    if tasks:
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Publisher:
    """Sends frames in bursts as a browser does, each packet with the time at which it was written."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._scratch = Scratch()
        self._sequence = {VIDEO_SSRC: 100, AUDIO_SSRC: 100}
        self._tick = 0
        self.sent = 0

    def run(self, seconds: float) -> None:
        """Sends in real time, a tick every 20 ms."""
        next_s = time.monotonic()
        for _ in range(int(seconds * 50)):
            self._send(AUDIO_SSRC, 111, self._tick * 960, AUDIO_BYTES, first=0xFC, last=True)
            if self._tick % 2 == 0:
                self._send_frame(self._tick // 2)
            self._tick += 1
            if self._tick % 200 == 0:
                self._peer.check()
            next_s += 0.02
            time.sleep(max(0.0, next_s - time.monotonic()))

    def _send_frame(self, number: int) -> None:
        left = FRAME_BYTES
        while left > 0:
            size = min(left, PACKET_BYTES)
            left -= size
            first = 0x65 if number % FRAMES_PER_S == 0 else 0x61  # an IDR slice once a second
            self._send(VIDEO_SSRC, 102, number * 3600, size, first, last=left <= 0)

    def _send(self, ssrc: int, payload_type: int, timestamp: int, size: int, first: int, last: bool) -> None:
        sequence = self._sequence[ssrc] = (self._sequence[ssrc] + 1) & 0xFFFF
        marker = 0x80 if last and ssrc == VIDEO_SSRC else 0
        head = HEADER.pack(0x80, marker | payload_type, sequence, timestamp & 0xFFFFFFFF, ssrc)
        packet = head + bytes([first]) + MARK + STAMP.pack(time.monotonic_ns())
        packet += bytes(12 + size - len(packet))
        scratch = self._scratch
        scratch.view[: len(packet)] = packet
        scratch.size[0] = len(packet)
        if srtp_protect(self._peer.outgoing.handle, scratch.pointer, scratch.size) == 0:
            self._peer.socket.send(scratch.view[: scratch.size[0]])
            self.sent += 1


if __name__ == "__main__":
    main()
