"""A figure that rises is told from one that does not, and whoever comes to a media role leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from bench.guests import House
from bench.role import media_role
from bench.soak import Sample, slope_an_hour
from station.base.grants import GrantSigner
from tests.servers import wait_for

SAMPLE = Sample(0.0, 100.0, 20, 8, 2, 6, 6, 4, 4, 0, 0.01)


def test_what_rises_is_seen_and_the_warm_up_is_not() -> None:
    """30 MB in the first minutes and 6 MB an hour from then on are 6 MB an hour; what stays does not rise."""
    samples = [replace(SAMPLE, minute=n / 2, resident_mb=130 + n / 20) for n in range(121)]
    samples[:10] = [replace(SAMPLE, minute=n / 2, resident_mb=100 + 3.0 * n) for n in range(10)]
    assert slope_an_hour(samples, "resident_mb") == pytest.approx(6.0)
    assert slope_an_hour(samples, "files") == 0.0


async def test_guests_come_in_every_way(tmp_path: Path) -> None:
    """Guests of all kinds get in, to a room with a publisher and to their own; none is refused."""
    signer = GrantSigner.load(tmp_path / "keys")
    with media_role(tmp_path) as role:
        async with aiohttp.ClientSession() as http:
            house = House(role.url, signer, http, seed=3)
            async with house.by_http("whip", "mt_busy", vanishes=False):
                async with house.by_http("whep", "mt_busy", vanishes=False), house.as_page("mt_busy", vanishes=False):
                    await _becomes(http, role.url, "members 3")
                await _becomes(http, role.url, "members 1")
            await _becomes(http, role.url, "sessions 0")


async def _becomes(http: aiohttp.ClientSession, url: str, metric: str) -> None:
    async def is_so() -> bool:
        async with http.get(url + "/metrics") as answer:
            return f"station_media_{metric}.0" in (await answer.text()).splitlines()

    await wait_for(is_so, metric)
