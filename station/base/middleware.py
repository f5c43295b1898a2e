"""What happens round every request: language, headers, CSRF, and errors turned into answers (RFC 9457)."""

from __future__ import annotations

import secrets

import structlog
from aiohttp import web

from station.base.csrf import owner_of, token_fits
from station.base.errors import BadInput, NotAllowed, NotFound, NotSignedIn, StationError, TooManyRequests
from station.base.i18n import choose_language
from station.base.origin import is_own_origin, is_secure
from station.base.problems import STARTED, is_caller_gone, problem, told_of
from station.base.text import has_control
from station.base.uploads import MALFORMED, begin_upload
from station.base.visit import is_new, send_visit, take_up_visit
from station.base.web import (
    CSRF_KEY,
    LANGUAGE,
    LATE_COOKIE,
    SENT_TOKEN,
    SHARED,
    SIGN_IN_PAGE,
    STATION,
    UNKEPT_FORM,
    VISIT,
    Handler,
    language_of,
    principal_of,
    read_post,
    render,
    route_of,
    translate,
)

log = structlog.get_logger()
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_LINE_ENDS = str.maketrans("\t\r\n", "   ")
HSTS = "max-age=31536000"
REFERENCE = web.RequestKey("reference", str)


class CsrfFailed(NotAllowed):
    code = "csrf"
    message = "这个页面放得太久了，请回去再试一次"


class SignedOutMeanwhile(CsrfFailed):
    """The page was made for somebody who has signed out since, in another tab or by themselves."""

    message = "您已经退出登录了，刚才那一步没有办成"


def begin_visit(request: web.Request) -> None:
    """Language, and the visit cookie's value that CSRF tokens are bound to; made up for who comes without one."""
    chosen = choose_language(request.cookies.get("lang"), request.headers.get("Accept-Language"))
    station = request.app.get(STATION)  # media and live have none
    request[LANGUAGE] = chosen if station is None or chosen in station.identity.languages else "zh"
    take_up_visit(request)


def keep_visit(request: web.Request, response: web.StreamResponse) -> None:
    """The visit cookie for who comes without one, on pages; and a cookie that waited for the answer."""
    if response.prepared:
        return
    is_page = response.status < 400 and response.content_type == "text/html"
    if is_page and is_new(request) and not request.get(SHARED, False):
        send_visit(request, response)
    if LATE_COOKIE in request:
        name, value, age = request[LATE_COOKIE]
        secure = is_secure(request)
        response.set_cookie(name, value, max_age=age, httponly=True, samesite="Lax", secure=secure, path="/")


class Malformed(StationError):
    """An address that nobody types and no page of ours leads to."""

    code = "malformed"
    message = "这个地址里有不能用的字符。请从首页重新进入"


@web.middleware
async def well_formed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse control signs in an address: PostgreSQL takes no zero byte, and a header no line end."""
    if has_control(request.path):
        raise NotFound
    for name, value in request.query.items():
        # A line end may come from a form; nothing else that cannot be seen does.
        if has_control(name + value.translate(_LINE_ENDS)):
            raise Malformed
    return await handler(request)


@web.middleware
async def csrf(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a change asked for by another site: Origin must be ours and the token must fit the visit."""
    route = route_of(request)
    bearer = route is not None and route.bearer
    if request.method not in SAFE_METHODS and not bearer:
        await _check_csrf(request, route is not None and route.upload)
    return await handler(request)


async def _check_csrf(request: web.Request, upload: bool) -> None:
    if not is_own_origin(request):
        raise CsrfFailed
    token = request.headers.get("X-CSRF-Token")
    if upload and request.content_type == "multipart/form-data":
        token = await begin_upload(request)
    elif token is None and request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        token = await _token_in_form(request)
    request[SENT_TOKEN] = token = token or ""
    if not token_fits(request.app[CSRF_KEY], request.get(VISIT, ""), token):
        was_signed_in = owner_of(request.app[CSRF_KEY], token) != ""
        raise SignedOutMeanwhile if was_signed_in and not principal_of(request).signed_in else CsrfFailed


async def _token_in_form(request: web.Request) -> str:
    try:
        return str((await read_post(request)).get("csrf", ""))
    except MALFORMED as error:
        raise BadInput from error


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One place maps what was raised to what the caller is told. It is the outermost: nothing runs outside of it."""
    try:
        begin_visit(request)
        response = await handler(request)
    except web.HTTPException as error:
        if error.status < 400:  # a redirect: aiohttp answers with it as it is
            raise
        response = answer_error(request, told_of(error))
    except Exception as error:
        if isinstance(error, ConnectionResetError) and is_caller_gone(request):
            return web.Response()
        if is_started(request) or isinstance(error, ConnectionResetError):
            raise  # half of an answer is out
        told = told_of(error)
        if told.status >= 500:
            # Six digits that a person can read out on the telephone, and that the log has too.
            reference = request[REFERENCE] = f"{secrets.randbelow(1_000_000):06}"
            route = route_of(request)
            path, code = route.path if route is not None else request.path, told.code  # an address may be a secret
            log.warning("request_refused", method=request.method, path=path, told=code, reference=reference)
        response = answer_error(request, told)
    keep_visit(request, response)
    return response


async def add_hsts(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler (`on_response_prepare`): who came by HTTPS comes by HTTPS again (RFC 6797)."""
    if is_secure(request):
        response.headers.setdefault("Strict-Transport-Security", HSTS)


async def add_cors(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler (`on_response_prepare`): what pages of other sites may read, errors too."""
    route = route_of(request)
    if route is not None and route.cors:
        response.headers.setdefault("Access-Control-Allow-Origin", "*")


def is_started(request: web.Request) -> bool:
    """Whether the answer's headers are out already."""
    return bool(request.get(STARTED, False))


def wants_json(request: web.Request) -> bool:
    """Whether the caller is a script or a machine rather than a person with a page."""
    accept = request.headers.get("Accept", "")
    return request.path.startswith(("/api/", "/whip/", "/whep/")) or ("json" in accept and "text/html" not in accept)


def answer_error(request: web.Request, error: StationError) -> web.Response:
    """The error as problem+json or as a page that says what to do next."""
    text = translate(request, error.text, **error.params)
    if wants_json(request):
        told = error.fields if isinstance(error, BadInput) else {}
        response = problem(error, text, {name: translate(request, words) for name, words in told.items()})
    elif isinstance(error, NotSignedIn) and UNKEPT_FORM not in request:
        return web.Response(status=303, headers={"Location": request.app[SIGN_IN_PAGE](request)})
    else:
        response = _error_page(request, error.status, text)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after_s)
    response.headers["Content-Language"] = "zh-CN" if language_of(request) == "zh" else "en"
    return response


def _error_page(request: web.Request, status: int, text: str) -> web.Response:
    reference = request.get(REFERENCE, "")
    shown = f"{reference[:3]} {reference[3:]}" if reference else ""
    posted = request.method not in SAFE_METHODS
    return render(
        request,
        "error.html",
        status,
        text=text,
        http_status=status,
        posted=posted,
        reference=shown,
        sign_in=request.app[SIGN_IN_PAGE](request),
    )
