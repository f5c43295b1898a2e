"""Doors, plates, papers, mail and accounts of messengers: what is told by the words around it."""

from __future__ import annotations

import re

from station.cases.masking.view import View

MAIL, PAPER, CONTACT, DOOR, PLATE, ACCOUNT, PHONE = (
    "〔邮箱〕", "〔证件号〕", "〔联系方式〕", "〔门牌〕", "〔车牌〕", "〔账号〕", "〔电话〕",
)  # fmt: skip
_DASH = r"[\-‐-―−~－]"
_NUMBER = r"[0-9十百]{1,4}"
_NOT_COUNTED = r"(?![0-9十百]|\s*(?:多|余)?\s*[年月日号人户元万亿个盏平米棵辆次件层楼部台位名家吨度块公里%份条只瓦])"

_MAIL_AT = r"\s*(?:@|[(\[【]\s*(?:at|@|艾特)\s*[)\]】]|艾特)\s*|\s+at\s+"
_MAIL_DOT = r"\s*(?:\.|。|[(\[【]\s*(?:dot|点)\s*[)\]】])\s*|\s+dot\s+|点"
_TOP = r"(?:[A-Za-z]{2,}|中国|公司|网络|集团|在线|中文网|香港|政务|公益|商城|网址)"
_MAIL = re.compile(
    rf"(?:(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{{1,64}}|[\u4e00-\u9fff]{{1,3}})(?:{_MAIL_AT})"
    rf"(?:[A-Za-z0-9\u4e00-\u9fff\-]{{1,63}}(?:{_MAIL_DOT})){{1,5}}{_TOP}(?![A-Za-z])",
    re.IGNORECASE,
)

_MESSENGERS = (
    r"(?:微\s*信|薇信|威信|卫星号|徽信|v\s*信|vx|wx|we\s*chat|wei\s*xin|qq|q\s*q|扣\s*扣|企鹅号|钉钉|抖音|快手|小红书|支付宝|"
    r"微博|telegram|whats\s*app|skype|line\s*id)"
)
_SHORT = r"(?:[加扣+]\s*我?\s*[vqw]x?|[加+]\s*微|(?<![A-Za-z])[vqw]\s*号)"
_LINK = r"(?:\s*(?:号码|账号|帐号|号|id|名|[:：=是为叫搜]|加我?|(?:也|都)?是|我的?|同号|邮箱|[(（,，]))*\s*"
_ACCOUNT_NAME = r"(?:[A-Za-z][A-Za-z0-9_\-.]{4,40}|[A-Za-z0-9_\-]{5,40}|\d(?:[\s\-.]{0,2}\d){4,11})"
_CONTACT = re.compile(
    rf"(?:{_MESSENGERS}(?!\s*(?:公众号|小程序|支付|视频号))|{_SHORT}){_LINK}({_ACCOUNT_NAME})", re.IGNORECASE
)
_CONTACT_BEFORE = re.compile(rf"({_ACCOUNT_NAME})\s*(?:[(（]|是)?\s*(?:我|本人)?的?\s*{_MESSENGERS}", re.IGNORECASE)

