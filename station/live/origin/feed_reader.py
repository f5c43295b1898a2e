"""Reads the frames of one person from media, for as long as media sends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

import aiohttp

from recordings.frames import EncodedFrame, read_records
from station.base.grants import bearer_headers

ASKING = aiohttp.ClientTimeout(total=2)


class FeedUnavailable(Exception):
    """Media gives no feed now; `refused` if it did not accept the grant."""

    def __init__(self, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


async def find_media(
    session: aiohttp.ClientSession, media_urls: tuple[str, ...], room: str, person: str, grant: str
) -> str:
    """The media process in whose room the person shows something. Raises FeedUnavailable while there is none.

    They are asked, since a room moves to another process when its own has gone.
    """
    if len(media_urls) == 1:
        return media_urls[0]
    refused = False
    for url in media_urls:
        address, headers = f"{url}/control/rooms/{room}", bearer_headers(grant)
        try:
            async with session.get(address, headers=headers, timeout=ASKING) as response:
                refused |= response.status in (401, 403)
                if response.status == 200 and any(t["person"] == person for t in (await response.json())["tracks"]):
                    return url
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError, LookupError):  # or it is no media
            continue
    raise FeedUnavailable("nobody shows anything", refused)


async def read_feed(
    session: aiohttp.ClientSession, media_url: str, room: str, person: str, grant: str
) -> AsyncGenerator[EncodedFrame]:
    """Frames until media ends the feed. Raises FeedUnavailable when there is none or it breaks."""
    url = f"{media_url}/control/rooms/{room}/feed"
    headers = bearer_headers(grant)
    try:
        async with session.get(url, params={"person": person}, headers=headers) as response:
            if response.status != 200:
                raise FeedUnavailable(f"media answers {response.status}", response.status in (401, 403))
            async for frame in read_records(cast(asyncio.StreamReader, response.content)):
                yield frame
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FeedUnavailable(type(error).__name__) from error


def feed_session() -> aiohttp.ClientSession:
    """A client without time-outs once connected: a feed is endless and may be silent."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=2)
    return aiohttp.ClientSession(timeout=timeout, read_bufsize=2**20)
