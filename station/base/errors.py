"""Errors sorted by audience: the user, the caller without the right, the peer that sent rubbish.

Each carries a sentence in Chinese (a gettext message id) and its parameters; the edge translates it and picks the
HTTP status from the class (RFC 9457). Packages derive their own sentences from these.
"""

from __future__ import annotations

import errno
from typing import ClassVar

# Told apart from other failures of a file: more space helps, trying again does not.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


def is_full(error: OSError) -> bool:
    """Whether a file could not be written because there is no room for it."""
    return error.errno in _FULL


def N_(message: str) -> str:  # noqa: N802  gettext's usual mark for text translated later
    """Mark a message for translation without translating it here."""
    return message


class Phrase(str):
    """A sentence to translate whose gaps are filled afterwards: what is wrong with one field, and its limit."""

    params: dict[str, object]

    def __new__(cls, message: str, **params: object) -> Phrase:
        made = super().__new__(cls, message)
        made.params = params
        return made


class StationError(Exception):
    """Something the caller can be told in one sentence."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad-request"
    message: ClassVar[str] = N_("这一步没办成，请返回再试一次")

    def __init__(self, message: str | None = None, **params: object) -> None:
        self.text = message or self.message
        self.params = params
        super().__init__(self.text % params if params else self.text)


class BadInput(StationError):
    """What was sent does not fit; `fields` names the faults, field by field."""

    status = 422
    code = "bad-input"
    message = N_("有些内容要改一下")

    def __init__(self, message: str | None = None, fields: dict[str, str] | None = None, **params: object) -> None:
        super().__init__(message, **params)
        self.fields: dict[str, str] = fields or {}


class NotSignedIn(StationError):
    status = 401
    code = "not-signed-in"
    message = N_("请先登录")


class NotAllowed(StationError):
    status = 403
    code = "not-allowed"
    message = N_("您的账号不能做这件事")


class NotFound(StationError):
    status = 404
    code = "not-found"
    message = N_("没有找到您要的内容")


class Conflict(StationError):
    """The state of things does not allow it (any more)."""

    status = 409
    code = "conflict"
    message = N_("情况刚刚有了变化，请看一下最新的再决定")


class TooLarge(StationError):
    status = 413
    code = "too-large"
    message = N_("内容太大了，请缩短或换小一点的文件")


class UnsupportedMedia(StationError):
    status = 415
    code = "unsupported-media"
    message = N_("不支持这种格式")


class TooManyRequests(StationError):
    status = 429
    code = "too-many-requests"
    message = N_("太频繁了，请 %(seconds)s 秒后再试")
    in_minutes: ClassVar[str] = N_("太频繁了，请 %(minutes)s 分钟后再试")

    def __init__(self, seconds: int = 60) -> None:
        minutes = -(-seconds // 60)
        super().__init__(self.in_minutes if minutes > 2 else self.message, seconds=seconds, minutes=minutes)
        self.retry_after_s = seconds


class Unavailable(StationError):
    """One of our own processes does not answer."""

    status = 503
    code = "unavailable"
    message = N_("这项服务正在恢复，请过 10 秒再试")


class DatabaseAway(Unavailable):
    """The database does not answer; nothing was changed."""

    code = "database-away"
    message = N_("联络站的资料库暂时连不上，请过一会儿再试。急事请打电话给我们")


class StorageFull(StationError):
    """What was asked for could not be stored, so it was not done."""

    status = 507  # Insufficient Storage (RFC 4918 §11.5)
    code = "storage-full"
    message = N_("机器的硬盘满了，刚才这一步没有存下来。已经存好的都还能看。急事请打电话给我们")
