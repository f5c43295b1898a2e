"""ICE candidates of ours: host candidates on the one number, UDP before TCP (RFC 8839, RFC 6544)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

_UDP_PREFERENCE, _TCP_PREFERENCE = 126, 90  # as browsers rank their own
_PASSIVE = 4 << 13  # RFC 6544 section 4.2
_COMPONENT = 255


def write_candidates(hosts: Sequence[str], port: int) -> tuple[str, ...]:
    """The value of each a=candidate line, best first. TCP is offered on loopback only where there is nothing else."""
    reachable = [host for host in hosts if not ipaddress.ip_address(host).is_loopback] or list(hosts)
    udp = [
        f"{n + 1} 1 udp {_priority(_UDP_PREFERENCE, 65535 - n)} {host} {port} typ host" for n, host in enumerate(hosts)
    ]
    tcp = [
        f"{n + 1 + len(hosts)} 1 tcp {_priority(_TCP_PREFERENCE, _PASSIVE + 8191 - n)} {host} {port} "
        "typ host tcptype passive"
        for n, host in enumerate(reachable)
    ]
    return (*udp, *tcp)


def _priority(preference: int, local: int) -> int:
    return (preference << 24) | (local << 8) | _COMPONENT  # RFC 8445 section 5.1.2.1
