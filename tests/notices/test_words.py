"""A notice in words: in the language of who reads it, whatever language the carrier was given."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest

from station.base.errors import Phrase
from station.base.i18n import Translator
from station.base.principal import Principal, Role
from station.base.station import Station
from station.notices import kinds
from station.notices.kinds import KINDS, Kind, Value
from station.notices.model import Outgoing
from station.notices.service import my_notices, queue_all
from station.notices.words import sentence_of, to_json
from tests.fixtures import MONDAY_TEN, Person

NewPerson = Callable[..., Awaitable[Person]]
CHINESE = re.compile("[\u3000-\u9fff\uff00-\uffef]")
GAP = re.compile(r"%\((\w+)\)s")


def english(kind: Kind, **gaps: Value) -> str:
    translator = Translator()
    kept = to_json(gaps)
    return sentence_of(kind, kept, lambda message: translator.gettext("en", message), "en", MONDAY_TEN)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_is_said_in_english(kind: Kind) -> None:
    """No kind leaves a sign of Chinese in what an English reader reads, nor loses what fills its gaps."""
    names = GAP.findall(kind.sentence)
    said = english(kind, **{name: f"<{name}>" for name in names})
    assert not CHINESE.search(said), said
    assert all(f"<{name}>" in said for name in names)


def test_days_moments_and_phrases_are_said_as_the_language_says_them() -> None:
    """A day, a moment, a phrase with a gap of its own and several sentences: each in the reader's language."""
    said = english(
        kinds.CONSENT_WITHDRAWN,
        name="A",
        what=Phrase("公开录像"),
        day=date(2026, 10, 15),
        meeting="B",
        done=(Phrase("直播已停。"), Phrase("公开的录像已撤下。")),
    )
    assert "Thursday 15 October, B." in said
    assert said.endswith("The broadcast has been stopped. The published recording has been taken down.")
    booked = english(
        kinds.CANCELLED_BY_HOST,
        when=MONDAY_TEN + timedelta(days=366),
        deputy="C",
        number="1",
        host=Phrase("%(name)s代表", name="C"),
        reason="100 % of %(us)s",
        or_call=(),
    )
    assert "by Deputy C. Reason: 100 % of %(us)s. We are sorry; please choose another time online." in booked
    assert str((MONDAY_TEN + timedelta(days=366)).year) in booked


async def test_the_page_says_it_in_the_readers_language(station: Station, new_person: NewPerson) -> None:
    """One notice: Chinese by the carrier, English on the page of who reads English, and Chinese for who does not."""
    gaps: dict[str, Value] = {"case": "1 号", "unit": "城管局", "until": date(2026, 10, 15)}
    async with station.database.transaction() as work:
        sms = Outgoing("sms", "13800001234", kinds.CASE_ASSIGNED, gaps, "case:cs_1", account="ac_demo_citizen")
        await queue_all(station, work, [sms])
    citizen = await new_person("ac_demo_citizen")
    assert "您反映的事项 1 号：已经交给城管局办，最迟 10月15日（周四） 答复您。" in await citizen.get("/notices")
    citizen.headers = {"Accept-Language": "en"}
    english_page = await citizen.get("/notices")
    assert "Your matter 1 号 has been handed to 城管局, which will reply by Thursday 15 October." in english_page
    found, _ = await my_notices(station, Principal("ac_demo_citizen", Role.CITIZEN, ""))
    assert found[0].text.startswith("【网上代表联络站】您反映的事项 1 号：")
