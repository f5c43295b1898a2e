"""SMS by Tencent Cloud: the very bytes that are sent are signed, and only its own word for yes counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from aiohttp import web
from yarl import URL

from station.notices.carriers.choice import carrier_of
from station.notices.carriers.tencent import Account, sign
from station.notices.model import DeliveryFailed, NotDeliverable, OutcomeUnknown
from tests.notices.carriers.stand_in import Answer, carrier, sms

BODY = (
    b'{"PhoneNumberSet": ["+8613800138000"], "SmsSdkAppId": "1400000001", "TemplateId": "1234567", '
    b'"SignName": "\\u4ee3\\u8868\\u8054\\u7edc\\u7ad9", "TemplateParamSet": ["1234", "5"], "SessionContext": "m-1"}'
)


def test_the_signature_is_the_carriers_own() -> None:
    """The vector that the carrier's own library gives for that body at that second."""
    account = Account(URL("https://sms.tencentcloudapi.com/"), "AKIDexample", "secretExample", "", "1400000001")
    assert sign(account, BODY, datetime.fromtimestamp(1796000000, UTC)) == (
        "TC3-HMAC-SHA256 Credential=AKIDexample/2026-11-30/sms/tc3_request, SignedHeaders=content-type;host, "
        "Signature=ef386fff0edbd8c96d3cc3cece11a836a432ce98a25093cc80cbbf6493cc5202"
    )


async def test_what_arrives_is_what_was_signed() -> None:
    """The carrier, which signs again what it got, comes to the same signature; gaps go as strings, in order."""

    async def answer(request: web.Request) -> Answer:
        body = await request.read()
        got = Account(URL(f"http://{request.host}/"), "key", "pass word", "", "1400000001")
        at = datetime.fromtimestamp(int(request.headers["X-TC-Timestamp"]), UTC)
        assert sign(got, body, at) == request.headers["Authorization"]
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["X-TC-Region"] == "ap-nanjing"
        asked.append(json.loads(body))
        return 200, {"Response": {"SendStatusSet": [{"Code": "Ok"}]}}

    asked: list[dict[str, object]] = []
    async with carrier("tencent", answer, "ap-nanjing?app=1400000001") as settings:
        await carrier_of(settings).send(sms(code="1234"))
    assert asked[0]["PhoneNumberSet"] == ["+8613800138000"]
    assert (asked[0]["SmsSdkAppId"], asked[0]["SignName"]) == ("1400000001", "网上代表联络站")
    assert asked[0]["TemplateParamSet"] == ["1234"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, {"Response": {"SendStatusSet": [{"Code": "LimitExceeded.PhoneNumberDailyLimit"}]}}), DeliveryFailed),
        ((200, {"Response": {"Error": {"Code": "RequestLimitExceeded"}}}), DeliveryFailed),
        ((200, {"Response": {"SendStatusSet": None}}), OutcomeUnknown),
        ((200, {"Response": {"SendStatusSet": []}}), OutcomeUnknown),
        ((200, {}), OutcomeUnknown),
        ((500, {"Response": {"SendStatusSet": [{"Code": "Ok"}]}}), DeliveryFailed),
        ((200, {"Response": {"Error": {"Code": "AuthFailure.SignatureFailure"}}}), NotDeliverable),
        ((200, {"Response": {"SendStatusSet": [{"Code": "OK"}]}}), NotDeliverable),
    ],
)
async def test_a_refusal_counts_as_one(answer: Answer, error: type[Exception]) -> None:
    """Also inside HTTP 200, whatever is named as its type; what passes is tried again, what does not is given up."""

    async def say(_request: web.Request) -> Answer:
        return answer

    async with carrier("tencent", say, "?app=1") as settings:
        with pytest.raises(error) as raised:
            await carrier_of(settings).send(sms(code="1"))
    assert type(raised.value) is error
