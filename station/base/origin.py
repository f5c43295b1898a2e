"""Where visitors reach the station: one answer for cookies, HSTS, links, printed codes and the check of Origin.

`STATION_PUBLIC_ORIGIN` says it. Where it is not set it is what the request came with: its Host, and its scheme or the
one that a trusted proxy names in X-Forwarded-Proto.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from aiohttp import web
from yarl import URL

from station.base.settings import Settings
from station.base.web import station_of

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
FORWARDING_HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto")
IPV6_SUBSCRIBER_BITS = 64  # what one subscriber of an access network is given at the least (RFC 6177)


def public_origin(request: web.Request) -> URL:
    """Scheme, host and port under which visitors reach the station."""
    settings = station_of(request).settings
    return URL(settings.public_origin) if settings.public_origin else _origin_of_request(request, settings)


def is_secure(request: web.Request) -> bool:
    """Whether visitors come by HTTPS, be it that a proxy in front speaks it."""
    return public_origin(request).scheme == "https"


def is_own_origin(request: web.Request) -> bool:
    """Whether a page of this station, and not one of another site, had the browser send this request.

    A caller that says nothing of it is no browser of today; the CSRF token or a grant decides about it.
    """
    site = request.headers.get("Sec-Fetch-Site")  # W3C Fetch Metadata: the browser itself has compared the origins
    if site == "same-origin":
        return True
    if site not in (None, "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own = {_text(public_origin(request)), _text(_origin_of_request(request, station_of(request).settings))}
    return origin.lower() in own or origin.lower().partition("://")[2] == request.host.lower()


def client_address(request: web.Request) -> str:
    """Where a request comes from; a proxy is believed only if the settings name it."""
    settings, peer = station_of(request).settings, request.remote or ""
    if not is_trusted(settings, peer):
        return peer
    chain = [a.strip() for a in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",") if a.strip()]
    return next((address for address in reversed(chain) if not is_trusted(settings, address)), peer)


def counted_address(request: web.Request) -> str:
    """What limits count: the address, or for IPv6 its /64, of which one subscriber may use every address."""
    return network_of(client_address(request))


def network_of(address: str) -> str:
    """`2001:db8:1:2::/64` for an IPv6 address in it; IPv4, also written as IPv6, and anything else as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_SUBSCRIBER_BITS), strict=False))


def is_trusted(settings: Settings, address: str) -> bool:
    """Whether the settings name this address, or a network that it is in, as a proxy of ours."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in _networks(settings.trusted_proxies))


def is_shared_address(settings: Settings, address: str) -> bool:
    """Whether many visitors come from this address, so that no cap by address can mean one of them."""
    return is_trusted(settings, address) or is_loopback_address(address)


def is_forwarded(request: web.Request) -> bool:
    """Whether the request came through a proxy, trusted or not."""
    return any(name in request.headers for name in FORWARDING_HEADERS)


def is_local(request: web.Request) -> bool:
    """Whether the request comes from this machine itself and through no proxy."""
    return is_loopback_address(request.remote or "") and not is_forwarded(request)


def is_loopback_address(address: str) -> bool:
    """Whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _origin_of_request(request: web.Request, settings: Settings) -> URL:
    scheme, host = request.scheme, request.host
    if is_trusted(settings, request.remote or ""):
        # The proxy passes Host on; X-Forwarded-Host is not read, as many proxies let through what a visitor made up.
        said = request.headers.get("X-Forwarded-Proto", "").strip().lower()
        scheme = said if said in ("http", "https") else scheme
    try:
        return URL(f"{scheme}://{host}").origin()
    except ValueError:  # a Host header that is none
        return URL(f"{scheme}://localhost")


def _text(origin: URL) -> str:
    return str(origin).rstrip("/").lower()


@lru_cache(maxsize=8)
def _networks(setting: str) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in setting.split(",") if part.strip())
