"""Which addresses this machine has, and which of them a phone in the same network can open."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

import ifaddr

from station.base.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def local_addresses() -> list[Address]:
    """All addresses of all interfaces, IPv4 first, loopback last; link-local IPv6 left out (it needs a zone)."""
    found: set[Address] = set()
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            found.add(ipaddress.ip_address(text.split("%")[0]))
    return sorted((a for a in found if not (a.version == 6 and a.is_link_local)), key=_preference)


def reachable_hosts(host: str, addresses: Iterable[Address] | None = None) -> list[str]:
    """What to put into a URL for a listener on `host`, best first, IPv6 in brackets.

    For an unspecified address (0.0.0.0, ::) these are the machine's own addresses that others can reach.
    """
    if is_loopback(host):
        return [_in_url(host)]
    try:
        listening = ipaddress.ip_address(host)
    except ValueError:
        return [host]
    if not listening.is_unspecified:
        return [_in_url(host)]
    candidates = local_addresses() if addresses is None else addresses
    fitting = [a for a in candidates if not a.is_loopback and (listening.version == 6 or a.version == 4)]
    return [_in_url(str(a)) for a in fitting] or ["127.0.0.1"]


def names_for_certificate(host: str) -> tuple[list[str], list[Address]]:
    """Host names and addresses that a certificate for this machine must carry."""
    names = {"localhost", socket.gethostname()}
    addresses = local_addresses()
    try:
        asked = ipaddress.ip_address(host)
    except ValueError:
        names.add(host)
    else:
        if not asked.is_unspecified and asked not in addresses:
            addresses.append(asked)
    return sorted(name for name in names if name), addresses


def _preference(address: Address) -> tuple[bool, int, Address]:
    return (address.is_loopback, address.version, address)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def reachable_origins(settings: Settings) -> list[str]:
    """Where a browser opens the station, best first."""
    scheme = "https" if settings.tls_cert else "http"
    return [f"{scheme}://{host}:{settings.http_port}" for host in reachable_hosts(settings.host)]


def reachable_origin(settings: Settings) -> str:
    """Where visitors reach the station, as far as it is known without a request."""
    return settings.public_origin or reachable_origins(settings)[0]
