"""What a district says of itself, as it is typed and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from station.base.errors import N_, BadInput, Phrase
from station.base.identity import LANGUAGES_OFFERED, Identity, Mark
from station.base.text import fold
from station.setup.colours import can_be_read, read_colour

MAX_TEXT = 6000
MOST_CHARS = {"district": 20, "higher_unit": 40, "help_hours": 40, "sms_signature": 20}
LEAST_DIGITS, MOST_DIGITS = 3, 15  # of a telephone number: 110 to E.164's longest
_PHONE = re.compile(r"[0-9+()（）\-– ]{3,30}")
TOO_LONG = N_("太长了，最多 %(most)s 个字")


class TextKind(StrEnum):
    """The two texts that have versions."""

    NOTICE = "notice"  # how personal data is handled: /privacy
    CONSENT = "consent"  # what a citizen agrees to when booking


@dataclass(frozen=True, slots=True)
class TextVersion:
    """One version of a text; it is never changed, only followed by another."""

    kind: TextKind
    version: int
    chinese: str
    english: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """Names, telephone, hours, languages."""

    district: str
    higher_unit: str
    help_phone: str
    help_hours: str
    sms_signature: str
    languages: tuple[str, ...]

    @classmethod
    def of(cls, identity: Identity) -> Facts:
        """Those of an identity."""
        return cls(
            identity.district,
            identity.higher_unit,
            identity.help_phone,
            identity.help_hours,
            identity.sms_signature,
            identity.languages,
        )


@dataclass(frozen=True, slots=True)
class Look:
    """The accent colour, and what is to become of the mark: a new one, none any more, or as it is."""

    accent: str
    mark: Mark | None = None
    without_mark: bool = False


@dataclass(frozen=True, slots=True)
class Texts:
    """The notice on personal data and the wording of consent, in both languages; English may be empty."""

    notice: str
    notice_english: str
    consent: str
    consent_english: str

    @classmethod
    def of(cls, identity: Identity) -> Texts:
        """Those in force."""
        return cls(identity.notice.chinese, identity.notice.english, identity.consent.chinese, identity.consent.english)


def read_facts(form: Mapping[str, str]) -> Facts:
    """The facts of a form. Raises BadInput."""
    faults: dict[str, str] = {}
    phone = fold(form.get("help_phone", ""))
    if not form.get("district", ""):
        faults["district"] = N_("请填区的名称，比如“青川县”")
    for name, most in MOST_CHARS.items():
        if len(form.get(name, "")) > most:
            faults[name] = Phrase(TOO_LONG, most=most)
    if phone and not _is_phone(phone):
        faults["help_phone"] = N_("电话只能有数字、空格、括号、横线和加号，比如 0839-8882345")
    if set(form.get("sms_signature", "")) & set("【】[]"):
        faults["sms_signature"] = N_("不用写括号，只写括号里的字")
    if faults:
        raise BadInput(fields=faults)
    return Facts(
        district=form["district"],
        higher_unit=form.get("higher_unit", ""),
        help_phone=phone,
        help_hours=form.get("help_hours", ""),
        sms_signature=form.get("sms_signature", ""),
        languages=LANGUAGES_OFFERED if form.get("english") == "yes" else ("zh",),
    )


def _is_phone(typed: str) -> bool:
    digits = sum(sign.isdigit() for sign in typed)
    return _PHONE.fullmatch(typed) is not None and LEAST_DIGITS <= digits <= MOST_DIGITS


def read_accent(form: Mapping[str, str]) -> str:
    """The colour of a form: that of a swatch, or the code that was typed. Raises BadInput."""
    typed = form.get("use") or (form.get("code", "") if form.get("accent") == "own" else form.get("accent", ""))
    colour = read_colour(fold(typed))
    if colour is None:
        raise BadInput(fields={"code": N_("颜色代码是 # 加 6 位，比如 #1f4e79")})
    if not can_be_read(colour):
        raise BadInput(fields={"code": N_("这个颜色太浅，上面的白字看不清，要深一点")})
    return colour


def read_texts(form: Mapping[str, str]) -> Texts:
    """The texts of a form. Raises BadInput."""
    names = ("notice", "notice_english", "consent", "consent_english")
    given = {name: form.get(name, "").replace("\r\n", "\n").strip() for name in names}
    faults: dict[str, str] = {
        name: Phrase(TOO_LONG, most=MAX_TEXT) for name, text in given.items() if len(text) > MAX_TEXT
    }
    if not given["notice"]:
        faults["notice"] = N_("个人信息的说明不能空着")
    if not given["consent"]:
        faults["consent"] = N_("请群众同意的那句话不能空着")
    if faults:
        raise BadInput(fields=faults)
    return Texts(**given)
