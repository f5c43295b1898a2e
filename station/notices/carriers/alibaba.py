"""SMS by Alibaba Cloud: SendSms of 2017-05-25, signed with ACS3-HMAC-SHA256.

https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from yarl import URL

from station.notices.carriers.http import check_taken, json_object, send_sms, word
from station.notices.carriers.templates import Template, choose_template, missing_kinds
from station.notices.model import Notice

ACTION, VERSION = "SendSms", "2017-05-25"
_EMPTY = hashlib.sha256(b"").hexdigest()
_PASSING = (
    "isv.BUSINESS_LIMIT",
    "BUSINESS_LIMIT",
    "isv.AMOUNT_NOT_ENOUGH",
    "isv.BILLING",
    "isv.OUT_OF_SERVICE",
    "isp.",
    "Throttling",
    "ServiceUnavailable",
    "InternalError",
)


@dataclass(frozen=True, slots=True)
class Account:
    """Where to ask, and as whom."""

    endpoint: URL
    key_id: str
    secret: str
    sign_name: str

    @property
    def host(self) -> str:
        """The header `Host` as it is sent and signed: without the port where it is the scheme's own."""
        return self.endpoint.host_port_subcomponent or ""


def canonical_query(parameters: Mapping[str, str]) -> str:
    """The parameters in order, percent-encoded as RFC 3986 §2.1 says: they are sent as they are signed."""
    return "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted(parameters.items()))


def sign(account: Account, query: str, at: datetime, nonce: str) -> dict[str, str]:
    """The headers of a request without a body. `at`: UTC."""
    headers = {
        "host": account.host,
        "x-acs-action": ACTION,
        "x-acs-content-sha256": _EMPTY,
        "x-acs-date": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": nonce,
        "x-acs-version": VERSION,
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"POST\n/\n{query}\n{lines}\n{names}\n{_EMPTY}"
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(account.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    value = f"ACS3-HMAC-SHA256 Credential={account.key_id},SignedHeaders={names},Signature={signature}"
    return {**headers, "Authorization": value}


class AlibabaSms:
    """The channel. The number stands in the address of the request: send through no proxy that keeps a log."""

    def __init__(self, account: Account, templates: Mapping[str, Template]) -> None:
        self._account, self._templates = account, templates

    def missing_kinds(self) -> list[str]:
        """Kinds that go by SMS and have no template."""
        return missing_kinds(self._templates)

    async def send(self, notice: Notice) -> None:
        """Raises NotDeliverable, DeliveryFailed or OutcomeUnknown."""
        template, gaps = choose_template(self._templates, notice)
        query = canonical_query(
            {
                "PhoneNumbers": notice.address,
                "SignName": self._account.sign_name,
                "TemplateCode": template,
                "TemplateParam": json.dumps(gaps, ensure_ascii=False, separators=(",", ":")),
                "OutId": notice.id,
            }
        )
        headers = sign(self._account, query, datetime.now(UTC), secrets.token_hex(16))
        # Encoded already: what is sent has to be, to the letter, what was signed.
        url = URL(f"{self._account.endpoint}?{query}", encoded=True)
        status, body = await send_sms(url, {**headers, "Accept": "application/json"}, b"")
        check_taken("Alibaba Cloud", status, word(json_object(body).get("Code")), "OK", _PASSING)
