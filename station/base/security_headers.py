"""What every answer of every role carries, so that a browser takes it for what it is and runs nothing in it."""

from __future__ import annotations

from aiohttp import web

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "worker-src 'self' blob:; manifest-src 'self'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
}


async def add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler (`on_response_prepare`): it sees streams and files too, which no middleware can change then."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
