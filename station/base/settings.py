"""All settings, read once from `STATION_*` in the environment or from `station.env`; each has help and a default."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# A URL that browsers do not understand would keep them from making any connection at all.
TURN_URLS = r"^\s*(turns?:[\w.\-\[\]:]+(\?transport=(udp|tcp))?\s*(,\s*|$))*$"

MAX_MEDIA_PROCESSES = 16
MOST_BY_DEFAULT = 8
DEMO_DISTRICT = "清和区"
DEMO_HELP_PHONE = "(0000) 880 0123"  # an area code that nobody has


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseSettings):
    """Frozen; made once at the start of a role and handed down."""

    model_config = SettingsConfigDict(env_prefix="STATION_", env_file="station.env", frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address the web role listens on; anything but loopback turns HTTPS on.")
    http_port: int = Field(8080, ge=0, le=65535, description="Port of pages and API.")
    media_processes: int = Field(
        default_factory=lambda: min(MOST_BY_DEFAULT, usable_cores()),
        ge=1,
        le=MAX_MEDIA_PROCESSES,
        description="Media processes on this machine, which share its rooms; as many as cores, at most 8, if left out.",
    )
    media_port: int = Field(8189, ge=0, le=65535, description="Media port of the first; the others have the next ones.")
    media_http_port: int = Field(
        8172, ge=0, le=65535, description="Loopback port of the first media process; the others have the next ones."
    )
    live_http_port: int = Field(8171, ge=0, le=65535, description="Loopback port of the live role.")
    public_host: str = Field("", description="Address put into ICE candidates; empty: found from the interfaces.")
    data: Path = Field(Path("var"), description="Folder of everything the station keeps.")
    database_url: str = Field("", description="PostgreSQL URL; empty: SQLite in the data folder.")
    ledger_file: Path | None = Field(
        None,
        description="File for number and hash of each ledger event, so that a cut is found; best on another disk. "
        "Empty: ledger/heads.jsonl in the data folder.",
    )
    redis_url: str = Field("", description="Redis URL for the bus and rate limits; empty: in process.")
    demo: bool = Field(
        False, description="Demo data, and a page that shows logins and the outbox. Never in production."
    )
    district: str = Field(
        "",
        description="Name of the district in the page head, until the station is set up in its pages (/setup, "
        "/admin/district), which then say this and the three below. Empty: none is named; the demo has its own.",
    )
    sms_signature: str = Field("网上代表联络站", description="Signature at the head of text messages, as registered.")
    help_phone: str = Field(
        "",
        description="Telephone number where people ask for help: on each page and in text messages. Empty: pages lead "
        "to the numbers of the stations; the demo has an invented one.",
    )
    help_hours: str = Field("", description="Hours in which that telephone is answered; empty: not said.")
    public_origin: str = Field(
        "",
        description="Where visitors reach the station, such as https://station.example.cn or, on another port, "
        "https://station.example.cn:8443: for links, QR codes, cookies and HSTS; empty: as each request says.",
    )
    trusted_proxies: str = Field(
        "",
        description="Comma-separated addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto "
        "are believed.",
    )
    codes_per_address: int = Field(
        600, ge=1, description="SMS codes an hour for all who share one address, such as a hall or a carrier's network."
    )
    sign_ins_per_address: int = Field(
        600, ge=1, description="Tries to sign in, in ten minutes, for all who share one address, such as an office."
    )
    tls_cert: Path | None = Field(None, description="Certificate (PEM); made on the spot where HTTPS needs one.")
    tls_key: Path | None = Field(None, description="Private key (PEM) of the certificate.")
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="smtp://user:password@host:port for notices by mail, of which nothing writes any yet.",
    )
    sms_url: SecretStr = Field(
        SecretStr(""),
        description="https://user:password@host/path of the SMS gateway: each message is POSTed to it as JSON with "
        "`to` and `text`; 2xx means taken. Or a carrier, with the templates of `policy/sms.toml`: "
        "alibaba://key:secret@dysmsapi.aliyuncs.com, tencent://key:secret@sms.tencentcloudapi.com/region?app=number. "
        "Empty: no SMS can be sent, so citizens cannot sign in.",
    )
    max_upload_bytes: int = Field(10 * 2**20, description="Largest photo taken, in bytes.")
    keep_notices_days: int = Field(
        180, ge=1, description="Days after which notices are deleted; the page on personal data names them."
    )
    keep_recordings_years: int = Field(
        3,
        ge=1,
        le=100,
        description="Years after which recordings, archive bags, broadcasts, chats and the wording of reasons beside "
        "the ledger are deleted; the page on personal data and the question for consent name them.",
    )
    turn_url: str = Field(
        "", pattern=TURN_URLS, description="turn: or turns: URLs of a coturn, comma-separated; empty: none."
    )
    turn_secret: SecretStr = Field(SecretStr(""), description="Shared secret for short-lived TURN credentials.")
    backup_target: str = Field(
        "", description="Where backups go: a folder on another disk, or s3://bucket/prefix. Empty: no nightly backup."
    )
    backup_at: str = Field(
        "02:30", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="When the nightly backup to that target begins."
    )
    backup_recipient: str = Field(
        "",
        description="Whose key opens the backups: the public half that `station backup-key` prints (age1…), several by "
        "commas. Backups cannot be read on this machine then.",
    )
    backup_passphrase: SecretStr = Field(
        SecretStr(""),
        description="Words that open the backups, in place of a key or besides it; unlocking takes 0.6 GB of memory.",
    )
    backup_s3_endpoint: str = Field(
        "", description="https://host of the S3 store; empty: Amazon's, by the bucket's region."
    )
    backup_s3_region: str = Field("us-east-1", description="Region of the bucket; many stores take any.")
    backup_s3_key: str = Field("", description="Access key of the S3 store.")
    backup_s3_secret: SecretStr = Field(SecretStr(""), description="Secret of that access key.")
    backup_s3_virtual_host: bool = Field(
        False,
        description="Ask https://bucket.host instead of https://host/bucket, as Alibaba's and Tencent's stores want.",
    )
    log_level: str = Field("info", description="debug, info, warning or error.")

    @field_validator("public_origin")
    @classmethod
    def _check_origin(cls, value: str) -> str:
        if not value:
            return ""
        parts = urlsplit(value.strip())
        named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        if not named or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
            raise ValueError("must be http:// or https:// with a host, and a port if it is another one; no path")
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: str) -> str:
        for part in filter(None, (part.strip() for part in value.split(","))):
            ipaddress.ip_network(part, strict=False)
        return value

    @property
    def keys(self) -> Path:
        """Folder of the signing keys."""
        return self.data / "keys"

    @property
    def ledger_heads(self) -> Path:
        """Where the ledger's newest entry is kept outside of the database."""
        return self.ledger_file or self.data / "ledger" / "heads.jsonl"

    @property
    def ledger_proved(self) -> Path:
        """Where the event is noted up to which the ledger was found whole."""
        return self.data / "ledger" / "proved.json"

    @property
    def shown_help_phone(self) -> str:
        """The number that pages and messages name; "" while none is set, for an invented one must not reach anybody."""
        return self.help_phone or (DEMO_HELP_PHONE if self.demo else "")

    @property
    def sends_sms(self) -> bool:
        """Whether an SMS reaches its reader: by a gateway, or on the demo's page of logins."""
        return self.demo or bool(self.sms_url.get_secret_value())

    @property
    def resolved_database_url(self) -> str:
        """The URL with its async driver named."""
        url = self.database_url
        if not url:
            return f"sqlite+aiosqlite:///{(self.data / 'station.db').resolve()}"
        return url.replace("postgresql://", "postgresql+asyncpg://", 1)

    def media_port_of(self, number: int) -> int:
        """UDP and TCP port of a media process; 0 (any) stays 0."""
        return self.media_port and self.media_port + number

    def media_http_port_of(self, number: int) -> int:
        """Loopback port of a media process; 0 (any) stays 0."""
        return self.media_http_port and self.media_http_port + number

    def media_journal_of(self, number: int) -> Path:
        """Folder of a media process's journal; the first one's is where it was when there was only one."""
        return self.data / "media" / (f"{number}/journal" if number else "journal")

    @property
    def media_urls(self) -> dict[str, str]:
        """Where web and live reach the media processes, by the name that each has in URLs."""
        numbers = range(self.media_processes)
        return {str(number): f"http://127.0.0.1:{self.media_http_port_of(number)}" for number in numbers}

    @property
    def live_url(self) -> str:
        """Where web reaches live."""
        return f"http://127.0.0.1:{self.live_http_port}"
