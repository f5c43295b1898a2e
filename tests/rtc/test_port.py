"""The media port: one number over IPv4 and IPv6, flushed after each read."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from playwright.async_api import Page

from station.rtc.transport.addresses import candidate_hosts, host_addresses
from station.rtc.transport.port import MediaPort
from station.rtc.transport.sockets import open_sockets
from tests.rtc.conftest import Media, OpenPage
from tests.rtc.test_call import decodes

KEEP = """(() => {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    const kept = description.sdp.split("\\r\\n").filter((line) => !line.startsWith("a=candidate:") || KEEP.test(line));
    return set.call(this, { type: description.type, sdp: kept.join("\\r\\n") });
  };
})()"""
has_ipv6 = any(":" in host for host in host_addresses(""))


async def keep_candidates(page: Page, pattern: str) -> None:
    """Lets the page see only those of our candidates that fit a regular expression."""
    await page.add_init_script(KEEP.replace("KEEP", f"/{pattern}/", 1))


def test_link_local_and_loopback_are_no_candidates() -> None:
    """Of a machine's addresses, IPv6 comes first, and those nobody outside can reach are left out."""
    found = {"127.0.0.1", "::1", "fe80::1%eth0", "169.254.3.4", "192.0.2.2", "2001:db8::7"}
    assert candidate_hosts(found) == ("2001:db8::7", "192.0.2.2")
    assert host_addresses("")[-1] == "127.0.0.1"
    assert host_addresses("192.0.2.9") == ("192.0.2.9",)
    assert host_addresses("2001:db8::9") == ("2001:db8::9",)
    with pytest.raises(socket.gaierror):
        host_addresses("no.such.host.invalid")


def test_both_families_have_the_same_number_and_a_taken_one_is_refused() -> None:
    """The port opens on IPv4 and IPv6, and says so when somebody else has it."""
    opened = open_sockets(0)
    try:
        families = [socket.AF_INET, socket.AF_INET6][: 1 + has_ipv6]
        for sockets in (opened.udp, opened.tcp):
            assert {one.getsockname()[1] for one in sockets} == {opened.number}
            assert [one.family for one in sockets][: len(families)] == families
        with pytest.raises(OSError, match="in use"):
            open_sockets(opened.number)
    finally:
        opened.close()


async def test_no_ipv6_candidate_where_ipv6_is_off() -> None:
    """A port that could only open IPv4 offers no IPv6 address, whatever the interfaces say."""
    port = MediaPort(0, "127.0.0.1")
    assert port.reachable(("2001:db8::7", "192.0.2.2")) == ("192.0.2.2",)
    port.sockets.close()


async def test_what_was_gathered_is_sent_once_after_reading() -> None:
    """Who is dirty is flushed once after the datagrams at hand, even if another's flush fails."""
    calls: list[Any] = []

    class Packet:
        is_coming = False

        def __init__(self, fails: bool) -> None:
            self.fails = fails

        def flush(self) -> None:
            calls.append(self)
            if self.fails:
                raise ValueError

    async with MediaPort(0, "127.0.0.1") as port:
        port.dirty += [Packet(True), Packet(False)]
        port.flush()
        port.flush()
        assert [item.fails for item in calls] == [True, False]


@pytest.mark.skipif(not has_ipv6, reason="this machine has no IPv6 address")
async def test_a_browser_reaches_us_over_ipv6(media: Media, open_page: OpenPage) -> None:
    """With IPv6 candidates alone, a page publishes and another, over IPv4, decodes."""
    one, other = await open_page(), await open_page()
    await keep_candidates(one, "udp [0-9]+ [0-9a-f]*:")
    await keep_candidates(other, "udp [0-9]+ [0-9.]+ ")
    await media.enter(one, "anna")
    await media.enter(other, "boris")
    await decodes(one, 10)
    await decodes(other, 10)
    addresses = [session.address for session in media.server.port.sessions]
    assert sorted(len(address or ()) for address in addresses) == [2, 2, 4, 4]
