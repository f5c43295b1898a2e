"""SMS by Alibaba Cloud: what is signed is what is sent, and only its own word for yes counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from aiohttp import web
from yarl import URL

from station.notices.carriers.alibaba import Account, canonical_query, sign
from station.notices.carriers.choice import carrier_of
from station.notices.model import DeliveryFailed, NotDeliverable, OutcomeUnknown
from tests.notices.carriers.stand_in import Answer, carrier, sms

PARAMETERS = {
    "PhoneNumbers": "13800138000",
    "SignName": "代表联络站",
    "TemplateCode": "SMS_123456789",
    "TemplateParam": '{"code":"1234","name":"张三 *~"}',
    "OutId": "m-1",
}
ACCOUNT = Account(URL("https://dysmsapi.aliyuncs.com/"), "LTAIexample", "secretExample", "代表联络站")


def test_the_signature_is_the_carriers_own() -> None:
    """The vector that the carrier's own library gives for parameters with a space, a star and a tilde."""
    headers = sign(
        ACCOUNT, canonical_query(PARAMETERS), datetime(2026, 11, 30, 1, tzinfo=UTC), "0123456789abcdef0123456789abcdef"
    )
    names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
    assert headers["Authorization"] == (
        f"ACS3-HMAC-SHA256 Credential=LTAIexample,SignedHeaders={names},"
        "Signature=98f2ff1b197b1dc118898af8f535ee1eaee07dfecbef4070baa10ee04822fd46"
    )


async def test_what_arrives_is_what_was_signed() -> None:
    """The carrier, which signs again what it got, comes to the same signature, whatever signs a name holds."""

    async def answer(request: web.Request) -> Answer:
        got = Account(URL(f"http://{request.host}/"), "key", "pass word", "网上代表联络站")
        at = datetime.strptime(request.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        again = sign(got, request.rel_url.raw_query_string, at, request.headers["x-acs-signature-nonce"])
        assert again["Authorization"] == request.headers["Authorization"]
        assert await request.read() == b""
        asked.append(dict(request.query))
        return 200, {"Code": "OK", "BizId": "1"}

    asked: list[dict[str, str]] = []
    async with carrier("alibaba", answer) as settings:
        await carrier_of(settings).send(sms(code="12 *~+/:&=%34"))
    assert asked[0]["PhoneNumbers"] == "13800138000"
    assert asked[0]["TemplateCode"] == "SMS_1"
    assert json.loads(asked[0]["TemplateParam"]) == {"code": "12 *~+/:&=%34"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发分钟级流控"}), DeliveryFailed),
        ((200, {"Code": "isv.AMOUNT_NOT_ENOUGH"}), DeliveryFailed),
        ((200, {"Code": "isp.GATEWAY_ERROR"}), DeliveryFailed),
        ((503, {"Code": "ServiceUnavailable"}), DeliveryFailed),
        ((200, {}), OutcomeUnknown),
        ((200, "<html>proxy</html>"), OutcomeUnknown),
        ((200, {"Code": {"not": "a word"}}), OutcomeUnknown),
        ((200, {"Code": "isv.MOBILE_NUMBER_ILLEGAL"}), NotDeliverable),
        ((400, {"Code": "SignatureDoesNotMatch"}), NotDeliverable),
        ((400, {"Code": "ok"}), NotDeliverable),
        ((200, {"Code": "ok"}), NotDeliverable),
    ],
)
async def test_a_refusal_counts_as_one(answer: Answer, error: type[Exception]) -> None:
    """Also inside HTTP 200; what passes is tried again, and what does not is given up; no number is in the error."""

    async def say(_request: web.Request) -> Answer:
        return answer

    async with carrier("alibaba", say) as settings:
        with pytest.raises(error) as raised:
            await carrier_of(settings).send(sms(code="1"))
    assert type(raised.value) is error
    assert "138" not in str(raised.value) and "触发" not in str(raised.value)
