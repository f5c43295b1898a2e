"""What a station still lacks before citizens can use it: a pure rule over counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from station.base.errors import N_


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the station has."""

    stations: int = 0
    deputies: int = 0
    constituencies: int = 0
    places: int = 0
    units: int = 0
    clerks: int = 0
    sends_sms: bool = False
    rota_rules: int = 0
    is_secure: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is not there: its name, why it is needed, where it is put in, and what `station doctor` says."""

    code: str
    title: str
    why: str
    page: str
    words: str


_RULES: tuple[tuple[Callable[[Holdings], bool], Missing], ...] = (
    (
        lambda has: not has.stations,
        Missing(
            "stations",
            N_("还没有联络站"),
            N_("代表在联络站接待，要先有一个"),
            "/admin/stations",
            "no liaison station yet",
        ),
    ),
    (
        lambda has: not has.constituencies or not has.places,
        Missing(
            "constituencies",
            N_("还没有选区和小区、街道"),
            N_("群众按住址找代表，要有选区和里面的地名"),
            "/admin/constituencies",
            "no constituency with places yet: nobody finds a deputy by address",
        ),
    ),
    (
        lambda has: not has.deputies,
        Missing(
            "deputies",
            N_("代表名单是空的"),
            N_("没有代表，群众约不了"),
            "/admin/deputies",
            "no deputy in office yet",
        ),
    ),
    (
        lambda has: not has.units,
        Missing(
            "units",
            N_("还没有承办单位"),
            N_("事情要交给单位办"),
            "/admin/units",
            "no handling unit yet: matters cannot be assigned",
        ),
    ),
    (
        lambda has: not has.clerks,
        Missing(
            "clerks",
            N_("还没有工作人员的账号"),
            N_("接待、分办、公开，都要有人做"),
            "/admin/accounts",
            "no clerk's account yet",
        ),
    ),
    (
        lambda has: not has.rota_rules,
        Missing(
            "rota",
            N_("还没有排接待时间"),
            N_("排了，群众才有时间可选"),
            "/admin/deputies",
            "no rota yet: there is no time to book",
        ),
    ),
    (
        lambda has: not has.sends_sms,
        Missing(
            "sms",
            N_("短信没有接通"),
            N_("收不到登录数字，群众登录不了。请管机器的人设好短信通道"),
            "",
            "no SMS can be sent, so citizens cannot sign in: set STATION_SMS_URL",
        ),
    ),
    (
        lambda has: not has.is_secure,
        Missing(
            "address",
            N_("还没有带 HTTPS 的正式网址"),
            N_("没有它，手机不许用摄像头和麦克风。请管机器的人设好网址"),
            "",
            "no public address with HTTPS: set STATION_PUBLIC_ORIGIN",
        ),
    ),
)


def find_missing(has: Holdings) -> list[Missing]:
    """What is missing, in the order in which it is put in."""
    return [missing for lacks, missing in _RULES if lacks(has)]
