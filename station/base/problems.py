"""Errors as problem details (RFC 9457), in one shape for all roles."""

from __future__ import annotations

from aiohttp import web

from station.base.errors import BadInput, StationError

PROBLEM_TYPE = "application/problem+json"


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
