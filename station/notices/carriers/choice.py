"""Which carrier the settings name: `alibaba://KEY-ID:SECRET@HOST` or `tencent://KEY-ID:SECRET@HOST/REGION?app=…`."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

from yarl import URL

from station.base.settings import Settings
from station.notices.carriers import alibaba, tencent
from station.notices.carriers.templates import read_templates

TEMPLATES = "sms.toml"
_NAMES = ("alibaba", "tencent")


def is_carrier(address: str) -> bool:
    """Whether STATION_SMS_URL names a carrier whose own API is spoken, and not a gateway."""
    return urlsplit(address).scheme.partition("+")[0] in _NAMES


def carrier_of(settings: Settings, signature: str = "") -> alibaba.AlibabaSms | tencent.TencentSms:
    """The carrier of STATION_SMS_URL, with the templates of `policy/sms.toml`. Raises ValueError, OSError.

    `alibaba+http://` asks without TLS, for a proxy on the same machine.
    """
    parts = urlsplit(settings.sms_url.get_secret_value())
    name, _, plain = parts.scheme.partition("+")
    if not parts.username or not parts.password or not parts.hostname:
        raise ValueError(f"STATION_SMS_URL must be {name}://KEY-ID:SECRET@HOST")
    endpoint = URL(f"{plain or 'https'}://{parts.netloc.rpartition('@')[2]}/")
    key_id, secret = unquote(parts.username), unquote(parts.password)
    signature = signature or settings.sms_signature
    templates = read_templates(settings.data / "policy" / TEMPLATES)
    if name == "alibaba":
        return alibaba.AlibabaSms(alibaba.Account(endpoint, key_id, secret, signature), templates)
    app = parse_qs(parts.query).get("app", [""])[0]
    if not app:
        raise ValueError("STATION_SMS_URL must name the application: tencent://KEY-ID:SECRET@HOST/REGION?app=…")
    account = tencent.Account(endpoint, key_id, secret, signature, app)
    region = parts.path.strip("/")
    return tencent.TencentSms(replace(account, region=region) if region else account, templates)
