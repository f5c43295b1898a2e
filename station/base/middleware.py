"""What happens round every request: language, headers, CSRF, and errors turned into answers (RFC 9457)."""

from __future__ import annotations

import hmac
import secrets

import structlog
from aiohttp import web

from station.base.errors import BadInput, NotAllowed, NotSignedIn, StationError, TooManyRequests
from station.base.i18n import choose_language
from station.base.uploads import MALFORMED, begin_upload
from station.base.web import LANGUAGE, VISIT, Handler, Route, csrf_token, language_of, render, translate

log = structlog.get_logger()
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
VISIT_COOKIE = "station_visit"
ROUTE_KEY = "station_route"

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "worker-src 'self' blob:; manifest-src 'self'"
)


class CsrfFailed(NotAllowed):
    code = "csrf"
    message = "这个页面放得太久了，请刷新后再试"


@web.middleware
async def visitor(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Language and the visit cookie that CSRF tokens are bound to."""
    accept = request.headers.get("Accept-Language")
    request[LANGUAGE] = choose_language(request.cookies.get("lang"), accept)
    visit = request.cookies.get(VISIT_COOKIE, "")
    fresh = len(visit) != 32
    request[VISIT] = secrets.token_hex(16) if fresh else visit
    response = await handler(request)
    if fresh and not response.prepared and response.content_type == "text/html":
        secure = request.secure
        response.set_cookie(VISIT_COOKIE, request[VISIT], httponly=True, samesite="Lax", secure=secure, path="/")
    return response


@web.middleware
async def headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Security headers on everything that is not a stream already under way."""
    response = await handler(request)
    if not response.prepared:
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self)")
        if request.secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


@web.middleware
async def csrf(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a change asked for by another site: Origin must be ours and the token must fit the visit."""
    route: Route | None = getattr(request.match_info.handler, ROUTE_KEY, None)
    bearer = route is not None and route.bearer
    if request.method not in SAFE_METHODS and not bearer:
        await _check_csrf(request, route is not None and route.upload)
    return await handler(request)


async def _check_csrf(request: web.Request, upload: bool) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and origin.split("://", 1)[-1] != request.host:
        raise CsrfFailed
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise CsrfFailed
    token = request.headers.get("X-CSRF-Token")
    if upload and request.content_type == "multipart/form-data":
        token = await begin_upload(request)
    elif token is None and request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        token = await _token_in_form(request)
    if not hmac.compare_digest((token or "").encode(), csrf_token(request).encode()):
        raise CsrfFailed


async def _token_in_form(request: web.Request) -> str:
    try:
        return str((await request.post()).get("csrf", ""))
    except MALFORMED as error:
        raise BadInput from error


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One place maps what was raised to what the caller is told."""
    try:
        return await handler(request)
    except StationError as error:
        return answer_error(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return answer_error(request, _from_http(error))
    except (ConnectionResetError, TimeoutError):
        raise
    except Exception:
        log.exception("request_failed", method=request.method, path=request.path)
        return answer_error(request, _internal())


class _Known(StationError):
    """An error of aiohttp's own, told in our words."""


def _from_http(error: web.HTTPException) -> StationError:
    sentences = {
        404: "没有找到您要的内容",
        405: "这个地址不能这样用",
        413: "内容太大了，请缩短或换小一点的文件",
    }
    known = type("Http", (_Known,), {"status": error.status, "code": f"http-{error.status}"})
    result: StationError = known(sentences.get(error.status, StationError.message))
    return result


def _internal() -> StationError:
    known = type("Internal", (_Known,), {"status": 500, "code": "internal"})
    result: StationError = known("我们这边出了点问题，已经记下来了。请过一会儿再试，或者打电话给我们")
    return result


def wants_json(request: web.Request) -> bool:
    """Whether the caller is a script or a machine rather than a person with a page."""
    accept = request.headers.get("Accept", "")
    return request.path.startswith(("/api/", "/whip/", "/whep/")) or ("json" in accept and "text/html" not in accept)


def answer_error(request: web.Request, error: StationError) -> web.Response:
    """The error as problem+json or as a page that says what to do next."""
    text = translate(request, error.text, **error.params)
    if wants_json(request):
        body: dict[str, object] = {"type": f"/problems/{error.code}", "title": text, "status": error.status}
        if isinstance(error, BadInput) and error.fields:
            body["fields"] = {name: translate(request, words) for name, words in error.fields.items()}
        response = web.json_response(body, status=error.status, content_type="application/problem+json")
    elif isinstance(error, NotSignedIn) and request.method == "GET":
        return web.Response(status=303, headers={"Location": f"/signin?next={request.rel_url.raw_path}"})
    else:
        response = render(request, "error.html", status=error.status, text=text, error_code=error.code)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after_s)
    response.headers["Content-Language"] = "zh-CN" if language_of(request) == "zh" else "en"
    return response
