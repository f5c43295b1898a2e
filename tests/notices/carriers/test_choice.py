"""Which carrier the settings name, and what keeps a station from starting with one."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from station.base.settings import Settings
from station.notices.carriers.choice import carrier_of
from station.notices.carriers.templates import read_templates
from station.notices.model import DeliveryFailed, NotDeliverable, OutcomeUnknown
from station.serve.policies import find_policy_fault
from tests.notices.carriers.stand_in import TEMPLATES, Answer, carrier, sms
from tests.servers import pick_port


def settings_of(data: Path, address: str, templates: str | None = TEMPLATES) -> Settings:
    (data / "policy").mkdir()
    if templates is not None:
        (data / "policy" / "sms.toml").write_text(templates, encoding="utf-8")
    return Settings(_env_file=None, data=data, sms_url=SecretStr(address))


@pytest.mark.parametrize(
    ("address", "templates", "said"),
    [
        ("alibaba://dysmsapi.aliyuncs.com", TEMPLATES, "KEY-ID:SECRET"),
        ("alibaba://key@dysmsapi.aliyuncs.com", TEMPLATES, "KEY-ID:SECRET"),
        ("tencent://key:secret@sms.tencentcloudapi.com", TEMPLATES, "app="),
        ("alibaba://key:secret@dysmsapi.aliyuncs.com", None, "No such file"),
        ("alibaba://key:secret@dysmsapi.aliyuncs.com", "= 1", "line 1"),
        ("alibaba://key:secret@dysmsapi.aliyuncs.com", "a = 1", "templates must be a table"),
        ("alibaba://key:secret@dysmsapi.aliyuncs.com", '[templates."case.unheard-of"]\nid = "1"', "unheard-of"),
        ("alibaba://key:secret@dysmsapi.aliyuncs.com", '[templates."sign-in.code"]\nid = 1', "number of a template"),
        (
            "alibaba://key:secret@dysmsapi.aliyuncs.com",
            '[templates."sign-in.code"]\nid = "1"\ngaps = ["name"]',
            "list of code",
        ),
        (
            "alibaba://key:secret@dysmsapi.aliyuncs.com",
            '[templates."sign-in.code"]\nid = "1"\ngaps = ["code", "code"]',
            "each once",
        ),
    ],
)
def test_a_carrier_that_cannot_be_used_is_told_before_the_start(
    tmp_path: Path, address: str, templates: str | None, said: str
) -> None:
    """File, setting and fault are named, and never the secret."""
    fault = find_policy_fault(settings_of(tmp_path, address, templates))
    assert fault is not None and said in fault
    assert "secret@" not in fault


def test_what_has_no_template_is_named(tmp_path: Path) -> None:
    """Kinds that go by SMS and have no template are told, and staff's kinds need none."""
    settings = settings_of(tmp_path, "alibaba://key:secret@dysmsapi.aliyuncs.com")
    missing = carrier_of(settings).missing_kinds()
    assert "booking.made" in missing and "case.replied" in missing
    assert "sign-in.code" not in missing
    assert not [name for name in missing if name.endswith(".staff")]
    assert find_policy_fault(settings) is None


async def test_a_kind_without_a_template_is_not_sent(tmp_path: Path) -> None:
    """It is given up at once, with the kind's name, and the carrier is not asked."""
    settings = settings_of(tmp_path, f"alibaba+http://key:secret@127.0.0.1:{pick_port()}", "[templates]")
    with pytest.raises(NotDeliverable, match=re.escape("sign-in.code")):
        await carrier_of(settings).send(sms(code="1"))


async def test_a_carrier_that_is_away_is_asked_again(tmp_path: Path) -> None:
    """Nothing listens: it was certainly not sent, so that it is tried again."""
    settings = settings_of(tmp_path, f"alibaba+http://key:secret@127.0.0.1:{pick_port()}")
    with pytest.raises(DeliveryFailed, match="cannot be reached"):
        await carrier_of(settings).send(sms(code="1"))


@pytest.mark.parametrize("status", [502, 504])
async def test_a_gateway_that_gave_up_says_nothing_about_the_sms(status: int) -> None:
    """Something between us and the carrier did not get its answer: the SMS may be out."""

    async def say(_request: web.Request) -> Answer:
        return status, "<html>"

    async with carrier("alibaba", say) as settings:
        with pytest.raises(OutcomeUnknown, match=str(status)):
            await carrier_of(settings).send(sms(code="1"))


async def test_an_answer_in_pieces_is_read_whole() -> None:
    """A yes that comes in two packets is a yes: taken for a failure, the SMS would go out again."""

    async def say(request: web.Request) -> Answer:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b'{"Co')
        await asyncio.sleep(0.05)
        await answer.write(b'de": "OK"}')
        await answer.write_eof()
        return answer

    async with carrier("alibaba", say) as settings:
        await carrier_of(settings).send(sms(code="1"))


async def test_a_connection_that_breaks_after_the_request_leaves_it_unknown() -> None:
    """The carrier took the request and hung up without a word."""

    async def hang_up(request: web.Request) -> Answer:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        await asyncio.sleep(0)
        return 200, {"Code": "OK"}

    async with carrier("alibaba", hang_up) as settings:
        with pytest.raises(OutcomeUnknown):
            await carrier_of(settings).send(sms(code="1"))


def test_templates_hold_their_order(tmp_path: Path) -> None:
    """A carrier that fills by place gets the gaps in the order of the file."""
    path = tmp_path / "sms.toml"
    path.write_text('[templates."case.assigned"]\nid = "7"\ngaps = ["until", "unit", "case"]\n', encoding="utf-8")
    assert read_templates(path)["case.assigned"].gaps == ("until", "unit", "case")
