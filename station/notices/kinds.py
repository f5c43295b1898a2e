"""Every kind of notice: its name, which stays, and its sentence, which each reader reads in their language.

The name and the values for the gaps are what is stored, so that a page says it in the language of who reads it and a
carrier that only sends registered templates can be given its template's number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias

from station.base.errors import N_, Phrase

# A day or a moment is said as the reader's language says it; a Phrase is translated, several become one text.
Value: TypeAlias = str | int | date | datetime | Phrase | tuple[Phrase, ...]


SECRET_LIFETIME = timedelta(minutes=10)  # a one-time code is of no use to anybody afterwards


@dataclass(frozen=True, slots=True)
class Kind:
    """`name`: what the row keeps. `sentence`: a gettext message id with gaps.

    Of a text that is blanked when it is sent: `useful_for` is how long it is of use to anybody, and `waits_for_day`
    says that nobody sits there and waits for it, so that it is not sent at night.
    """

    name: str
    sentence: str
    useful_for: timedelta = SECRET_LIFETIME
    waits_for_day: bool = False

    @property
    def by_sms(self) -> bool:
        """Whether it goes to a citizen; officials are told inside the station."""
        return not self.name.endswith(".staff") and not self.name.startswith("consent.")


KINDS: dict[str, Kind] = {}


def _kind(name: str, sentence: str) -> Kind:
    return KINDS.setdefault(name, Kind(name, sentence))


SIGN_IN_CODE = _kind("sign-in.code", N_("%(code)s 是您的登录数字，10 分钟内有效。不要告诉别人。"))
INVITED = KINDS["account.invited"] = Kind(
    "account.invited",
    N_("请您设好联络站的工作账号：登录名 %(login)s，%(until)s 前打开 %(link)s 。只能用一次，不要转给别人。"),
    useful_for=timedelta(hours=72),
    waits_for_day=True,
)

BOOKED = _kind(
    "booking.made",
    N_(
        "约好了：%(when)s，和%(deputy)s代表%(mode)s，预约号 %(number)s。来不了请在网上“我的”里取消%(or_call)s。",
    ),
)
BOOKED_WITH_YOU = _kind("booking.made.staff", N_("新预约：%(when)s，%(citizen)s，%(mode)s。"))
REMINDED_A_DAY_BEFORE = _kind(
    "booking.reminder.day",
    N_("提醒：%(when)s，和%(deputy)s代表%(mode)s，预约号 %(number)s。来不了请在网上“我的”里取消%(or_call)s。"),
)
REMINDED_AN_HOUR_BEFORE = _kind(
    "booking.reminder.hour",
    N_("快到见面的时间了：%(when)s，和%(deputy)s代表%(mode)s，预约号 %(number)s。%(what_to_do)s"),
)
REMINDERS = {kind.name: kind for kind in (REMINDED_A_DAY_BEFORE, REMINDED_AN_HOUR_BEFORE)}
FALLS_ON_DAY_OFF = _kind(
    "booking.day-off.staff",
    N_(
        "放假安排公布了：%(when)s，%(deputy)s代表和%(citizen)s的见面在放假的日子。照常见面就不用管，不见就请取消，系统会告诉群众。"
    ),
)
CANCELLED_BY_YOU = _kind(
    "booking.cancelled.own",
    N_("已取消：%(when)s，和%(deputy)s代表的预约（%(number)s），是您要求取消的。随时可以再约。"),
)
CANCELLED_BY_CITIZEN = _kind("booking.cancelled.staff", N_("预约取消：%(when)s，%(citizen)s，是群众自己取消的。"))
CANCELLED_BY_HOST = _kind(
    "booking.cancelled.host",
    N_(
        "见面取消了：%(when)s，和%(deputy)s代表的预约（%(number)s），是%(host)s取消的。"
        "原因：%(reason)s。对不起，请在网上另选时间%(or_call)s。"
    ),
)
HOST_CANCELLED = _kind(
    "booking.cancelled.host.staff",
    N_("%(host)s取消了预约：%(when)s，%(deputy)s接待%(citizen)s。原因：%(reason)s。"),
)
USE_WITHDRAWN = _kind(
    "consent.use-withdrawn",
    N_("%(citizen)s收回了使用个人信息的同意，预约号 %(number)s。请看看已经转出、已经公开的内容要不要收回。"),
)
CONSENT_WITHDRAWN = _kind("consent.withdrawn", N_("%(name)s不同意%(what)s了：%(day)s，%(meeting)s。%(done)s"))

CASE_ACCEPTED = _kind("case.accepted", N_("您反映的事项 %(case)s：已经受理，正在交给承办单位。"))
CASE_DECLINED = _kind("case.declined", N_("您反映的事项 %(case)s：这件事我们不能受理，因为%(reason)s。"))
CASE_ASSIGNED = _kind("case.assigned", N_("您反映的事项 %(case)s：已经交给%(unit)s办，最迟 %(until)s 答复您。"))
CASE_RETURNED = _kind(
    "case.returned",
    N_("您反映的事项 %(case)s：%(unit)s说不归它办，退回来了。联络站最迟 %(until)s 另交单位，再告诉您哪天答复。"),
)
CASE_REPLIED = _kind("case.replied", N_("您反映的事项 %(case)s：%(unit)s已经答复，请在 %(until)s 前看答复并打分。"))
CASE_REDONE = _kind("case.redone", N_("您反映的事项 %(case)s：退回%(unit)s重办，最迟 %(until)s 再答复您。"))
CASE_PROLONGED = _kind("case.prolonged", N_("您反映的事项 %(case)s：%(unit)s还需要时间，最迟 %(until)s 答复您。"))
CASE_NOTED = _kind("case.noted", N_("您反映的事项 %(case)s：承办单位补充了办理情况，请到“我的”里看。"))
CASE_CONCLUDED = _kind("case.concluded", N_("您反映的事项 %(case)s：已经办结。"))
CASE_RECOUNTED = _kind("case.recounted", N_("您反映的事项 %(case)s：放假安排公布了，期限重新算过：%(until)s。"))

STAFF_ASSIGNED = _kind("case.assigned.staff", N_("%(case)s《%(title)s》交给你们办，最迟 %(until)s 答复。"))
STAFF_HELPS = _kind(
    "case.assigned-beside.staff", N_("%(case)s《%(title)s》请你们协办：%(unit)s主办，最迟 %(until)s 答复。")
)
STAFF_REPLIED = _kind("case.replied.staff", N_("%(case)s《%(title)s》%(unit)s已经答复，请审核公开。"))
STAFF_RATED = _kind("case.rated.staff", N_("%(case)s《%(title)s》群众已经打分，请办结。"))
STAFF_REDONE = _kind("case.redone.staff", N_("%(case)s《%(title)s》群众不满意，请重办，最迟 %(until)s 再答复。"))
STAFF_RETURNED = _kind("case.returned.staff", N_("%(case)s《%(title)s》%(unit)s退回，请重新交办。"))
STAFF_ASKS_EXTENSION = _kind("case.extension-asked.staff", N_("%(case)s《%(title)s》%(unit)s申请延期，请批。"))
STAFF_PROLONGED = _kind("case.extension-granted.staff", N_("%(case)s《%(title)s》同意延期，最迟 %(until)s 答复。"))
STAFF_NOT_PROLONGED = _kind(
    "case.extension-refused.staff", N_("%(case)s《%(title)s》延期没有同意，请按原来的日期答复。")
)
STAFF_NOTED = _kind("case.noted.staff", N_("%(case)s《%(title)s》有人补充了情况。"))
STAFF_NOTED_BY_CITIZEN = _kind("case.noted-by-citizen.staff", N_("%(case)s《%(title)s》群众补充了情况。"))
STAFF_NOTED_BY_DEPUTY = _kind("case.noted-by-deputy.staff", N_("%(case)s《%(title)s》代表补充了情况。"))
STAFF_CONCLUDED = _kind("case.concluded.staff", N_("%(case)s《%(title)s》已经办结。"))
STAFF_CARD = _kind("case.card.staff", N_("%(case)s《%(title)s》收到%(colour)s：%(reason)s"))
STAFF_CARD_WITHDRAWN = _kind("case.card-withdrawn.staff", N_("%(case)s《%(title)s》收回了一张牌。"))
STAFF_RECOUNTED = _kind("case.recounted.staff", N_("%(case)s《%(title)s》期限重新算过：%(until)s。"))

BACKUP_FAILED = _kind(
    "backup.failed.staff", N_("备份没有做成（%(when)s）。请管服务器的人运行 station doctor，看是什么原因。")
)
