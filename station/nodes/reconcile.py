"""Keeps rooms and placements in step: a room that is at two processes is let go of by the one that lost it.

That happens when a process was taken for gone and was not, or came back the moment its room was placed anew.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import msgspec
import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from station.base.station import Station
from station.nodes.placement import Node, all_nodes
from station.nodes.placement_store import Placement, add_placement, all_placements, delete_placement

log = structlog.get_logger()
EVERY_S = 1.0
FORGET_AFTER = timedelta(minutes=10)
TIMEOUT = ClientTimeout(total=3)


class _Listed(msgspec.Struct, frozen=True):
    rooms: list[str]


async def reconcile_forever(station: Station, http: ClientSession) -> None:
    """Reconcile again and again until cancelled; with a single process there is nothing to do."""
    while len(all_nodes(station)) > 1:
        try:
            await reconcile(station, http)
        except Exception:
            log.exception("reconcile_failed")
        await asyncio.sleep(EVERY_S)


async def reconcile(station: Station, http: ClientSession) -> None:
    """One look at all processes that answer: adopt rooms that stand nowhere, release strays, forget what is over."""
    nodes = all_nodes(station)
    answers = await asyncio.gather(*(_list_rooms(station, http, node) for node in nodes))
    listed = {node.name: rooms for node, rooms in zip(nodes, answers, strict=True) if rooms is not None}
    async with station.database.read() as connection:
        placed = {placement.room: placement for placement in await all_placements(connection)}
    for node in nodes:
        for room in listed.get(node.name, ()):
            if room not in placed:
                await _adopt(station, room, node)
            elif placed[room].node != node.name:
                await _release(station, http, room, node)
    await _forget(station, [p for p in placed.values() if p.room not in listed.get(p.node, {p.room})])


async def _list_rooms(station: Station, http: ClientSession, node: Node) -> frozenset[str] | None:
    url, headers = f"{node.url}/control/rooms", station.signer.service_headers()
    try:
        async with http.get(url, headers=headers, timeout=TIMEOUT) as answer:
            answer.raise_for_status()
            return frozenset(msgspec.json.decode(await answer.read(), type=_Listed).rooms)
    except (ClientError, TimeoutError, OSError, msgspec.DecodeError):
        return None


async def _adopt(station: Station, room: str, node: Node) -> None:
    """A room that was there before the table was, or that somebody entered past web."""
    async with station.database.transaction() as work:
        await add_placement(work, room, node.name, station.clock.now())


async def _release(station: Station, http: ClientSession, room: str, node: Node) -> None:
    log.warning("stray_room_released", room=room, node=node.name)
    url = f"{node.url}/control/rooms/{room}/release"
    with suppress(ClientError, TimeoutError, OSError):
        async with http.post(url, headers=station.signer.service_headers(), timeout=TIMEOUT) as answer:
            answer.raise_for_status()


async def _forget(station: Station, gone: list[Placement]) -> None:
    """Rooms that their process has forgotten may be placed anew; not at once, somebody may be on the way in."""
    before = station.clock.now() - FORGET_AFTER
    for placement in gone:
        if placement.placed_at < before:
            async with station.database.transaction() as work:
                await delete_placement(work, placement.room, placement.node)
