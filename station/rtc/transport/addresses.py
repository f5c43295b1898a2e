"""Where peers can reach this machine: the hosts that go into ICE candidates."""

from __future__ import annotations

import ipaddress
import socket

import ifaddr

_MAX_OF_A_KIND = 8


def host_addresses(public_host: str) -> tuple[str, ...]:
    """Hosts for ICE candidates, best first: the setting's, or this machine's own, IPv4 loopback last.

    Loopback alone is never enough: browsers send to it from the machine's own address, and our answer to that
    leaves from there too, which they take for a stranger's. Raises OSError if the setting's name is unknown.
    """
    public = _resolve(public_host) if public_host else ()
    if public and not any(ipaddress.ip_address(ip).is_loopback for ip in public):
        return public
    found = {ip.ip if isinstance(ip.ip, str) else ip.ip[0] for adapter in ifaddr.get_adapters() for ip in adapter.ips}
    return (*candidate_hosts(found), "127.0.0.1")


def candidate_hosts(found: set[str]) -> tuple[str, ...]:
    """Those of a machine's addresses that others can reach, IPv6 first (RFC 8421); link-local ones are left out."""
    parsed = [ipaddress.ip_address(ip.split("%")[0]) for ip in sorted(found)]
    outside = [ip for ip in parsed if not (ip.is_loopback or ip.is_link_local or ip.is_unspecified)]
    six = [str(ip) for ip in outside if ip.version == 6]
    four = [str(ip) for ip in outside if ip.version == 4]
    return (*six[:_MAX_OF_A_KIND], *four[:_MAX_OF_A_KIND])


def _resolve(host: str) -> tuple[str, ...]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    return candidate_hosts({str(item[4][0]) for item in found}) or (str(found[0][4][0]),)
