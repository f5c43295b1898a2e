"""A client of WebDriver BiDi (W3C): commands and events as JSON over one WebSocket that the browser itself offers."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import aiohttp

COMMAND_S = 60.0
EventListener = Callable[[dict[str, Any]], None]


class BidiError(Exception):
    """The browser refused a command; `code` is the protocol's, such as "no such frame" or "javascript error"."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class BidiConnection:
    """One session with one browser. `close()` ends the connection, not the browser."""

    def __init__(self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._http = http
        self._socket = socket
        self._numbers = iter(range(1, 10**9))
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listeners: defaultdict[str, list[EventListener]] = defaultdict(list)
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, address: str) -> BidiConnection:
        """Connect to `ws://host:port` and begin a session that takes our own certificates."""
        http = aiohttp.ClientSession()
        try:
            socket = await http.ws_connect(f"{address}/session", max_msg_size=0)
        except aiohttp.ClientError:
            await http.close()
            raise
        connection = cls(http, socket)
        await connection.command("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        return connection

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command. Raises BidiError."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        try:
            return await asyncio.wait_for(answer, COMMAND_S)
        finally:
            del self._answers[number]

    async def subscribe(self, event: str, listener: EventListener) -> None:
        """Hear of every such event from now on."""
        self._listeners[event].append(listener)
        await self.command("session.subscribe", events=[event])

    async def close(self) -> None:
        """End the connection; commands still waiting fail."""
        await self._socket.close()
        await self._reader
        await self._http.close()

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._take(message.json())
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(BidiError("closed", "the browser has closed the connection"))

    def _take(self, data: dict[str, Any]) -> None:
        if data["type"] == "event":
            for listener in self._listeners[data["method"]]:
                listener(data["params"])
            return
        answer = self._answers.get(data.get("id") or 0)
        if answer is None or answer.done():
            return
        if data["type"] == "error":
            answer.set_exception(BidiError(data["error"], data["message"]))
        else:
            answer.set_result(data["result"])
