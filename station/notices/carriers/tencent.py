"""SMS by Tencent Cloud: SendSms of 2021-01-11, signed with TC3-HMAC-SHA256.

https://cloud.tencent.com/document/api/382/55981
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from yarl import URL

from station.notices.carriers.http import check_taken, json_object, send_sms, word
from station.notices.carriers.templates import Template, choose_template, missing_kinds
from station.notices.model import Notice

ACTION, VERSION, SERVICE = "SendSms", "2021-01-11", "sms"
_CONTENT_TYPE = "application/json"  # part of the signature
_SIGNED = "content-type;host"
_PASSING = ("LimitExceeded", "InternalError", "RequestLimitExceeded", "FailedOperation.InsufficientBalanceInSmsPackage")


@dataclass(frozen=True, slots=True)
class Account:
    """Where to ask, as whom, and for which application."""

    endpoint: URL
    key_id: str
    secret: str
    sign_name: str
    app_id: str
    region: str = "ap-guangzhou"

    @property
    def host(self) -> str:
        """The header `Host` as it is sent and signed: without the port where it is the scheme's own."""
        return self.endpoint.host_port_subcomponent or ""


def sign(account: Account, body: bytes, at: datetime) -> str:
    """The header `Authorization` for that very body. `at`: UTC."""
    date, stamp = f"{at:%Y-%m-%d}", int(at.timestamp())
    lines = f"content-type:{_CONTENT_TYPE}\nhost:{account.host}\n"
    canonical = f"POST\n/\n\n{lines}\n{_SIGNED}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{date}/{SERVICE}/tc3_request"
    to_sign = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{account.secret}".encode()
    for part in (date, SERVICE, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"TC3-HMAC-SHA256 Credential={account.key_id}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"


class TencentSms:
    """The channel."""

    def __init__(self, account: Account, templates: Mapping[str, Template]) -> None:
        self._account, self._templates = account, templates

    def missing_kinds(self) -> list[str]:
        """Kinds that go by SMS and have no template."""
        return missing_kinds(self._templates)

    async def send(self, notice: Notice) -> None:
        """Raises NotDeliverable, DeliveryFailed or OutcomeUnknown."""
        template, gaps = choose_template(self._templates, notice)
        body = json.dumps(
            {
                "PhoneNumberSet": [f"+86{notice.address}"],
                "SmsSdkAppId": self._account.app_id,
                "TemplateId": template,
                "SignName": self._account.sign_name,
                "TemplateParamSet": list(gaps.values()),
                "SessionContext": notice.id,
            }
        ).encode()
        now = datetime.now(UTC)
        headers = {
            "Authorization": sign(self._account, body, now),
            "Content-Type": _CONTENT_TYPE,
            "X-TC-Action": ACTION,
            "X-TC-Version": VERSION,
            "X-TC-Region": self._account.region,
            "X-TC-Timestamp": str(int(now.timestamp())),
        }
        status, answer = await send_sms(self._account.endpoint, headers, body)
        check_taken("Tencent Cloud", status, word(_code_of(json_object(answer).get("Response"))), "Ok", _PASSING)


def _code_of(response: Any) -> object:
    """`Ok`, or the code of the refusal, which stands in another place when nothing was looked at."""
    if not isinstance(response, dict):
        return ""
    error, each = response.get("Error"), response.get("SendStatusSet")
    if isinstance(error, dict):
        return error.get("Code")
    return each[0].get("Code") if isinstance(each, list) and each and isinstance(each[0], dict) else ""
