"""Names of people: the one whose case it is, in other spellings, and others by the words that go with a name."""

from __future__ import annotations

import re

from station.base.traditional import simplify
from station.cases.masking.view import View, view_of
from station.directory.model import DOUBLE_SURNAMES, surname_of

# The surnames of nine in ten people, without those that are mostly another word (时, 区, 都, 有 …).
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊"
    "金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂焦向柳邢岳齐梅莫庄辛"
    "管祝左涂谷祁舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边辜吉饶刁瞿戚丘古米池"
    "滕晋苑邬臧畅宫来嵺苟全褚廉简娄盖符奚木穆党燕郎邸冀谈姬屠连郜晏栾郁商蒙计喻揭窦迟宇敖糜鄢冷卓花仇艾蓝都巩昝桑仝凤佟练仲荆"
)
_NO_NAME = frozenset("的了是在和与及位名个这那该各本我你他她们有无不也都很去来到说老小大各些某")
# What can stand where a name could, and is none.
_WORDS = (
    "高中生|高龄|高级|高层|方便|成功|马上|安徽人|江苏人|江西人|黄河|关于|关心|关键|于是|常年|常住|金融|石油|万一|程序员|党员|华人|"
    "文化|文员|武术|车主|车位|房东|房主|房屋|包工头|边上|白天|江边|单位|单身|平时|全家|全体|解放|强烈|成年|成都|商户|商家|连续|计划|"
    "任何|何时|何况|何必|张贴|向您|向上|施工|施行|左右|查询|查处|花园|米店|池塘|水|木工|古城|盛夏|温度|温馨|毕业|毕竟|项目|游客|席位|"
    "雷雨|段落|龙头|易燃|方面|方案|许多|夏天|唐山|柳荫|石桥|桂花|江畔|管理|管道|纪律|景区|景观"
)
_IS_WORD = re.compile(rf"^(?:{_WORDS})")
_TITLES = "(?:先生|女士|小姐|太太|夫人|阿姨|叔叔|伯伯|大[爷妈娘叔姐哥]|奶奶|爷爷|婆婆|师傅|老师|医生|同志|老人|居民)"
_TOLD = (
    r"(?:我叫(?:做)?|名叫|名字(?:叫|是)|姓名(?:是|为)?|本人(?!姓名|是)|"
    r"(?:爸|妈|父亲|母亲|爷爷|奶奶|老伴|丈夫|妻子|爱人|儿子|女儿|孙子|孙女|邻居|房东|业主|户主|联系人|申请人|反映人|投诉人|来电人|"
    r"当事人|伤者|患者|署名|落款)(?:名?叫|姓名|是|为)?)\s*[:,]?\s*"
)
_FOLLOWS = frozenset("住家是在今电男女和跟想要有说反也不身手年系因于就已被把给为的，,。.；;、：:！!？?（(")
_ENDS = r"(?=$|[\s,，。.;；、:：!！?？()（）]|电话|手机|住|家住|今年|身份证|男|女|，)"
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN_NAME = re.compile(
    r"(?:我叫(?:做)?|名叫|名字(?:叫|是)|姓名)\s*[:,]?\s*([A-Z][a-z]+(?:[\s\-][A-Z][a-z]+){0,3})|"
    r"(?:[Mm]y name is|I am|I'm|Mr\.?|Mrs\.?|Ms\.?)\s+([A-Z][a-z]+(?:[\s\-][A-Z][a-z]+){0,3})"
)
_DOTTED = re.compile(
    r"(?:我叫(?:做)?|名叫|名字(?:叫|是)|姓名|本人)\s*[:,]?\s*([\u4e00-\u9fff]{2,8}[·•・.‧∙⋅][\u4e00-\u9fff]{2,8})"
)
_DOTS = r"\s*[·•・．.‧∙⋅‐\-]?\s*"
# Given names that are everyday words: alone they say nothing about a person.
_WORDS_AS_NAMES = (
    "建设 和平 光明 文明 平安 建国 国庆 胜利 东方 安全 健康 团结 幸福 解放 民主 公平 前进 发展 富强 自强 卫生 "
    "春天 秋天 大海 长江 黄河 建成 成功 友好 友谊 爱国 爱民 为民 利民 便民 新华 中华 永久 长久 高兴 开心 如意 "
    "进步 创新 改革 生产 保证 保安"
)
_EVERYDAY = frozenset(_WORDS_AS_NAMES.split())


