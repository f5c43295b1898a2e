"""Where a datagram comes from or goes to, as the socket module writes it."""

from __future__ import annotations

# IPv4; IPv6 with flow and scope; a TCP connection with -1 and its number in their place
Address = tuple[str, int] | tuple[str, int, int, int]
