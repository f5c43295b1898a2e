"""Errors as problem details (RFC 9457), in one shape for all roles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from station.base.errors import N_, BadInput, StationError, StorageFull, is_full

log = structlog.get_logger()

PROBLEM_TYPE = "application/problem+json"
SENTENCES = {
    404: N_("没有找到您要的内容"),
    405: N_("这个地址不能这样用"),
    413: N_("内容太大了，请缩短或换小一点的文件"),
}
INTERNAL = N_("我们这边出了点问题，已经记下来了。请过一会儿再试，或者打电话给我们")


class HttpError(StationError):
    """An error of aiohttp's own, or one that nobody foresaw, told in our words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code  # type: ignore[misc]  # not the same for all of this class


def told_of(error: Exception) -> StationError:
    """What the caller is told of an error; what nobody foresaw is logged with its traceback."""
    if isinstance(error, StationError):
        return error
    if isinstance(error, web.HTTPException):
        return HttpError(error.status, f"http-{error.status}", SENTENCES.get(error.status, StationError.message))
    if isinstance(error, OSError) and is_full(error):
        return StorageFull()
    log.error("request_failed", exc_info=error)
    return HttpError(500, "internal", INTERNAL)


@web.middleware
async def problem_middleware(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """For the roles that speak with programs only: whatever is raised leaves as problem details."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem(told_of(error))
    except ConnectionResetError:
        if is_caller_gone(request):
            return web.Response()
        raise
    except Exception as error:
        if request.get(STARTED, False):
            raise
        return problem(told_of(error))


def is_caller_gone(request: web.Request) -> bool:
    """Whether who asked has closed the connection: nobody reads an answer, and it is no fault of ours to be logged."""
    return request.transport is None or request.transport.is_closing()


STARTED: web.RequestKey[bool] = web.RequestKey("started", bool)


async def mark_started(request: web.Request, _response: web.StreamResponse) -> None:
    """Signal handler (`on_response_prepare`): from now on an error cannot be told any more."""
    request[STARTED] = True


def problem(error: StationError, title: str | None = None, fields: dict[str, str] | None = None) -> web.Response:
    """The error as an answer: `type` names it for programs, `title` and `fields` tell it to people.

    The texts are the Chinese originals unless given in another language.
    """
    body: dict[str, object] = {
        "type": f"/problems/{error.code}",
        "title": str(error) if title is None else title,
        "status": error.status,
    }
    told = error.fields if isinstance(error, BadInput) and fields is None else fields
    if told:
        body["fields"] = told
    response = web.json_response(body, status=error.status, content_type=PROBLEM_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if (retry_after_s := getattr(error, "retry_after_s", None)) is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response
