"""A UDP relay in front of a media port that is as bad as its two links say.

A browser is sent through it by `detour(relay.address)`, an init script that puts the relay's address into each answer.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import socket
from collections.abc import Callable

from bench.network.link import Link, Rules
from station.rtc.transport.addresses import host_addresses

Address = tuple[str, int]
_MAX_DATAGRAM = 2048
_BUFFER = 2**20


class Relay:
    """One person's line: all connections of a page share its two links. An async context manager."""

    def __init__(self, target: Address, seed: int = 1) -> None:
        self.up, self.down = Link(seed), Link(seed + 1)
        self._target = target
        # Browsers leave from the machine's own address, and take an answer only from where they sent to.
        self._front = _open(next(host for host in host_addresses("") if ":" not in host))
        self.address: Address = self._front.getsockname()
        self._flows: dict[Address, _Flow] = {}
        self._pipes = (_Pipe(self.up), _Pipe(self.down))

    async def __aenter__(self) -> Relay:
        asyncio.get_running_loop().add_reader(self._front.fileno(), self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._front.fileno())
        for pipe in self._pipes:
            pipe.close()
        for flow in self._flows.values():
            flow.close()
        self._front.close()

    def set_rules(self, *, up: Rules | None = None, down: Rules | None = None) -> None:
        """Makes the line better or worse from now on; a direction that is not named stays as it is."""
        self.up.rules = up or self.up.rules
        self.down.rules = down or self.down.rules

    def change_address(self) -> None:
        """The other end sees everything come from new ports from now on, and what it sends to the old ones is lost."""
        for flow in self._flows.values():
            flow.open()

    def _read(self) -> None:
        up = self._pipes[0]
        for datagram, client in _received(self._front):
            flow = self._flows.get(client)
            if flow is None:
                flow = self._flows[client] = _Flow(self._target, self._carry_down(client))
            up.put(datagram, flow.send)

    def _carry_down(self, client: Address) -> Callable[[bytes], None]:
        return lambda datagram: self._pipes[1].put(datagram, lambda late: _send(self._front, late, client))


class _Flow:
    """One connection as the target sees it: an own socket, so that its port tells it apart."""

    def __init__(self, target: Address, receive: Callable[[bytes], None]) -> None:
        self._target = target
        self._receive = receive
        self._socket: socket.socket | None = None
        self.open()

    def open(self) -> None:
        """A fresh socket in the place of the one before."""
        self.close()
        self._socket = _open(self._target[0])
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)

    def send(self, datagram: bytes) -> None:
        if self._socket is not None:
            _send(self._socket, datagram, self._target)

    def close(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _read(self) -> None:
        assert self._socket is not None
        for datagram, _ in _received(self._socket):
            self._receive(datagram)


class _Pipe:
    """Holds what is under way in one direction; equal times come out in the order they went in."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._heap: list[tuple[float, int, bytes, Callable[[bytes], None]]] = []
        self._count = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def put(self, datagram: bytes, deliver: Callable[[bytes], None]) -> None:
        now_s = asyncio.get_running_loop().time()
        arrives_s = self._link.carry(len(datagram), now_s)
        if arrives_s is None:
            return
        if arrives_s <= now_s and not self._heap:
            deliver(datagram)
            return
        number = next(self._count)
        heapq.heappush(self._heap, (arrives_s, number, datagram, deliver))
        if self._heap[0][1] == number:
            self._arm()

    def close(self) -> None:
        self._heap.clear()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            self._timer = asyncio.get_running_loop().call_at(self._heap[0][0], self._deliver)

    def _deliver(self) -> None:
        now_s = asyncio.get_running_loop().time()
        while self._heap and self._heap[0][0] <= now_s:
            _, _, datagram, deliver = heapq.heappop(self._heap)
            deliver(datagram)
        self._arm()


def _open(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        made.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
    made.bind((host, 0))
    return made


def _send(through: socket.socket, datagram: bytes, address: Address) -> None:
    try:
        through.sendto(datagram, address)
    except OSError:  # a full buffer or a port that has gone: lost, as on any line
        return


def _received(at: socket.socket) -> list[tuple[bytes, Address]]:
    """Everything that lies in the socket."""
    datagrams: list[tuple[bytes, Address]] = []
    while True:
        try:
            datagrams.append(at.recvfrom(_MAX_DATAGRAM))
        except BlockingIOError:
            return datagrams
        except ConnectionError:  # an ICMP error of an earlier send
            continue


_DETOUR = """
(() => {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    const udp = sdp.replace(/^a=candidate:\\S+ \\d tcp .*\\r\\n/gim, "");
    const through = udp.replace(/^(a=candidate:\\S+ \\d udp \\d+) \\S+ \\d+/gim, "$1 HOST PORT");
    return set.call(this, { type, sdp: through });
  };
})();
"""


def detour(address: Address) -> str:
    """An init script for a page: each answer names this address instead of the media port's."""
    return _DETOUR.replace("HOST", address[0]).replace("PORT", str(address[1]))
