"""Cases of the demo: one in each state a newcomer should see, and half a year of concluded ones for the figures.

All are made by the services, with the clock set back, so that the ledger, notices and figures are the real ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from station.base.calendar import china
from station.base.clock import SHANGHAI, FixedClock, local
from station.base.principal import Principal, Role
from station.base.station import Station
from station.base.working_days import subtract_working_days
from station.cases import service
from station.cases.model import Grade
from station.cases.queries import cases_where
from station.cases.records import OpenCase
from station.directory.service import get_deputy

CITIZENS = {
    "赵": Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅"),
    "李": Principal("ac_demo_citizen2", Role.CITIZEN, "李国强"),
}
LIN, CHEN = "dp_demo_linxiulan", "dp_demo_chenlixin"
CLERKS = {  # each deputy's cases are handled by the clerk of their station
    LIN: Principal("ac_demo_clerk", Role.CLERK, "何晓雯", "st_demo_guihua"),
    CHEN: Principal("ac_demo_clerk_wangjiang", Role.CLERK, "周敏", "st_demo_wangjiang"),
}
HANDLERS = {
    "un_demo_housing": Principal("ac_demo_unit", Role.UNIT, "许志远", "un_demo_housing"),
    "un_demo_city": Principal("ac_demo_unit_city", Role.UNIT, "唐文斌", "un_demo_city"),
    "un_demo_water": Principal("ac_demo_unit_water", Role.UNIT, "孙立军", "un_demo_water"),
    "un_demo_wangjiang": Principal("ac_demo_unit_wangjiang", Role.UNIT, "马春华", "un_demo_wangjiang"),
    "un_demo_guihua": Principal("ac_demo_unit_guihua", Role.UNIT, "韩丽", "un_demo_guihua"),
}
HOUSING, CITY, WATER, WANGJIANG, GUIHUA = HANDLERS


@dataclass(frozen=True, slots=True)
class Story:
    """A case and how far it got. Numbers are working days before today; None: not reached."""

    title: str
    text: str
    citizen: str
    deputy: str
    noted: int
    accepted: int | None = None
    assigned: int | None = None
    unit: str = HOUSING
    co_unit: str = ""
    replied: int | None = None
    reply: str = ""
    grade: Grade | None = None
    published: bool = True


GOOD, FAIR, VERY_GOOD = Grade.GOOD, Grade.FAIR, Grade.VERY_GOOD

# Half a year of concluded cases: title, unit, working days ago, days the reply took, grade.
PAST = (
    ("三号桥人行道地砖松动", CITY, 118, 6, GOOD),
    ("石板巷下水道堵了", CITY, 110, 4, VERY_GOOD),
    ("望江路路灯杆倾斜", WANGJIANG, 104, 9, GOOD),
    ("新村早上水压低", WATER, 98, 12, FAIR),
    ("公租房轮候结果查不到", HOUSING, 95, 7, GOOD),
    ("楼道堆物堵消防通道", GUIHUA, 88, 3, VERY_GOOD),
    ("小区电动车没有地方充电", HOUSING, 82, 10, GOOD),
    ("河边健身器材坏了", WANGJIANG, 76, 11, FAIR),
    ("垃圾房早上气味大", CITY, 70, 5, GOOD),
    ("水表换了以后水费变多", WATER, 66, 10, GOOD),
    ("老旧小区屋顶漏水", HOUSING, 60, 8, GOOD),
    ("便民菜点占盲道", CITY, 55, 4, VERY_GOOD),
    ("社区食堂几点开门", GUIHUA, 50, 2, VERY_GOOD),
    ("望江路站台没有座椅", WANGJIANG, 46, 8, GOOD),
    ("夜里工地打桩声", HOUSING, 42, 9, FAIR),
    ("消火栓没有水", WATER, 38, 3, GOOD),
    ("菜场门口共享单车乱停", CITY, 34, 6, GOOD),
    ("三单元对讲门打不开", HOUSING, 31, 5, GOOD),
    ("广场舞音响太大", GUIHUA, 29, 4, FAIR),
    ("望江路人行道停满汽车", WANGJIANG, 28, 11, GOOD),
    ("二次供水水箱多久洗一次", WATER, 27, 6, VERY_GOOD),
    ("果皮箱不见了", CITY, 26, 3, GOOD),
    ("廉租房外墙渗水", HOUSING, 24, 12, GOOD),
    ("河边护栏松了", WANGJIANG, 20, 5, VERY_GOOD),
    ("菜场公厕没有灯", CITY, 17, 9, GOOD),
    ("加压泵夜里嗡嗡响", WATER, 14, 8, FAIR),
)
STORIES = (
    *(
        Story(
            title, f"{title}，请尽快处理。", "李", CHEN if n % 2 else LIN, ago + 2, ago + 1, ago, unit,
            replied=ago - took, reply="已经到现场办好，办理结果请您查看。", grade=grade,
        )
        for n, (title, unit, ago, took, grade) in enumerate(PAST)
    ),
    Story(
        "柳荫路晚上路灯不亮", "从新村东门到菜场一段，晚上看不清路，老人摔过两次。", "赵", LIN, 24, 23, 22, CITY, "", 16,
        "您好。柳荫路从新村东门到菜场一段，12 盏路灯线路老化，已经全部换好。今后由桂花街道每周巡查一次。", VERY_GOOD,
    ),
    Story(
        "望江路 22 号外墙脱落，三次反映没人管", "外墙瓷砖往下掉，楼下是学生上学的路。", "李", CHEN, 15, 14, 12,
    ),
    Story(
        "菜场门口早上占道，救护车进不来", "早上六点到九点摊位摆到路中间。", "赵", LIN, 13, 12, 11, CITY, "", 2,
        "您好。菜场门口已经划出临时摊位 18 个，早上六点到九点有人值守，消防通道不再停车摆摊。",
        published=False,
    ),
    Story(
        "7 号楼加装电梯，一楼采光怎么补偿", "7 号楼 22 户同意装电梯，一楼两户担心挡光、房价跌，不知道怎么补偿。",
        "赵", LIN, 11, 10, 8, HOUSING, GUIHUA,
    ),
    Story("阁楼漏水，物业和楼上互相推", "下雨就漏，找了物业四次。", "赵", CHEN, 6, 5, 4, HOUSING, published=False),
    Story("放学时校门口堵车", "接孩子的车把公交车也堵住了。", "李", LIN, 2, 1, published=False),
    Story("夜里两点洒水车音乐太响", "夏天开窗睡不着，请换个时间或者关掉音乐。", "赵", LIN, 1, published=False),
)  # fmt: skip


async def seed_cases(station: Station) -> None:
    """Make the demo's cases that are not there yet, and let the clock issue the cards that are due."""
    async with station.database.read() as connection:
        known = {case.title for case in await cases_where(connection, limit=10_000)}
    for story in STORIES:
        if story.title not in known:
            await _tell(station, story)
    await service.issue_due_cards(station)


