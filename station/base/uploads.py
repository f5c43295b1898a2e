"""Forms with files, read part by part as they arrive (RFC 7578): no file takes more room than its cap allows."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import BadHttpMessage
from multidict import MultiDict

from station.base.errors import BadInput, TooLarge
from station.base.text import clean_text
from station.base.web import MAX_FORM_BYTES, read_post

PARTS: web.RequestKey[MultipartReader] = web.RequestKey("parts", MultipartReader)
FIELDS: web.RequestKey[MultiDict[str]] = web.RequestKey("upload_fields", MultiDict)
MALFORMED = (ValueError, RuntimeError, LookupError, BadHttpMessage)
CHUNK_BYTES = 256 * 1024
MAX_PARTS = 64
TOKEN_BYTES = 256


@dataclass(frozen=True, slots=True)
class Caps:
    """How many files are kept, and how large one may be. Twice as much in all is read before we hang up."""

    files: int
    file_bytes: int

    @property
    def total_bytes(self) -> int:
        """The largest body read: files of twice their number, and the fields."""
        return 2 * self.files * self.file_bytes + MAX_FORM_BYTES


@dataclass(slots=True)
class Upload:
    """What a form held. A file that was over its cap is None; `surplus` counts files past the number kept."""

    fields: MultiDict[str] = field(default_factory=MultiDict)
    files: list[IO[bytes] | None] = field(default_factory=list)
    surplus: int = 0


async def begin_upload(request: web.Request) -> str:
    """Begin to read a form with files: the value of its first field, which must be the CSRF token.

    So a form that another site made is refused before any of its files is read. Raises BadInput.
    """
    try:
        request[PARTS] = parts = await request.multipart()
        part = await parts.next()
        if not isinstance(part, BodyPartReader) or part.name != "csrf":
            return ""
        return (await _read_text(part, TOKEN_BYTES)).strip()
    except MALFORMED as error:
        raise BadInput from error


@asynccontextmanager
async def read_upload(request: web.Request, caps: Caps, folder: Path) -> AsyncIterator[Upload]:
    """The rest of the form; its files lie nameless in `folder` until the block ends. Raises BadInput, TooLarge.

    A form sent without files (urlencoded) is read as well. The sender's file names and types are not even looked at.
    """
    with ExitStack() as stack:
        parts = request.get(PARTS)
        if parts is None:
            sent = await read_post(request)
            fields = MultiDict((name, clean_text(value)) for name, value in sent.items() if isinstance(value, str))
            request[FIELDS] = fields
            yield Upload(fields)
            return
        reading = _Reading(parts, caps, folder, stack)
        request[FIELDS] = reading.upload.fields  # filled as it arrives: after a failure, what had come by then
        if (request.content_length or 0) > caps.total_bytes:
            raise TooLarge
        try:
            upload = await reading.read()
        except MALFORMED as error:
            raise BadInput from error
        yield upload


async def read_fields_only(request: web.Request) -> MultiDict[str]:
    """What was typed into a form that is not taken, without its files; of a form cut short, what had come by then."""
    if FIELDS in request:
        return request[FIELDS]
    if PARTS in request:
        with ExitStack() as stack:
            reading = _Reading(request[PARTS], Caps(files=0, file_bytes=0), Path(), stack)
            with suppress(*MALFORMED, BadInput, TooLarge):
                await reading.read()
        return reading.upload.fields
    sent = await read_post(request)
    return MultiDict((name, value) for name, value in sent.items() if isinstance(value, str))


class _Reading:
    """One form on its way in, and what it has used of its caps so far."""

    def __init__(self, parts: MultipartReader, caps: Caps, folder: Path, stack: ExitStack) -> None:
        self.parts, self.caps, self.folder, self.stack = parts, caps, folder, stack
        self.upload = Upload()
        self.left_bytes = caps.total_bytes
        self.left_text_bytes = MAX_FORM_BYTES

    async def read(self) -> Upload:
        """All parts in the order sent."""
        count = 0
        while (part := await self.parts.next()) is not None:
            count += 1
            if count > MAX_PARTS or not isinstance(part, BodyPartReader):
                raise BadInput
            if part.filename is None:
                text = await _read_text(part, self.left_text_bytes)
                self.left_text_bytes -= len(text.encode())
                self.upload.fields.add(part.name or "", clean_text(text))
            else:
                await self._take_file(part)
        return self.upload

    async def _take_file(self, part: BodyPartReader) -> None:
        chunk = await self._next_chunk(part)
        if not chunk:
            return  # a file field in which nothing was chosen
        if len(self.upload.files) >= self.caps.files:
            self.upload.surplus += 1
            while chunk:
                chunk = await self._next_chunk(part)
            return
        content = self.stack.enter_context(tempfile.TemporaryFile(dir=self.folder))  # noqa: SIM115
        size = 0
        while chunk:
            size += len(chunk)
            if size <= self.caps.file_bytes:
                await asyncio.to_thread(content.write, chunk)
            else:
                content.truncate(0)  # read on to the next part, but keep nothing of this one
            chunk = await self._next_chunk(part)
        self.upload.files.append(content if size <= self.caps.file_bytes else None)

    async def _next_chunk(self, part: BodyPartReader) -> bytes:
        chunk = await part.read_chunk(CHUNK_BYTES)
        self.left_bytes -= len(chunk)
        if self.left_bytes < 0:
            raise TooLarge
        return chunk


async def _read_text(part: BodyPartReader, max_bytes: int) -> str:
    data = bytearray()
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > max_bytes:
            raise TooLarge
    return data.decode()
