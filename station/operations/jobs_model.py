"""Why a long job was not done, in the words of who looks after the station; the log keeps the error itself."""

from __future__ import annotations

from station.base.errors import N_
from station.base.jobs import WORKER_DIED

# By what the stored error says ("Class: message"), the first that fits.
_REASONS = (
    ((WORKER_DIED,), N_("做到一半程序就停了，每次都这样，多半是机器的内存不够。请找管理员")),
    (("StorageFull", "No space left", "Errno 28"), N_("机器的硬盘满了。请找管理员腾出地方，再做一次")),
    (("DatabaseAway",), N_("联络站的资料库没有回应。恢复以后再做一次")),
    (("Unavailable", "Connection", "Timeout"), N_("要用的一项服务没有回应。恢复以后再做一次")),
    (("FileNotFound", "NotFound", "IsADirectory"), N_("要用的文件找不到了。请找管理员")),
    (("Permission",), N_("程序没有权限动要用的文件。请找管理员")),
)
_UNKNOWN = N_("程序出了错。请把编号告诉管理员，日志里有详细的原因")


def reason_of(error: str) -> str:
    """What a job's stored error means, as a message to translate; "" when there is none."""
    if not error:
        return ""
    return next((words for signs, words in _REASONS if any(sign in error for sign in signs)), _UNKNOWN)
