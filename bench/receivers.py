"""Subscribers in a process of their own: real handshakes, then sockets that are emptied 100 times a second.

`python -m bench.receivers ACCESS`, where ACCESS is JSON that `bench.servers.access` understands; then commands on the
standard input, one JSON object a line, each answered by one line (`Receivers` below sends them). Nobody decrypts but
every n-th subscriber, eight in all at most, which tell how long each packet was under way.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.drain import Drain
from bench.measures import cpu_seconds
from bench.servers import access
from bench.viewer import Viewer

DRAIN_EVERY_S = 0.01
PROBES = 8
JOINING_AT_ONCE = 8
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Received:
    """What all subscribers together got between `begin` and `end`."""

    packets: int
    gaps: int  # missing by sequence number
    delays_ms: list[float]  # of the probes, in order
    cpu_s: float


class Receivers:
    """The other process, seen from the benchmark."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def join(self, numbers: Sequence[int], publishers: Sequence[int]) -> None:
        """Lets subscribers with these numbers watch those publishers. Raises RuntimeError when one cannot connect."""
        told = self._ask(join=list(numbers), publishers=list(publishers))
        if told["failed"]:
            raise RuntimeError(f"{told['failed']} of {len(numbers)} subscribers could not connect: {told['why']}")

    def begin(self) -> None:
        """Counts from here."""
        self._ask(begin=True)

    def end(self) -> Received:
        """What came since `begin`."""
        return Received(**self._ask(end=True))

    def _ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the receivers' process has ended")
        told: dict[str, Any] = json.loads(answer)
        return told


@contextmanager
def start_receivers(how: dict[str, Any]) -> Iterator[Receivers]:
    """A fresh process of subscribers, without any yet; ended afterwards."""
    command = [sys.executable, "-m", "bench.receivers", json.dumps(how)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield Receivers(process)
    finally:
        process.kill()
        process.wait()


class _Loop:
    """The process itself."""

    def __init__(self, how: dict[str, Any]) -> None:
        self._access = access(how)
        self._pool = ThreadPoolExecutor(JOINING_AT_ONCE)
        self._joining: list[Future[Viewer]] = []
        self._viewers: list[Viewer] = []
        self._failed: list[BaseException] = []
        self._short, self._full = Drain(192), Drain(1600)
        self._probes: list[Viewer] = []
        self._cpu_s = 0.0

    def run(self) -> None:
        """Until the standard input ends."""
        due_s = time.monotonic()
        while True:
            self._serve()
            if self._joining:
                self._take_joined()
            if select.select([sys.stdin], [], [], 0)[0]:
                line = sys.stdin.readline()
                if not line:
                    return
                self._obey(json.loads(line))
            due_s = max(due_s + DRAIN_EVERY_S, time.monotonic())
            time.sleep(max(0.0, due_s - time.monotonic()))

    def _serve(self) -> None:
        now_s = time.monotonic()
        for viewer in self._viewers:
            viewer.read(self._full if viewer.is_probe else self._short)
            viewer.speak(now_s)

    def _obey(self, command: dict[str, Any]) -> None:
        if "join" in command:
            publishers = command["publishers"]
            self._joining = [self._pool.submit(self._join, number, publishers) for number in command["join"]]
        elif "begin" in command:
            self._choose_probes()
            self._cpu_s = cpu_seconds(os.getpid())
            for viewer in self._viewers:
                viewer.begin()
            _tell({})
        else:
            _tell(self._sum())

    def _join(self, number: int, publishers: list[int]) -> Viewer:
        return Viewer(self._access.watch(number, publishers), number)

    def _take_joined(self) -> None:
        done = [future for future in self._joining if future.done()]
        for future in done:
            error = future.exception()
            if error is None:
                self._viewers.append(future.result())
            else:
                self._failed.append(error)
        self._joining = [future for future in self._joining if future not in done]
        if not self._joining:
            _tell({"failed": len(self._failed), "why": str(self._failed[0]) if self._failed else ""})
            self._failed = []

    def _choose_probes(self) -> None:
        # Spread over the order of joining: a server may serve the first and the last at very different times.
        count = min(PROBES, len(self._viewers))
        last = len(self._viewers) - 1
        probes = {self._viewers[round(at * last / max(1, count - 1))].number for at in range(count)}
        for viewer in self._viewers:
            viewer.is_probe = viewer.number in probes

    def _sum(self) -> dict[str, Any]:
        self._serve()
        delays = sorted(delay for viewer in self._viewers for delay in viewer.delays_ms)
        return {
            "packets": sum(viewer.packets for viewer in self._viewers),
            "gaps": sum(viewer.gaps for viewer in self._viewers),
            "delays_ms": delays,
            "cpu_s": cpu_seconds(os.getpid()) - self._cpu_s,
        }


def _tell(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    _Loop(json.loads(sys.argv[1])).run()
