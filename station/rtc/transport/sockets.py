"""The sockets of the media port: UDP and TCP, over IPv4 and, where the machine has it, IPv6, on one number."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from socket import SOCK_DGRAM, SOCK_STREAM, AddressFamily, SocketKind

_SOCKET_BUFFER = 4 * 2**20
_TRIES = 20
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)


@dataclass(frozen=True, slots=True)
class Sockets:
    """All bound to the same number, IPv4 first. TCP ones do not listen yet."""

    number: int
    udp: tuple[socket.socket, ...]
    tcp: tuple[socket.socket, ...]

    def close(self) -> None:
        """Close all of them."""
        for opened in (*self.udp, *self.tcp):
            opened.close()


def open_sockets(port: int, host: str = "") -> Sockets:
    """Sockets on one number; 0 takes any that is free for all of them. Raises OSError if it is taken."""
    for _ in range(_TRIES if port == 0 else 1):
        try:
            return _open(port, host)
        except OSError as error:
            failure = error
    raise failure


def _open(port: int, host: str) -> Sockets:
    with ExitStack() as stack:
        udp = stack.enter_context(_bind(AddressFamily.AF_INET, SOCK_DGRAM, host or "0.0.0.0", port))  # noqa: S104  public
        number = udp.getsockname()[1]
        tcp = stack.enter_context(_bind(AddressFamily.AF_INET, SOCK_STREAM, host or "0.0.0.0", number))  # noqa: S104
        opened = Sockets(number, (udp,), (tcp,))
        if not host and socket.has_ipv6:
            try:
                udp6 = stack.enter_context(_bind(AddressFamily.AF_INET6, SOCK_DGRAM, "::", number))
                tcp6 = stack.enter_context(_bind(AddressFamily.AF_INET6, SOCK_STREAM, "::", number))
                opened = Sockets(number, (udp, udp6), (tcp, tcp6))
            except OSError as error:
                if error.errno not in _NO_IPV6:
                    raise
        stack.pop_all()
    return opened


def _bind(family: AddressFamily, kind: SocketKind, host: str, port: int) -> socket.socket:
    opened = socket.socket(family, kind)
    try:
        opened.setblocking(False)
        if family is AddressFamily.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind is SOCK_STREAM:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                opened.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened
