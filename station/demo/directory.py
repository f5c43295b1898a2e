"""The invented district of 清和: its stations, constituencies, places, twenty deputies and handling units."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from station.base.inserts import insert_missing
from station.base.principal import SYSTEM
from station.base.station import Station
from station.directory import store
from station.directory.edit_store import spellings_of
from station.directory.model import spell
from station.ledger.service import append

DISTRICT = ("di_demo_qinghe", "清和区")
TERM = ("te_demo_18", "第十八届", date(2022, 1, 1))
FORMER_TERM = ("te_demo_17", "第十七届", date(2017, 1, 1), date(2021, 12, 31))

STATIONS = (
    ("st_demo_main", None, "main", "清和区总站", "人民路 1 号二楼", "(0000) 880 0123"),
    ("st_demo_guihua", "st_demo_main", "center", "桂花街道中心站", "桂花路 18 号一楼", "(0000) 880 0201"),
    ("st_demo_wangjiang", "st_demo_main", "center", "望江街道中心站", "滨江大道 260 号", "(0000) 880 0301"),
    ("st_demo_shiqiao", "st_demo_main", "center", "石桥街道中心站", "石桥东街 9 号", "(0000) 880 0401"),
    ("st_demo_liuyin", "st_demo_guihua", "street", "柳荫社区联络站", "柳荫路 66 号", "(0000) 880 0211"),
    ("st_demo_dongfeng", "st_demo_guihua", "street", "东风社区联络站", "东风里 3 号", "(0000) 880 0212"),
    ("st_demo_jiangpan", "st_demo_wangjiang", "street", "江畔社区联络站", "渡口街 12 号", "(0000) 880 0311"),
    ("st_demo_jixie", "st_demo_shiqiao", "street", "机械厂社区联络站", "厂前路 5 号", "(0000) 880 0411"),
)

# id, name, the whole district?, places as "kind name"
CONSTITUENCIES = (
    (
        "co_demo_guihua1",
        "桂花街道第 1 选区",
        False,
        "street 桂花街道,community 桂花社区,road 桂花路,estate 桂苑小区",
    ),
    (
        "co_demo_guihua2",
        "桂花街道第 2 选区",
        False,
        "street 桂花街道,community 东风社区,road 东风里,estate 东风小区",
    ),
    (
        "co_demo_guihua3",
        "桂花街道第 3 选区",
        False,
        "street 桂花街道,community 柳荫社区,road 柳荫路,estate 柳荫新村,estate 柳荫花园",
    ),
    (
        "co_demo_wangjiang1",
        "望江街道第 1 选区",
        False,
        "street 望江街道,community 江畔社区,road 渡口街,estate 江畔花园",
    ),
    (
        "co_demo_wangjiang2",
        "望江街道第 2 选区",
        False,
        "street 望江街道,community 望江社区,road 滨江大道,estate 望江雅苑",
    ),
    (
        "co_demo_shiqiao1",
        "石桥街道第 1 选区",
        False,
        "street 石桥街道,community 石桥社区,road 石桥东街,estate 石桥新苑",
    ),
    (
        "co_demo_shiqiao2",
        "石桥街道第 2 选区",
        False,
        "street 石桥街道,community 机械厂社区,road 厂前路,estate 机械厂宿舍",
    ),
    ("co_demo_city", "清和区", True, "district 清和区"),
)


class Person(NamedTuple):
    """One invented deputy."""

    key: str
    code: str
    name: str
    syllables: str
    constituency: str
    station: str
    job: str
    concerns: str
    bio: str


DEPUTIES = (
    Person(
        "linxiulan",
        "lin3",
        "林秀兰",
        "lin xiu lan",
        "guihua3",
        "guihua",
        "桂花街道社区卫生服务中心 护士长",
        "养老、看病、老小区改造",
        "在社区卫生服务中心工作二十六年，管过七个小区的上门护理。当代表以后一直盯着两件事：老人看病少跑路，老楼装得上电梯。",
    ),
    Person(
        "chenlixin",
        "chen1",
        "陈立新",
        "chen li xin",
        "wangjiang1",
        "wangjiang",
        "清和公交公司 调度员",
        "公交、停车、夜间照明",
        "开过十二年公交车，现在排班。熟悉望江一带每条线的末班时间，常在晚上接待，方便下班的人。",
    ),
    Person(
        "zhoumingyuan",
        "zhou3",
        "周明远",
        "zhou ming yuan",
        "guihua3",
        "liuyin",
        "清和第二中学 教师",
        "上学、校门口交通",
        "教了十九年物理。推动三所学校错峰放学，校门口的护栏和斑马线是他带着学生量出来的。",
    ),
    Person(
        "hesiyuan",
        "he1",
        "何思源",
        "he si yuan",
        "shiqiao1",
        "shiqiao",
        "石桥社区居委会 主任",
        "供水、下水道、物业",
        "石桥长大的人。老城区的管网图不全，他带居民一户一户画了出来，去年换掉了 1.8 公里旧水管。",
    ),
    Person(
        "shenruolan",
        "shen0",
        "沈若兰",
        "shen ruo lan",
        "city",
        "main",
        "清和纺织公司 质检员",
        "就业、加班工资、技能培训",
        "从挡车工做到质检员。收过四百多名工友的来信，提的“小企业按月公示工时”写进了全市的办法。",
    ),
    Person(
        "wangguilan",
        "wang1",
        "王桂兰",
        "wang gui lan",
        "guihua1",
        "guihua",
        "桂花菜市场 经营户",
        "菜市场、食品安全",
        "卖豆腐三十年。菜市场改造的时候，摊位怎么分、货车几点进，是她一户户谈下来的。",
    ),
    Person(
        "zhangjianguo",
        "zhang1",
        "张建国",
        "zhang jian guo",
        "guihua1",
        "guihua",
        "退役军人，桂苑小区业委会 主任",
        "物业、停车、消防通道",
        "当过十六年消防兵。桂苑小区的消防通道三年没再被占过。",
    ),
    Person(
        "liumin",
        "liu2",
        "刘敏",
        "liu min",
        "guihua2",
        "dongfeng",
        "东风幼儿园 园长",
        "托育、校车、儿童游乐场",
        "办过区里第一个普惠托班。每月第一个星期六在园里接待年轻父母。",
    ),
    Person(
        "sunhaitao",
        "sun2",
        "孙海涛",
        "sun hai tao",
        "guihua2",
        "dongfeng",
        "供电公司 抢修班长",
        "用电、充电桩、路灯",
        "台风天最忙的人。提出老小区充电棚统一装烟感和断电，全区已经装了 112 处。",
    ),
    Person(
        "xuhong",
        "xu1",
        "徐红",
        "xu hong",
        "wangjiang1",
        "jiangpan",
        "江畔社区 养老护理员",
        "居家养老、助浴、助餐",
        "照护过六十多位失能老人。江畔的老年食堂从她提的一条建议开始。",
    ),
    Person(
        "maweidong",
        "ma2",
        "马卫东",
        "ma wei dong",
        "wangjiang2",
        "wangjiang",
        "清和港务公司 高级技师",
        "噪声、货车限行、空气",
        "在码头工作三十一年。推动夜间货车改道，滨江大道沿线的夜间噪声降了 6 分贝。",
    ),
    Person(
        "gaoyan",
        "gao2",
        "高燕",
        "gao yan",
        "wangjiang2",
        "wangjiang",
        "区人民医院 儿科医生",
        "儿童看病、疫苗、心理健康",
        "每周三晚上在望江中心站接待。区医院开夜间儿科门诊，是她连提三年的建议。",
    ),
    Person(
        "luoyong",
        "luo1",
        "罗勇",
        "luo yong",
        "shiqiao1",
        "shiqiao",
        "快递网点 负责人",
        "快递进小区、骑手休息点",
        "从骑手做起。全区 23 个骑手驿站的选址，大半是他骑车跑出来的。",
    ),
    Person(
        "dengxiaoqin",
        "deng1",
        "邓小琴",
        "deng xiao qin",
        "shiqiao1",
        "shiqiao",
        "石桥小学 教师",
        "课后托管、图书馆、近视",
        "语文教师。石桥图书角晚上开到九点，是她和家长轮流守出来的。",
    ),
    Person(
        "tianjun",
        "tian2",
        "田军",
        "tian jun",
        "shiqiao2",
        "jixie",
        "机械厂 焊工，劳动模范",
        "宿舍区改造、供暖、技工待遇",
        "厂里的第三代工人。机械厂宿舍的供暖管道改造，他跟了四个冬天。",
    ),
    Person(
        "caiyulan",
        "cai2",
        "蔡玉兰",
        "cai yu lan",
        "shiqiao2",
        "jixie",
        "机械厂社区 网格员",
        "独居老人、垃圾分类",
        "手机里存着 312 位独居老人的电话，每天早上报一声平安。",
    ),
    Person(
        "ouyangqing",
        "ouyang2",
        "欧阳青",
        "ouyang qing",
        "shiqiao2",
        "jixie",
        "清和律师事务所 律师",
        "欠薪、租房、调解",
        "每年接两百多次免费咨询。整理的《租房十问》在各个联络站都能拿到。",
    ),
    Person(
        "fanzhiqiang",
        "fan0",
        "范志强",
        "fan zhi qiang",
        "city",
        "main",
        "清和农业合作社 理事长",
        "菜篮子、冷链、乡村路",
        "把六个村的菜地连成合作社，供着区里四个菜市场。",
    ),
    Person(
        "panxiaoling",
        "pan1",
        "潘小玲",
        "pan xiao ling",
        "guihua1",
        "guihua",
        "无障碍促进会 志愿者",
        "坡道、盲道、手语",
        "坐轮椅出行二十年。全区 47 处坡道是她一处处试出来的。",
    ),
    Person(
        "hanbin",
        "han2",
        "韩斌",
        "han bin",
        "wangjiang2",
        "jiangpan",
        "清和水务 水质化验员",
        "饮用水、河道",
        "取过四千多个水样。望江河段的水质月报从他开始贴到社区栏里。",
    ),
)

UNITS = (
    ("un_demo_housing", "区住房和城乡建设局", "(0000) 880 1001"),
    ("un_demo_water", "区供水公司", "(0000) 880 1002"),
    ("un_demo_guihua", "桂花街道办事处", "(0000) 880 1003"),
    ("un_demo_city", "区城市管理局", "(0000) 880 1004"),
    ("un_demo_traffic", "区交通运输局", "(0000) 880 1005"),
    ("un_demo_education", "区教育局", "(0000) 880 1006"),
    ("un_demo_civil", "区民政局", "(0000) 880 1007"),
    ("un_demo_health", "区卫生健康局", "(0000) 880 1008"),
    ("un_demo_wangjiang", "望江街道办事处", "(0000) 880 1009"),
    ("un_demo_shiqiao", "石桥街道办事处", "(0000) 880 1010"),
)


async def seed_directory(station: Station) -> None:
    """Add what is missing of the demo's directory."""
    async with station.database.read() as connection:
        if await store.deputy_by_id(connection, f"dp_demo_{DEPUTIES[-1].key}") is not None:
            return
    async with station.database.transaction() as work:
        await insert_missing(work, store.districts, [{"id": DISTRICT[0], "name": DISTRICT[1]}])
        columns = ("id", "parent", "tier", "name", "address", "phone")
        stations = [dict(zip(columns, row, strict=True)) | {"district": DISTRICT[0]} for row in STATIONS]
        await insert_missing(work, store.stations, stations)
        terms = [(*TERM, None), FORMER_TERM]
        names = ("id", "name", "starts_on", "ends_on")
        await insert_missing(work, store.terms, [dict(zip(names, term, strict=True)) for term in terms])
        await insert_missing(work, store.constituencies, [
            {"id": identity, "district": DISTRICT[0], "name": name, "whole_district": whole}
            for identity, name, whole, _ in CONSTITUENCIES
        ])  # fmt: skip
        await insert_missing(work, store.places, _places())
        spellings = [row for place in _places() for row in spellings_of(str(place["id"]), str(place["name"]))]
        await insert_missing(work, store.place_spellings, spellings)
        await insert_missing(work, store.deputies, [_deputy(person) for person in DEPUTIES])
        await insert_missing(work, store.seats, [_seat(person) for person in DEPUTIES] + [_former_seat()])
        units = [dict(zip(("id", "name", "phone"), unit, strict=True)) for unit in UNITS]
        await insert_missing(work, store.units, units)
        counts = {"deputies": len(DEPUTIES), "stations": len(STATIONS), "units": len(UNITS)}
        await append(station, work, SYSTEM, "directory.loaded", f"district:{DISTRICT[0]}", counts)


