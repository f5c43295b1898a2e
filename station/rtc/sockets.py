"""The sockets of the media port: UDP over IPv4 and, where the machine has it, IPv6, on one and the same number."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack

_SOCKET_BUFFER = 4 * 2**20
_TRIES = 20
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)


def open_sockets(port: int, host: str = "") -> list[socket.socket]:
    """UDP sockets on one number, IPv4 first; 0 takes any that is free for all. Raises OSError if it is taken."""
    for _ in range(_TRIES if port == 0 else 1):
        try:
            return _open(port, host)
        except OSError as error:
            failure = error
    raise failure


def _open(port: int, host: str) -> list[socket.socket]:
    with ExitStack() as stack:
        four = stack.enter_context(_bind(socket.AF_INET, host or "0.0.0.0", port))  # noqa: S104  it is the public port
        opened = [four]
        if not host and socket.has_ipv6:
            try:
                opened.append(stack.enter_context(_bind(socket.AF_INET6, "::", four.getsockname()[1])))
            except OSError as error:
                if error.errno not in _NO_IPV6:
                    raise
        stack.pop_all()
    return opened


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    udp = socket.socket(family, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        if family is socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            udp.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
        udp.bind((host, port))
    except OSError:
        udp.close()
        raise
    return udp
