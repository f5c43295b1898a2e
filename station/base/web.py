"""What every handler uses: the station, the caller, reading what was sent, answering with a page."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import ClientSession, web
from multidict import MultiMapping

from station.base.csrf import make_token
from station.base.errors import BadInput, TooLarge
from station.base.keyset import Cursor
from station.base.principal import GUEST, Principal
from station.base.station import Station
from station.base.templates import environments
from station.base.text import clean_text, fold

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")

STATION: web.AppKey[Station] = web.AppKey("station", Station)
CSRF_KEY: web.AppKey[bytes] = web.AppKey("csrf_key", bytes)
HTTP: web.AppKey[ClientSession] = web.AppKey("http", ClientSession)
PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)
LANGUAGE: web.RequestKey[str] = web.RequestKey("language", str)
SENT_TOKEN: web.RequestKey[str] = web.RequestKey("sent_token", str)  # the CSRF token as it was sent
VISIT: web.RequestKey[str] = web.RequestKey("visit", str)
SIGN_IN_PAGE: web.AppKey[Callable[[web.Request], str]] = web.AppKey("sign_in_page")
# A form that could not be taken: what to put back into the page shown now; the page on which it will be put back; or,
# where it could not even be kept, its fields.
KEPT_FORM: web.RequestKey[Any] = web.RequestKey("kept_form", object)
KEPT_FORM_PAGE: web.RequestKey[str] = web.RequestKey("kept_form_page", str)
UNKEPT_FORM: web.RequestKey[list[tuple[str, str]]] = web.RequestKey("unkept_form", list)
# A cookie to go with the answer, whatever it will be: name, value, seconds.
LATE_COOKIE: web.RequestKey[tuple[str, str, int]] = web.RequestKey("late_cookie", tuple)
SHARED: web.RequestKey[bool] = web.RequestKey(
    "shared", bool
)  # the answer is the same for all guests: no token, no cookie
UNREAD: web.RequestKey[int] = web.RequestKey("unread", int)  # notices that are new to the caller

MAX_FORM_BYTES = 64 * 1024
MAX_FORM_FIELDS = 1000  # the longest form has a box for every unit of a city
MAX_JSON_BYTES = 64 * 1024
MAX_NUMBER_DIGITS = 9  # Python refuses to read numbers of thousands of digits, and no page has so many


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table of URLs: every route names the action that its caller must be allowed."""

    method: str
    path: str
    handler: Handler
    action: str
    bearer: bool = False  # authorised by a grant in the Authorization header instead of the cookie
    upload: bool = False  # takes files: the handler reads the form as it arrives, with `read_upload`
    cors: bool = False  # public to pages of other sites, without cookies; errors too
    anonymous: bool = False  # does not ask who calls: no session is looked up, so it answers without the database
    shared: bool = False  # all guests get the same page, which may be kept for a moment (`base/shared_pages.py`)
    once: bool = False  # sent again with the same idempotency key it is done once (`base/idempotency.py`)
    page: str = ""  # of a POST: the page on which its form stands, if that has another address

    @property
    def needs_session(self) -> bool:
        """Whether the session cookie is looked up before the handler runs."""
        return not (self.anonymous or self.bearer)


ROUTE_KEY = "station_route"


def route_of(request: web.Request) -> Route | None:
    """The line of the table of URLs that this request goes to; None for static files and what is nowhere."""
    route: Route | None = getattr(request.match_info.handler, ROUTE_KEY, None)
    return route


def page_of_form(request: web.Request) -> str:
    """The address of the page that was asked for, or on which the form stands that was sent here."""
    route = route_of(request)
    if request.method in ("GET", "HEAD"):
        return str(request.rel_url)
    if route is None or not route.page:
        return request.path
    return route.page.format(**{name: quote(value, safe="") for name, value in request.match_info.items()})


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


def reading_mode(request: web.Request) -> str:
    """ "elder", or "" for the standard one."""
    return "elder" if request.cookies.get("mode") == "elder" else ""


def translate(request: web.Request, message: str, **params: object) -> str:
    """One sentence in the visitor's language, for answers that are not templates."""
    environment = environments()[language_of(request)]
    text = str(environment.globals["translate"](message))  # type: ignore[operator]
    return text % params if params else text