def _places() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for constituency, _, _, listed in CONSTITUENCIES:
        for number, entry in enumerate(listed.split(",")):
            kind, name = entry.split(" ", 1)
            identity = f"pl_{constituency.removeprefix('co_demo_')}_{number}"
            rows.append({"id": identity, "name": name, "kind": kind, "constituency": constituency})
    return rows


def _deputy(person: Person) -> dict[str, object]:
    latin, letters, initials = spell(person.syllables)
    return {
        "id": f"dp_demo_{person.key}", "code": person.code, "name": person.name, "latin": latin, "letters": letters,
        "initials": initials, "station": f"st_demo_{person.station}", "job": person.job,
        "concerns": person.concerns, "bio": person.bio, "syllables": person.syllables,
    }  # fmt: skip


def _seat(person: Person) -> dict[str, object]:
    level = "city" if person.constituency == "city" else "district"
    return {
        "id": f"se_{person.key}", "deputy": f"dp_demo_{person.key}", "term": TERM[0],
        "constituency": f"co_demo_{person.constituency}", "level": level,
    }  # fmt: skip


def _former_seat() -> dict[str, object]:
    """林秀兰 sat in the former term too: a deputy outlives a term."""
    return {
        "id": "se_linxiulan_17", "deputy": "dp_demo_linxiulan", "term": FORMER_TERM[0],
        "constituency": "co_demo_guihua2", "level": "district",
    }  # fmt: skip
