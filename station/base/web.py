"""What every handler uses: the station, the caller, reading what was sent, answering with a page."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from aiohttp import ClientSession, web
from jinja2 import Environment

from station.base.errors import BadInput, TooLarge
from station.base.principal import GUEST, Principal
from station.base.station import Station

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")

STATION: web.AppKey[Station] = web.AppKey("station", Station)
TEMPLATES: web.AppKey[dict[str, Environment]] = web.AppKey("templates", dict)
CSRF_KEY: web.AppKey[bytes] = web.AppKey("csrf_key", bytes)
HTTP: web.AppKey[ClientSession] = web.AppKey("http", ClientSession)
PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)
LANGUAGE: web.RequestKey[str] = web.RequestKey("language", str)
VISIT: web.RequestKey[str] = web.RequestKey("visit", str)
UNREAD: web.RequestKey[int] = web.RequestKey("unread", int)  # notices that are new to the caller

MAX_FORM_BYTES = 64 * 1024
MAX_JSON_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table of URLs: every route names the action that its caller must be allowed."""

    method: str
    path: str
    handler: Handler
    action: str
    bearer: bool = False  # authorised by a grant in the Authorization header instead of the cookie
    upload: bool = False  # takes files: the handler reads the form as it arrives, with `read_upload`
    anonymous: bool = False  # does not ask who calls: no session is looked up, so it answers without the database

    @property
    def needs_session(self) -> bool:
        """Whether the session cookie is looked up before the handler runs."""
        return not (self.anonymous or self.bearer)


ROUTE_KEY = "station_route"


def route_of(request: web.Request) -> Route | None:
    """The line of the table of URLs that this request goes to; None for static files and what is nowhere."""
    route: Route | None = getattr(request.match_info.handler, ROUTE_KEY, None)
    return route


def needs_session(request: web.Request) -> bool:
    """Whether who calls matters to what was asked for."""
    route = route_of(request)
    return route.needs_session if route is not None else not request.path.startswith("/static/")


def station_of(request: web.Request) -> Station:
    """The running station."""
    return request.app[STATION]


def principal_of(request: web.Request) -> Principal:
    """Who is asking; a guest when nobody signed in."""
    who: Principal = request[PRINCIPAL]
    return who


def language_of(request: web.Request) -> str:
    """ "zh" or "en"."""
    return str(request.get(LANGUAGE, "zh"))


def translate(request: web.Request, message: str, **params: object) -> str:
    """One sentence in the visitor's language, for answers that are not templates."""
    environment = request.app[TEMPLATES][language_of(request)]
    text = str(environment.globals["translate"](message))  # type: ignore[operator]
    return text % params if params else text


def render(request: web.Request, template: str, status: int = 200, **context: Any) -> web.Response:
    """A page from `web/templates`, in the visitor's language."""
    environment = request.app[TEMPLATES][language_of(request)]
    station = station_of(request)
    body = environment.get_template(template).render(
        who=request.get(PRINCIPAL, GUEST),
        lang=language_of(request),
        mode="elder" if request.cookies.get("mode") == "elder" else "",
        csrf=csrf_token(request),
        path=request.path,
        now=station.clock.now(),
        district=station.settings.district,
        help_phone=station.settings.help_phone,
        demo=station.settings.demo,
        sends_sms=station.settings.sends_sms,
        unread=request.get(UNREAD, 0),
        **context,
    )
    return web.Response(text=body, content_type="text/html", status=status, headers={"Cache-Control": "no-store"})


def private_file(path: Path, content_type: str) -> web.FileResponse:
    """A file for this caller alone: shown as what we say it is, run as nothing, kept by no cache on the way."""
    return web.FileResponse(
        path,
        headers={
            "Content-Type": content_type,
            "Content-Disposition": f'inline; filename="{path.name}"',
            "Cache-Control": "private, no-store",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )


def see_other(url: str) -> web.Response:
    """After a form: go and look there (POST → GET)."""
    return web.Response(status=303, headers={"Location": url})


def answer_json(data: Any, status: int = 200) -> web.Response:
    """A JSON answer of dataclasses, msgspec structs or plain data, kept by no cache: most of it is for one person."""
    body, headers = msgspec.json.encode(data), {"Cache-Control": "no-store"}
    return web.Response(body=body, content_type="application/json", status=status, headers=headers)


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields of a small form; each value trimmed, without control characters. Raises TooLarge, BadInput."""
    if (request.content_length or 0) > MAX_FORM_BYTES:
        raise TooLarge
    data = await request.post()
    fields: dict[str, str] = {}
    for name, value in data.items():
        if not isinstance(value, str):
            raise BadInput
        fields[name] = clean_text(value)
    return fields


def clean_text(value: str) -> str:
    """What was typed, trimmed and without control characters."""
    return "".join(c for c in value if c >= " " or c == "\n").strip()


async def read_json(request: web.Request, shape: type[T]) -> T:
    """The body checked against a msgspec struct or dataclass. Raises TooLarge, BadInput."""
    if (request.content_length or 0) > MAX_JSON_BYTES:
        raise TooLarge
    body = await request.read()
    if len(body) > MAX_JSON_BYTES:
        raise TooLarge
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput from error


def csrf_token(request: web.Request) -> str:
    """The token that forms and scripts must send back: bound to the visitor's cookie."""
    visit = request.get(VISIT, "")
    return hmac.new(request.app[CSRF_KEY], visit.encode(), hashlib.sha256).hexdigest()


def as_json(data: Any) -> str:
    """Data for a `data-…` attribute or a server-sent event."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