async def _tell(station: Station, story: Story) -> None:
    deputy = await get_deputy(station, story.deputy)
    who = Principal(f"ac_demo_{deputy.id}", Role.DEPUTY, deputy.name, deputy.id)
    request = OpenCase(story.title, story.text, deputy.id, CITIZENS[story.citizen].account)
    case = await service.open_case(_back(station, story.noted, time(14, 36)), who, request)
    if story.accepted is None:
        return
    await service.accept_case(_back(station, story.accepted, time(9, 20)), CLERKS[story.deputy], case.id)
    if story.assigned is None:
        return
    assigned = _back(station, story.assigned, time(9, 40))
    helpers = (story.co_unit,) if story.co_unit else ()
    await service.assign_case(assigned, CLERKS[story.deputy], case.id, story.unit, helpers)
    if story.replied is not None:
        await _answer(station, story, case.id)
    if story.published:
        # After what happened so far, as a timeline is read in the order of the ledger.
        last = story.assigned if story.replied is None else story.replied - (0 if story.grade is None else 2)
        reviewed = _back(station, last, time(16, 30))
        await service.publish_case(reviewed, CLERKS[story.deputy], case.id, story.title, story.reply)


async def _answer(station: Station, story: Story, case_id: str) -> None:
    assert story.replied is not None
    replied = _back(station, story.replied, time(15, 10))
    await service.reply_case(replied, HANDLERS[story.unit], case_id, story.reply, "solved")
    if story.grade is None:
        return
    rated = _back(station, story.replied - 1, time(19, 5))
    await service.rate_case(rated, CITIZENS[story.citizen], case_id, story.grade)
    await service.conclude_case(_back(station, story.replied - 2, time(10, 15)), CLERKS[story.deputy], case_id)


def _back(station: Station, working_days: int, at: time) -> Station:
    """The station with its clock set back so many working days, never past the real time."""
    now = station.clock.now()
    day: date = subtract_working_days(local(now).date(), working_days, china())
    moment = datetime.combine(day, at, SHANGHAI).astimezone(UTC)
    return replace(station, clock=FixedClock(min(moment, now)))
