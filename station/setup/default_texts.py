"""The first version of the two texts, made of what the district has said of itself.

Terms of keeping are told on the page itself, from the settings in force, so that no district's text can be wrong about
them. The grounds are those of the Personal Information Protection Law (个人信息保护法), articles 13, 31, 44 to 50.
"""

from __future__ import annotations

from pathlib import Path

from station.base.identity import Identity
from station.setup.model import Texts

TEXTS = Path(__file__).parent / "texts"
_CONSENT = "只用来办这件事，不公开您的姓名、电话和住址。录像不录像，见面前再问您。可以随时在“我的”里收回。"
_CONSENT_ENGLISH = (
    "Used for this matter only; your name, phone number and address are not made public. Whether to record is asked "
    "before you meet. You can take it back at any time under “Mine”."
)


def texts_for(identity: Identity) -> Texts:
    """The texts that a district begins with."""
    who = identity.higher_unit or (f"{identity.district}人大常委会" if identity.district else "本区人大常委会")
    congress = "The standing committee of the people's congress"
    who_english = identity.higher_unit or (f"{congress} of {identity.district}" if identity.district else congress)
    phone, hours = identity.help_phone, identity.help_hours
    call = f"打电话 {phone}{f'（{hours}）' if hours else ''}，或者" if phone else ""
    call_english = f"Call {phone}{f' ({hours})' if hours else ''}. " if phone else ""
    return Texts(
        notice=_read("notice.zh").format(who=who, phone=call),
        notice_english=_read("notice.en").format(who=who_english, phone=call_english),
        consent=_CONSENT,
        consent_english=_CONSENT_ENGLISH,
    )


def _read(name: str) -> str:
    return (TEXTS / f"{name}.txt").read_text(encoding="utf-8").strip()