def render(request: web.Request, template: str, status: int = 200, **context: Any) -> web.Response:
    """A page from `web/templates`, in the visitor's language."""
    environment = environments()[language_of(request)]
    station = station_of(request)
    identity = station.identity
    shared = {
        "who": request.get(PRINCIPAL, GUEST),
        "lang": language_of(request),
        "mode": reading_mode(request),
        "csrf": "" if request.get(SHARED, False) else csrf_token(request),
        "path": request.path,
        "here": page_of_form(request),
        "is_answer": request.method == "POST",
        "now": station.clock.now(),
        "identity": identity,
        "district": identity.district,
        "help_phone": identity.help_phone,
        "help_hours": identity.help_hours,
        "demo": station.settings.demo,
        "sends_sms": station.settings.sends_sms,
        "unread": request.get(UNREAD, 0),
        "kept": request.get(KEPT_FORM),
        "kept_page": request.get(KEPT_FORM_PAGE, ""),
        "unkept": request.get(UNKEPT_FORM, []),
    }
    body = environment.get_template(template).render(shared | context)
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


async def read_post(request: web.Request) -> MultiMapping[Any]:
    """The fields of a small form as they were sent. Raises TooLarge.

    Its size is looked at before it is taken apart: half a million empty fields, which fit into a megabyte, would
    hold up everybody else for seconds. Every browser says how long a form is.
    """
    if (request.content_length or 0) > MAX_FORM_BYTES:
        raise TooLarge
    if request.content_type == "multipart/form-data":
        if request.content_length is None and request.body_exists:
            raise TooLarge
    else:
        body = await request.read()
        if len(body) > MAX_FORM_BYTES or body.count(b"&") >= MAX_FORM_FIELDS:
            raise TooLarge
    return await request.post()


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields of a small form, each cleaned of what nobody can see. Raises TooLarge, BadInput."""
    fields: dict[str, str] = {}
    for name, value in (await read_post(request)).items():
        if not isinstance(value, str):
            raise BadInput
        fields[name] = clean_text(value)
    return fields


def query_text(request: web.Request, name: str, max_chars: int = 60) -> str:
    """A parameter of the address as its reader typed it, cleaned and cut; "" when it is not there."""
    return clean_text(request.query.get(name, ""))[:max_chars]


def query_number(request: web.Request, name: str, otherwise: int, least: int = 0, most: int = 100_000) -> int:
    """A number in the address, in digits of any keyboard, between `least` and `most`; `otherwise` for what is none."""
    typed = fold(request.query.get(name, ""))
    if not typed.isdigit() or not typed.isascii() or len(typed) > MAX_NUMBER_DIGITS:
        return otherwise
    return min(max(int(typed), least), most)


def query_cursor(request: web.Request, prefix: str = "") -> Cursor | None:
    """Where in a list the page lies: behind the row of `after`, before the one of `before`; None at its beginning.

    `prefix` tells two lists of one page apart.
    """
    for name in ("after", "before"):
        key = request.query.get(prefix + name, "")
        if key:
            return Cursor(key, backwards=name == "before")
    return None


async def read_json(request: web.Request, shape: type[T]) -> T:
    """The body, its texts cleaned, checked against a msgspec struct or dataclass. Raises TooLarge, BadInput."""
    if (request.content_length or 0) > MAX_JSON_BYTES:
        raise TooLarge
    body = await request.read()
    if len(body) > MAX_JSON_BYTES:
        raise TooLarge
    try:
        return msgspec.convert(_clean(msgspec.json.decode(body)), type=shape)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput from error


def _clean(value: Any) -> Any:
    """Every text in a JSON value cleaned as the fields of a form are, so that limits count what is kept."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {name: _clean(item) for name, item in value.items()}
    return value


def csrf_token(request: web.Request) -> str:
    """The token that forms and scripts must send back: bound to the visitor's cookie."""
    return make_token(request.app[CSRF_KEY], request.get(VISIT, ""), request.get(PRINCIPAL, GUEST).account)


def as_json(data: Any) -> str:
    """Data for a `data-…` attribute or a server-sent event."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