def mask_names(view: View, names: tuple[str, ...]) -> None:
    """Take out the names given, and the names that the text itself tells as such."""
    for name in sorted(names, key=len, reverse=True):
        _mask_given(view, name)
    _mask_told(view)
    _mask_titled(view)


def _mask_given(view: View, name: str) -> None:
    """A known name: with any dot or none, with blanks inside, in traditional characters, and the given name alone."""
    plain = "".join(view_of(name).plain.split())
    parts = [part for part in re.split(r"[·•・.‧∙⋅]", plain) if part]
    if len("".join(parts)) < 2:
        return
    signs = list("".join(parts))
    sign = _somebody(parts[0] if len(parts) > 1 else plain)
    _take_all(view, _DOTS.join(re.escape(s) for s in signs), sign)
    if len(parts) > 1:
        alone = [part for part in parts if len(part) > 1]
    else:
        given = plain[len(surname_of(plain)) :]
        alone = [given] if len(given) > 1 and given not in _EVERYDAY else []
    for part in alone:
        _take_all(view, re.escape(part), "某某")


def _take_all(view: View, pattern: str, sign: str) -> None:
    for found in list(re.finditer(pattern, view.plain)):
        view.take(found.start(), found.end(), sign)


def _mask_told(view: View) -> None:
    for pattern in (_DOTTED, _LATIN_NAME):
        for found in list(pattern.finditer(view.plain)):
            group = found.lastindex or 1
            chinese = _HAN.match(found[group])
            view.take(*found.span(group), _somebody(found[group]) if chinese else "〔姓名〕")
    for found in list(re.finditer(_TOLD, view.plain)):
        _mask_name_at(view, found.end(), sure="叫" in found[0] or "姓名" in found[0] or "名字" in found[0])
    for found in list(re.finditer(r"(?<![的都也就才])我是\s*", view.plain)):
        _mask_name_at(view, found.end(), sure=False)


def _mask_name_at(view: View, start: int, sure: bool) -> None:
    """A name that begins here. When not `sure`, only one that is all there is up to a stop."""
    surname = _surname_at(view.plain, start)
    if not surname or _IS_WORD.match(view.plain[start:]):
        return
    given = re.match(r"[\u4e00-\u9fff]{1,2}", view.plain[start + len(surname) :])
    if given is None:
        return
    length = len(given[0])
    if length == 2 and given[0][1] in _FOLLOWS:
        length = 1
    end = start + len(surname) + length
    if not sure and not re.match(_ENDS, view.plain[end:]):
        return
    if not sure and view.plain[end - 1] in "人员生工民师者长友户主":
        return
    view.take(start, end, _somebody(surname))


def _mask_titled(view: View) -> None:
    """赵玉梅女士: the given name goes, the way to address somebody stays."""
    for found in list(re.finditer(_TITLES, view.plain)):
        end = found.start()
        for length in (4, 3, 2):
            start = end - length
            surname = _surname_at(view.plain, start) if start >= 0 else ""
            given = view.plain[start + len(surname) : end]
            if not surname or not 1 <= len(given) <= 2 or not all(_HAN.match(s) for s in given):
                continue
            if set(given) & _NO_NAME or _IS_WORD.match(view.plain[start:end]):
                continue
            if len(given) == 1 and (given in _SURNAMES or found[0] in ("老师", "师傅", "医生", "同志", "居民", "老人")):
                continue
            view.take(start, end, _somebody(surname))
            break


def _surname_at(text: str, start: int) -> str:
    two = text[start : start + 2]
    if two in DOUBLE_SURNAMES:
        return two
    return two[:1] if two[:1] in _SURNAMES else ""


def _somebody(name: str) -> str:
    surname = surname_of(name) if simplify(name[:2]) not in DOUBLE_SURNAMES else name[:2]
    return surname + "某"
