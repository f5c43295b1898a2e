"""Logs: one event a line, readable on a terminal, JSON elsewhere; secrets and phone numbers never get in."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from station.base.settings import Settings

HIDDEN = "[hidden]"
_SECRET_KEYS = re.compile(
    r"password|secret|token|cookie|authorization|grant|otp|csrf|credential|private|^key$|_key$|^code$", re.IGNORECASE
)
_HARMLESS_CODE = re.compile(r"^(?!\d+$)[a-z0-9_-]+$|^\d{3}$")  # the name of an error, a status; no one-time code
_JWT = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_BEARER = re.compile(r"(?i)\bbearer\s+\S+")
_PASSWORD_IN_URL = re.compile(r"(\w+://[^\s:/@]*):[^\s/@]+@")
_PHONE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")


def mask_text(text: str) -> str:
    """The text without tokens and passwords, and with the middle of mobile numbers starred (138****1234)."""
    text = _JWT.sub(HIDDEN, text)
    text = _BEARER.sub(f"Bearer {HIDDEN}", text)
    text = _PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}@", text)
    return _PHONE.sub(r"\1****\2", text)


def drop_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Processor: hide values by the name of their field, then by how they look."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if name.startswith("_"):  # structlog's own
        return value
    if _SECRET_KEYS.search(name) and not (name == "code" and _HARMLESS_CODE.match(str(value))):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(k): _clean(str(k), v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else mask_text(str(value))


def set_up_logging(settings: Settings, role: str) -> None:
    """Send everything, the libraries' records too, through one chain to standard error. Call once a process."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_role(role),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                drop_secrets,
                _renderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("aioice", "aiortc", "alembic", "aiosqlite", "libav"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    logging.getLogger("aiohttp.server").addFilter(_is_no_bad_request)


def _is_no_bad_request(record: logging.LogRecord) -> bool:
    """What is no HTTP was answered with 400 and is no error of ours; aiohttp would show its line, with people's words.

    Known by its module: the supervisor logs too, and does without aiohttp.
    """
    error = record.exc_info[1] if record.exc_info else None
    return type(error).__module__ != "aiohttp.http_exceptions"


def _add_role(role: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("role", role)
        return event

    return add


def _renderer() -> Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(pad_event_to=24)
    return structlog.processors.JSONRenderer(ensure_ascii=False)