_PAPERS = (
    r"(?:护照|台胞证|回乡证|通行证|居住证|军官证|士兵证|警官证|驾驶证|驾照|行驶证|社保卡|医保卡|身份证|户口本|户口簿|永居证|残疾证|"
    r"房产证|不动产权证|学生证|工作证|退休证|老年证|passport|证件)"
)
_PAPER = re.compile(
    rf"{_PAPERS}(?:\s*(?:号码|编号|号|no\.?|[:=是为]))*\s*"
    r"((?:[\u4e00-\u9fff]{1,3}字第?)?[A-Za-z]{0,3}[\s\-]?\d[\dA-Za-z()\- ]{4,20})",
    re.IGNORECASE,
)
# Passports (ordinary, diplomatic, service, of Hong Kong and Macao), travel permits, identity cards of Hong Kong and
# Taiwan.
_PAPER_ALONE = re.compile(
    r"(?<![A-Za-z0-9])"
    r"(?:E[A-HJ-NP-Z]\d{7}|[EGDSPHMKCWT]\d{8}(?:\d{2})?|[A-Z]\d{6}\([0-9A]\)|[A-Z][12]\d{8})"
    r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"(?:户号|卡号|账号|帐号|账户|学号|工号|社保号|医保号|病历号|住院号|车架号|银行卡|信用卡|存折|网格码)"
    r"(?:\s*(?:号码|号|[:：=是为]))*\s*([A-Za-z]{0,4}\d(?:[\s\-]{0,2}[\dA-Za-z]){4,24})"
)
_TAIL = re.compile(r"(?:手机|电话|卡)?尾号(?:\s*[:：是为])*\s*(\d{4})(?!\d)")

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_PLATE_SIGN = "A-HJ-NP-Za-hj-np-z"
_PLATE = re.compile(
    rf"[{_PROVINCES}]\s?[{_PLATE_SIGN}]\s?[·•.\-]?\s?(?=[A-Za-z]{{0,2}}\d)"
    rf"[{_PLATE_SIGN}0-9]{{4,5}}[{_PLATE_SIGN}0-9挂学警港澳](?![A-Za-z0-9])"
)

_AFTER_BUILDING = r"(?:(?<=号楼)|(?<=号院)|(?<=[幢栋座#弄]))\s*"
_DOORS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_NUMBER}\s*(?:单元|门|梯)\s*(?:{_NUMBER}\s*[楼层]\s*)?\d{{2,4}}\s*(?:室|房|号|户)?{_NOT_COUNTED}",
        rf"(?<![0-9十百])(?:{_NUMBER}\s*单元\s*)?[0-9百十]{{2,5}}\s*室(?!\s*\d\s*厅)",
        rf"(?<![0-9十百]){_NUMBER}\s*单元",
        r"(?<!\d)[A-Za-z]?\d{3,4}\s*(?:房(?![产屋价租贷改子])|号房|房间)",
        rf"{_AFTER_BUILDING}{_NUMBER}\s*{_DASH}\s*\d{{1,4}}(?:\s*{_DASH}\s*\d{{1,4}})?\s*(?:室|房)?",
        rf"{_AFTER_BUILDING}[A-Za-z]?\d{{3,4}}\s*(?:室|房|号)?{_NOT_COUNTED}",
        rf"(?<![\d\-])(?:\d{{1,3}}|[A-Za-z]\d?)\s*{_DASH}\s*\d{{1,2}}\s*{_DASH}\s*"
        r"(?!(?:19|20)\d\d(?!\d))\d{3,4}(?![\d\-])",
    )
)


def mask_places(view: View) -> None:
    """Take out mail addresses, accounts of messengers, papers, plates and doors."""
    _all(view, _MAIL, MAIL)
    _all(view, _PAPER, PAPER, 1, digits=True)
    _all(view, _PAPER_ALONE, PAPER)
    _all(view, _PLATE, PLATE)


def mask_contacts(view: View) -> None:
    """Take out what follows, or stands before, the name of a messenger; and numbers named as accounts."""
    _all(view, _CONTACT, CONTACT)
    _all(view, _CONTACT_BEFORE, CONTACT)
    _all(view, _NUMBERED, ACCOUNT, 1, digits=True)
    _all(view, _TAIL, PHONE)


def mask_doors(view: View) -> None:
    """Take out what leads to a flat; the building alone stays, it is where the matter is."""
    for pattern in _DOORS:
        _all(view, pattern, DOOR, digits=True)


def _all(view: View, pattern: re.Pattern[str], sign: str, group: int = 0, digits: bool = False) -> None:
    for found in list(pattern.finditer(view.digits if digits else view.plain)):
        view.take(*found.span(group), sign)
