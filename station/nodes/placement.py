"""Rooms are shared over the media processes: placed when first entered, placed anew when their process has gone.

The row in the database decides, so that all web processes agree. Nothing is remembered here: whether a process
lives is asked when somebody wants to go in, which is also what every page does that has lost its room.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from aiohttp import ClientTimeout

from station.base.database import Transaction
from station.base.errors import Unavailable
from station.base.principal import SYSTEM
from station.base.station import Station
from station.ledger.service import append
from station.nodes.placement_store import add_placement, delete_placement, move_placement, node_of, rooms_by_node

log = structlog.get_logger()
GONE_AFTER_S = 1.0  # the supervisor needs about as long to bring a process back
ASK_AGAIN_S = 0.1
PROBE = ClientTimeout(total=2.5)  # a busy process is slow to answer, a dead one refuses at once


@dataclass(frozen=True, slots=True)
class Node:
    """A media process: its name, which stands in the signalling's URL, and where it is reached from here."""

    name: str
    url: str


def all_nodes(station: Station) -> list[Node]:
    """Every media process that there may be, alive or not."""
    return [Node(name, url) for name, url in station.settings.media_urls.items()]


async def find_node(station: Station, room: str) -> Node | None:
    """The process that holds a room; None for a room that is nowhere."""
    nodes = all_nodes(station)
    if len(nodes) == 1:
        return nodes[0]
    async with station.database.read() as connection:
        name = await node_of(connection, room)
    return next((node for node in nodes if node.name == name), None)


async def place_room(station: Station, room: str) -> Node:
    """The process by which to enter a room: the one that holds it, else a living one that holds it from now on.

    Takes up to GONE_AFTER_S when the room's process does not answer. When none lives it is the one it was.
    """
    nodes = all_nodes(station)
    if len(nodes) == 1:
        return nodes[0]
    async with station.database.read() as connection:
        held = await node_of(connection, room)
    holder = next((node for node in nodes if node.name == held), None)
    if holder is not None and not await _has_gone(station, holder):
        return holder
    living = await _living(station, (node for node in nodes if node is not holder))
    if not living:
        return holder or nodes[0]
    name = await _write(station, room, held, living)
    placed = next((node for node in nodes if node.name == name), living[0])
    if held is not None and placed.name != held:
        log.warning("room_moved", room=room, away=held, to=placed.name)
        await _open_there(station, room, placed)
    return placed


async def forget_room(station: Station, room: str) -> None:
    """The room has been closed for good."""
    async with station.database.transaction() as work:
        await delete_placement(work, room)


async def _write(station: Station, room: str, held: str | None, living: list[Node]) -> str:
    """Puts the room to the living process with the fewest, unless somebody was faster; returns where it is then."""
    async with station.database.transaction() as work:
        current = await node_of(work.connection, room, for_update=True)
        if current is not None and current != held:
            return current
        load = await rooms_by_node(work.connection)
        chosen = min(living, key=lambda node: load[node.name]).name
        now = station.clock.now()
        if current is None:
            if not await add_placement(work, room, chosen, now):  # another web process placed it first
                return await node_of(work.connection, room) or chosen
        else:
            await move_placement(work, room, chosen, now)
            await _record_move(station, work, room, current, chosen)
        return chosen


async def _record_move(station: Station, work: Transaction, room: str, away: str, to: str) -> None:
    await append(station, work, SYSTEM, "meeting.moved", f"meeting:{room}", {"from": away, "to": to})


async def _has_gone(station: Station, node: Node) -> bool:
    end = time.monotonic() + GONE_AFTER_S
    while not await _answers(station, node, "/healthz"):
        if time.monotonic() > end:
            return True
        await asyncio.sleep(ASK_AGAIN_S)
    return False


async def _living(station: Station, nodes: Iterable[Node]) -> list[Node]:
    asked = list(nodes)
    answers = await asyncio.gather(*(_answers(station, node, "/readyz") for node in asked))
    return [node for node, answer in zip(asked, answers, strict=True) if answer]


async def _answers(station: Station, node: Node, path: str) -> bool:
    try:
        return (await station.inner_http.call("GET", node.url + path, timeout=PROBE)).status == 200
    except Unavailable:
        return False


async def _open_there(station: Station, room: str, node: Node) -> None:
    """Has the new holder go on with the recording at once: whoever asks next must know that it is on."""
    url, headers = f"{node.url}/control/rooms/{room}", station.signer.service_headers()
    try:
        status = (await station.inner_http.call("PUT", url, headers, timeout=PROBE)).status
    except Unavailable:
        status = 503
    if status >= 300:  # the first who enters opens it just as well
        log.warning("room_not_opened", room=room, node=node.name, status=status)
